"""`make bench-growth`: a single order in a large ledger against one in a small ledger without history.

Two suites stand side by side, the large one filled by PostgreSQL itself, and take orders in turn, of
customers by chance: what else the machine does meets both alike. The ledgers alone are filled: an order asks
nothing of other services. Options: --customers and --entries (1,000,000 and 10,000,000 in the ledger that is
large), --orders (of each), --keep (leave the files in docs/ alone).
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from contextlib import ExitStack  # noqa: E402
from datetime import date  # noqa: E402
from pathlib import Path  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from services.common.config import Settings  # noqa: E402
from tests.bench import report  # noqa: E402
from tests.bench.company import ADMIN_PASSWORD  # noqa: E402
from tests.bench.load import Connection  # noqa: E402
from tests.bench.suites import TOPOLOGY, Suite, suite_apart  # noqa: E402
from tests.support.big_ledger import Size, customer_number, fill_ledger  # noqa: E402

Figures = dict[str, float]
_SMALL_CUSTOMERS = 1_000
_TODAY = date(2026, 3, 2)
_DAYS = 250
# Many invoices are open and none is overdue: every order passes.
_TERM_DAYS = 365
_SEED = 20_260_302
# Until connections stand and statements are compiled.
_WARM_UP = 50


class _Orders:
    """Orders of a suite's customers by chance, one after the other, and how long each took."""

    def __init__(self, suite: Suite, size: Size) -> None:
        admin = Client(suite.url).post("/auth/login", {"username": "admin", "password": ADMIN_PASSWORD})
        self._connection = Connection(suite.url, admin["access_token"])
        self._size = size
        self._chance = random.Random(_SEED)
        self.times_ms: list[float] = []

    def send(self) -> None:
        number = f"G-{len(self.times_ms)}"
        customer = customer_number(self._size, self._chance.randint(1, self._size.customers))
        body = {"order_no": number, "customer_id": customer, "amount": "10.00", "currency": "CNY"}
        began = time.perf_counter()
        status, answer = self._connection.send("/orders", number, body)
        self.times_ms.append((time.perf_counter() - began) * 1000)
        assert status == 201, answer
        assert json.loads(answer)["status"] == "reserved", answer

    def p50_ms(self) -> float:
        times = sorted(self.times_ms[_WARM_UP:])
        return times[len(times) // 2]


def measure(customers: int, entries: int, orders: int) -> Figures:
    """The figure `growth_p50_ratio`, and what it is made of."""
    small, large = (
        Size(customers=count, documents=documents, days=_DAYS, today=_TODAY, term_days=_TERM_DAYS)
        for count, documents in ((_SMALL_CUSTOMERS, 0), (customers, entries // customers))
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        asked = []
        for size in (small, large):
            began = time.perf_counter()

            def fill(settings: Settings, size: Size = size) -> None:
                fill_ledger(settings.database("limits"), size)

            place = Path(folder) / str(size.customers)
            suite = stack.enter_context(suite_apart(place, fill))
            asked.append(_Orders(suite, size))
            print(f"{size.customers} customers: {time.perf_counter() - began:.0f} s")
        return _in_turn(asked, orders)


def _in_turn(asked: Sequence[_Orders], orders: int) -> Figures:
    for _ in range(_WARM_UP + orders):
        for each in asked:
            each.send()
    small, large = (each.p50_ms() for each in asked)
    return {
        "growth_small_p50_ms": round(small, 1),
        "growth_large_p50_ms": round(large, 1),
        "growth_p50_ratio": round(large / small, 2),
    }


def main() -> None:
    """Measure, print, and write unless told not to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    figures = measure(options.customers, options.entries, options.orders)
    about = {
        "growth_measured_at": report.machine()["measured_at"],
        "growth_customers": options.customers,
        "growth_entries": options.entries // options.customers * options.customers,
        "growth_topology": TOPOLOGY,
    }
    report.show(figures, about)
    if not options.keep:
        report.write(figures, about, lambda _: True)


if __name__ == "__main__":
    main()
