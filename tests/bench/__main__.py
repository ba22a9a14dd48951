"""`make bench`: how fast orders are decided over HTTP, by the whole suite on this machine.

Options: --seconds, --connections, --distributed (every service apart, over the RabbitMQ of AMQP_URI or
localhost). What is measured: POST /orders with authentication, rules, ledger, event and documented decision.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import http.client  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import replace  # noqa: E402
from decimal import Decimal  # noqa: E402
from pathlib import Path  # noqa: E402

import eventlet  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from credit.demo.company import Company, Person, Wish  # noqa: E402
from credit.suite import environment_of, prepare, with_server  # noqa: E402
from services.common.config import Settings  # noqa: E402
from tests.support.ports import LOOPBACK, free_port  # noqa: E402
from tests.support.processes import services_apart  # noqa: E402
from tests.support.rabbitmq import find_broker  # noqa: E402
from tests.support.wait import wait_until  # noqa: E402

_CUSTOMERS = 50
_LIMIT = Decimal("900000000")
_PASSWORD = "correct horse battery staple"


def main() -> None:
    """Start the suite, make a company, load it, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--distributed", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder) / "var",
            keys_dir=Path(folder) / "var" / "keys",
            http_port=free_port(),
            admin_password=_PASSWORD,
        )
        run = _apart if options.distributed else _together
        with run(settings) as url:
            seller, customers, today = _make_company(url)
            _load(url, seller, customers, today, options.seconds, options.connections)


@contextmanager
def _together(settings: Settings) -> Iterator[str]:
    """The suite in one process, as `make run` starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "credit.cli", "up"], env=environment_of(settings), stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://{LOOPBACK}:{settings.http_port}"
        wait_until(Client(url).is_up, 120, what="the suite")
        yield url
    finally:
        process.terminate()
        process.wait(40)


@contextmanager
def _apart(settings: Settings) -> Iterator[str]:
    """Every service in its own process."""
    broker, why = find_broker(settings.data_dir / "rabbitmq")
    if broker is None:
        raise SystemExit(why)
    try:
        uri = broker.new_virtual_host()
        with with_server(replace(settings, amqp_uri=str(uri))) as reached:
            prepare(reached, print)
            with services_apart(reached):
                url = f"http://{LOOPBACK}:{settings.http_port}"
                wait_until(Client(url).is_up, 120, what="the suite")
                yield url
    finally:
        broker.close()


def _make_company(url: str) -> tuple[str, list[str], str]:
    """A salesperson's token, customers with limits that no load exhausts, and the business date."""
    company = Company(Client(url).sign_in("admin", _PASSWORD))
    people = [
        Person("b-sales", "销售", "salesperson", "BENCH"),
        Person("b-manager", "经理", "department_manager", "BENCH"),
        Person("b-risk", "风控", "risk_analyst", "BENCH"),
        Person("b-cfo", "财务总监", "cfo", "BENCH"),
    ]
    company.hire([{"code": "BENCH", "name": "基准", "head": "b-manager"}], people)
    seller = company.as_user("b-sales")
    customers = [
        seller.post("/customers", {"code": f"B{number}", "name": f"客户 {number}", "salesperson": "b-sales"})[
            "id"
        ]
        for number in range(_CUSTOMERS)
    ]
    company.apply_for(Wish(each, "b-sales", _LIMIT, "CNY", 30, "基准测试") for each in customers)
    company.approve_everything(["b-manager", "b-risk", "b-cfo"], "同意")
    company.settle()
    token = seller.post("/auth/login", {"username": "b-sales", "password": company.password})["access_token"]
    return token, customers, str(company.admin.get("/admin/business-date")["date"])


def _load(
    url: str, token: str, customers: list[str], ordered_on: str, seconds: float, connections: int
) -> None:
    """Send orders over so many connections for so long, and print what came of it."""
    numbers = itertools.count()
    until = time.monotonic() + seconds
    statuses: Counter[int] = Counter()
    latencies_ms: list[float] = []

    def send() -> None:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        while time.monotonic() < until:
            number = next(numbers)
            order = {
                "order_no": f"BENCH-{number}",
                "customer_id": customers[number % len(customers)],
                "amount": "10.00",
                "currency": "CNY",
                "order_date": ordered_on,
            }
            began = time.perf_counter()
            body = json.dumps(order)
            connection.request(
                "POST", "/api/v1/orders", body, {**headers, "Idempotency-Key": order["order_no"]}
            )
            answer = connection.getresponse()
            answer.read()
            latencies_ms.append((time.perf_counter() - began) * 1000)
            statuses[answer.status] += 1

    began = time.monotonic()
    pool = eventlet.GreenPool(connections)
    for _ in range(connections):
        pool.spawn(send)
    pool.waitall()
    took = time.monotonic() - began
    latencies_ms.sort()
    print(f"{len(latencies_ms) / took:,.0f} orders/s over {connections} connections for {took:.1f} s")
    for share in (0.5, 0.95, 0.99):
        print(f"p{share * 100:.0f}: {latencies_ms[int(len(latencies_ms) * share) - 1]:.1f} ms")
    print(f"answers: {dict(statuses)}")


main()
