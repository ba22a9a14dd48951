"""`make bench`: what the suite does in a second, on this machine; writes docs/benchmarks.json and .md.

Every service runs as its own process over a real RabbitMQ (AMQP_URI, localhost, or one that is started) and
a PostgreSQL that writes durably; ratios are taken within one run. Options: --seconds, --connections,
--embedded (the whole suite in one process), --keep (leave the files in docs/ alone). What takes a large
ledger stands apart: `make bench-growth`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from credit.suite import environment_of  # noqa: E402
from tests.bench import (  # noqa: E402
    approvals,
    authentication,
    expressions,
    flow_engine,
    pgbench,
    records,
    replicas,
    report,
    tables,
)
from tests.bench.company import make_company  # noqa: E402
from tests.bench.figures import Figures, measure  # noqa: E402
from tests.bench.ledger_at_scale import measure_at_scale  # noqa: E402
from tests.bench.suites import (  # noqa: E402
    START_SECONDS_MAX,
    TOPOLOGY,
    settings_in,
    suite_apart,
    url_of,
)
from tests.support.wait import wait_until  # noqa: E402

_CUSTOMERS = 50
_STOP_SECONDS_MAX = 40


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
    run = _in_one_process if options.embedded else _apart
    figures = run(options.seconds, options.connections)
    figures |= measure_at_scale()
    figures |= expressions.measure()
    figures |= authentication.measure()
    figures |= flow_engine.measure()
    about = {
        **report.machine(),
        "topology": "embedded, one process" if options.embedded else TOPOLOGY,
        "seconds": options.seconds,
        "connections": options.connections,
    }
    report.show(figures, about)
    if not options.keep and not options.embedded:
        report.write(figures, about, lambda name: name.startswith("growth_"))


def _in_one_process(seconds: float, connections: int) -> Figures:
    """The suite in one process, as `make run` starts it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        process = subprocess.Popen(
            [sys.executable, "-m", "credit.cli", "up"],
            env=environment_of(settings),
            stdout=subprocess.DEVNULL,
        )
        try:
            url = url_of(settings)
            wait_until(Client(url).is_up, START_SECONDS_MAX, what="the suite")
            bench = make_company(url, _CUSTOMERS)
            figures = measure(bench, settings, seconds, connections)
            return figures | approvals.measure(bench, settings, connections)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS_MAX)


def _apart(seconds: float, connections: int) -> Figures:
    """Every service in its own process; afterwards the database alone, and a suite with two ledgers."""
    with tempfile.TemporaryDirectory() as folder, suite_apart(Path(folder)) as suite:
        bench = make_company(suite.url, _CUSTOMERS)
        figures = measure(bench, suite.settings, seconds, connections)
        figures |= approvals.measure(bench, suite.settings, connections)
        figures |= records.measure(suite.url, suite.settings, seconds / 2, connections)
        figures |= tables.measure(suite.url)
        scripts = pgbench.record(bench, suite.settings)
        suite.stop_services()
        rate = pgbench.transactions_per_second(scripts, suite.settings, seconds / 4, connections)
    figures["pgbench_orders_per_s"] = round(rate)
    figures["orders_per_pgbench"] = round(figures["orders_per_s"] / rate, 2)
    return figures | replicas.measure(seconds / 2, connections)


main()
