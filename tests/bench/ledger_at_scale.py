"""What does not get slower as the ledger grows: the roll-over, verification, and the view of any date.

Runs on a PostgreSQL of its own that writes durably, with ledgers that PostgreSQL fills itself. Part of
`make bench`; alone: `python -m tests.bench.ledger_at_scale [rollover] [verify] [as_of]`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from uuid import UUID  # noqa: E402

import eventlet  # noqa: E402
from tqdm import tqdm  # noqa: E402

from services.common.caller import service_caller  # noqa: E402
from services.common.config import Settings  # noqa: E402
from services.common.db import Database  # noqa: E402
from services.common.fields import load  # noqa: E402
from services.limits import model, schema  # noqa: E402
from services.limits.operations import history, opening, orders, verification  # noqa: E402
from tests.support.big_ledger import Size, customer_number, fill_ledger  # noqa: E402
from tests.support.postgres import DatabaseServer, OwnPostgres  # noqa: E402

Figures = dict[str, float]
_TODAY = date(2026, 3, 2)
_SEED = 20_260_302
# Every customer has an invoice that is overdue, one that is not due yet, and entries of today.
_ROLL_OVER = Size(customers=100_000, documents=8, days=8, today=_TODAY, term_days=2)
_VERIFY = Size(customers=20_000, documents=50, days=250, today=_TODAY)
_AS_OF = Size(customers=1, documents=1_000_000, days=1_000, today=_TODAY, half_every=1_000)
_VIEWS = 200


def measure_at_scale(names: tuple[str, ...] = ()) -> Figures:
    """The figures of these parts, or of all."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        own = OwnPostgres(Path(folder))
        own.start()
        server = DatabaseServer(own.url)
        try:
            for name in names or tuple(_PARTS):
                size, measure = _PARTS[name]
                with _ledger(server, size) as database:
                    figures |= measure(database, size)
        finally:
            server.close()
            own.stop()
    return figures


@contextmanager
def _ledger(server: DatabaseServer, size: Size) -> Iterator[Database]:
    with server.databases(["limits"]) as prefix:
        url = Settings(database_url=server.url, database_prefix=prefix).database("limits")
        fill_ledger(url, size)
        database = Database(url, model.metadata, name="limits")
        try:
            yield database
        finally:
            database.dispose()


def _roll_over(database: Database, size: Size) -> Figures:
    """Open the next date, all customers overdue, while others order."""
    waits: list[float] = []
    ended: list[bool] = []
    clients = eventlet.spawn(_keep_ordering, database, size, waits, ended)
    more, began = True, time.perf_counter()
    while more:
        with database.begin(service_caller("limits")) as work:
            more = opening.open_next(work, size.today + timedelta(days=1))
    seconds = time.perf_counter() - began
    ended.append(True)
    clients.wait()
    waits.sort()
    return {
        "rollover_100k_s": round(seconds, 1),
        "rollover_order_p50_ms": round(waits[len(waits) // 2], 1),
        "rollover_order_p99_ms": round(waits[int(len(waits) * 0.99) - 1], 1),
    }


def _keep_ordering(database: Database, size: Size, waits: list[float], ended: list[bool]) -> None:
    chance = random.Random(_SEED)
    while not ended:
        customer = customer_number(size, chance.randint(1, size.customers))
        body = {"order_no": f"W-{len(waits)}", "customer_id": customer, "amount": "10.00", "currency": "CNY"}
        order = load(schema.NewOrder(), body)
        began = time.perf_counter()
        with database.begin(service_caller("limits")) as work:
            assert orders.reserve_order(work, order)["status"] == "reserved"
        waits.append((time.perf_counter() - began) * 1000)
        eventlet.sleep(0)


def _verify(database: Database, size: Size) -> Figures:
    """Verify everything, as `credit verify` does."""
    began = time.perf_counter()
    with database.read(service_caller("limits")) as work, tqdm(unit=" rows", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        answer = verification.verify(work, show)
    seconds = time.perf_counter() - began
    assert answer["found"] == 0, answer["differences"]
    assert answer["counts"]["entries"] == size.customers * size.documents
    return {"verify_1m_entries_s": round(seconds, 1)}


def _as_of(database: Database, size: Size) -> Figures:
    """The median view of an account with a million entries, on dates all over its history.

    Half of them as known now, half as known at the end of that date.
    """
    chance = random.Random(_SEED)
    times = []
    for number in range(_VIEWS):
        on = size.today - timedelta(days=chance.randint(0, size.days - 1))
        known_at = datetime(on.year, on.month, on.day, 23, tzinfo=UTC) if number % 2 else None
        asked = {"customer_id": UUID(customer_number(size, 1)), "as_of": on, "known_at": known_at}
        began = time.perf_counter()
        with database.read(service_caller("limits")) as work:
            history.get_account(work, asked)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {
        "as_of_ms": round(times[len(times) // 2], 1),
        "as_of_p99_ms": round(times[int(_VIEWS * 0.99) - 1], 1),
    }


_PARTS: dict[str, tuple[Size, Callable[[Database, Size], Figures]]] = {
    "rollover": (_ROLL_OVER, _roll_over),
    "verify": (_VERIFY, _verify),
    "as_of": (_AS_OF, _as_of),
}

if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(_PARTS)
    if unknown:
        raise SystemExit(f"{', '.join(sorted(unknown))}: choose from {', '.join(_PARTS)}")
    print(json.dumps(measure_at_scale(tuple(sys.argv[1:])), indent=2))
