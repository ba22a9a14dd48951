"""`make bench`: what the suite does in a second, on this machine; writes docs/benchmarks.json and .md.

Every service runs as its own process over a real RabbitMQ (AMQP_URI, localhost, or one that is started) and
a PostgreSQL that writes durably; ratios are taken within one run. Options: --seconds, --connections,
--embedded (the whole suite in one process), --keep (leave the files in docs/ alone).
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import replace  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from credit.suite import environment_of, prepare, with_server  # noqa: E402
from services.common.config import Settings  # noqa: E402
from tests.bench import approvals, authentication, expressions, flow_engine  # noqa: E402
from tests.bench.company import ADMIN_PASSWORD, make_company  # noqa: E402
from tests.bench.figures import Figures, measure  # noqa: E402
from tests.bench.ledger_at_scale import measure_at_scale  # noqa: E402
from tests.support.ports import LOOPBACK, free_port  # noqa: E402
from tests.support.processes import services_apart  # noqa: E402
from tests.support.rabbitmq import find_broker  # noqa: E402
from tests.support.wait import wait_until  # noqa: E402

_CUSTOMERS = 50
_START_SECONDS_MAX = 120
_DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Start the suite, make a company, measure, print and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder) / "var",
            keys_dir=Path(folder) / "var" / "keys",
            http_port=free_port(),
            admin_password=ADMIN_PASSWORD,
        )
        run = _in_one_process if options.embedded else _apart
        with run(settings) as (running, how):
            bench = make_company(f"http://{LOOPBACK}:{settings.http_port}", _CUSTOMERS)
            figures = measure(bench, running, options.seconds, options.connections)
            figures |= approvals.measure(bench, running, options.connections)
    figures |= measure_at_scale()
    figures |= expressions.measure()
    figures |= authentication.measure()
    figures |= flow_engine.measure()
    about = {**_machine(), "topology": how, "seconds": options.seconds, "connections": options.connections}
    print(json.dumps({"figures": figures, "about": about}, indent=2))
    if not options.keep and not options.embedded:
        _write(figures, about)


@contextmanager
def _in_one_process(settings: Settings) -> Iterator[tuple[Settings, str]]:
    """The suite in one process, as `make run` starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "credit.cli", "up"], env=environment_of(settings), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(
            Client(f"http://{LOOPBACK}:{settings.http_port}").is_up, _START_SECONDS_MAX, what="the suite"
        )
        yield settings, "embedded, one process"
    finally:
        process.terminate()
        process.wait(40)


@contextmanager
def _apart(settings: Settings) -> Iterator[tuple[Settings, str]]:
    """Every service in its own process."""
    broker, why = find_broker(settings.data_dir / "rabbitmq")
    if broker is None:
        raise SystemExit(why)
    uri = str(broker.new_virtual_host())
    try:
        with with_server(replace(settings, amqp_uri=uri)) as reached:
            prepare(reached, print)
            with services_apart(reached):
                url = f"http://{LOOPBACK}:{settings.http_port}"
                wait_until(Client(url).is_up, _START_SECONDS_MAX, what="the suite")
                yield reached, "every service its own process, over RabbitMQ"
    finally:
        broker.drop_virtual_host(uri)
        broker.close()


def _machine() -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": "fsync and synchronous_commit on",
    }


def _write(figures: Figures, about: dict[str, Any]) -> None:
    (_DOCS / "benchmarks.json").write_text(
        json.dumps({**figures, "about": about}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    lines = ["# Benchmarks", "", "Written by `make bench`; what it printed, nothing else.", ""]
    lines += ["| figure | value |", "|---|---|"]
    lines += [f"| `{name}` | {value} |" for name, value in figures.items()]
    lines += ["", "| measured on | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in about.items()]
    (_DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
