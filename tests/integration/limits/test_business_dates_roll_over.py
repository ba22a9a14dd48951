"""A business date is opened exactly once, day by day, whatever ends the process, while orders go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.common.caller import service_caller
from services.common.errors import Conflict
from services.common.fields import load
from services.limits import chain, schema, store
from services.limits.operations import opening, orders, receivables, settings, verification
from tests.integration.limits.conftest import CALLER, TODAY, Ledger, filled
from tests.support.big_ledger import Size, customer_number

_SIZE = Size(customers=650, documents=8, days=8, today=TODAY, term_days=2)
_TARGET = TODAY + timedelta(days=2)
_CHILD = """
import sys
from datetime import date
from services.common.caller import service_caller
from services.common.db import Database
from services.limits import model
from services.limits.operations import opening

database = Database(sys.argv[1], model.metadata, name="limits")
more = True
while more:
    with database.begin(service_caller("limits")) as work:
        more = opening.open_next(work, date.fromisoformat(sys.argv[2]))
"""


_EXPIRING_ORDERS = 250
_EXPIRING = """
UPDATE orders SET valid_until = :until WHERE id IN (
    SELECT DISTINCT ON (customer_id) id FROM orders ORDER BY customer_id, id LIMIT :orders
)
"""


@pytest.fixture
def trading(new_database: Callable[[str], str]) -> Iterator[Ledger]:
    """A ledger of 650 customers, each with an invoice that is overdue, and with entries of today.

    The first order of 250 of them reserves until today.
    """
    with filled(new_database("limits"), _SIZE) as ledger:
        with ledger.database.begin(CALLER) as work:
            work.execute(text(_EXPIRING), {"until": TODAY, "orders": _EXPIRING_ORDERS})
        yield ledger


def _rows(ledger: Ledger, statement: str) -> list[Any]:
    with ledger.database.read(CALLER) as work:
        return list(work.execute(text(statement)))


def _step(ledger: Ledger) -> str:
    def standing(work: Any) -> str:
        day = store.day_of(work, store.today(work))
        assert day is not None
        return str(day["step"])

    return str(ledger.do(standing))


def _order(number: str, customer: int) -> dict[str, Any]:
    named = {"order_no": number, "customer_id": customer_number(_SIZE, customer)}
    return load(schema.NewOrder(), {**named, "amount": "10.00", "currency": "CNY"})


def _die_at(ledger: Ledger, point: str, target: date) -> None:
    """Open dates in a process that a power cut ends at a point, in the middle of a transaction."""
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, url, target.isoformat()],
        env={**os.environ, "FAULT_POINT": point},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 86, done.stderr


def _assert_each_day_once(ledger: Ledger) -> None:
    days = [TODAY + timedelta(days=1), _TARGET]
    aged = Counter((row["business_date"], row["customer_id"]) for row in ledger.events("customer_aged"))
    assert set(aged.values()) == {1}
    overdue = {customer_number(_SIZE, number) for number in range(1, _SIZE.customers + 1)}
    assert set(aged) == {(day.isoformat(), customer) for day in days for customer in overdue}
    expired = Counter(row["order"]["order_no"] for row in ledger.events("order_expired"))
    assert (len(expired), set(expired.values())) == (_EXPIRING_ORDERS, {1})
    told = [
        (row.type, row.day)
        for row in _rows(
            ledger,
            "SELECT type, data->>'date' AS day FROM events WHERE subject LIKE '2026-%' ORDER BY identity",
        )
    ]
    closed = [TODAY, TODAY + timedelta(days=1)]
    expected = []
    for before, after in zip(closed, days, strict=True):
        expected += [
            ("business_date_closed", before.isoformat()),
            ("business_date_opened", after.isoformat()),
        ]
    assert told == expected
    counted = {row.date: (row.step, row.overdue_customers) for row in _rows(ledger, _DAYS)}
    assert counted == {
        TODAY: ("closed", 0),
        TODAY + timedelta(days=1): ("closed", _SIZE.customers),
        _TARGET: ("open", _SIZE.customers),
    }
    assert ledger.do(verification.verify)["differences"] == []


_DAYS = f"SELECT date, step, overdue_customers FROM business_dates WHERE date >= '{TODAY}'"


@pytest.mark.parametrize(
    ("point", "steps"),
    [
        ("roll-over-closing", 0),
        # The first pools are closed, the next are cut off.
        ("roll-over-closing", 1),
        ("roll-over-opening", 0),
        ("roll-over-expiry", 0),
        # Some orders have expired, the next are cut off.
        ("roll-over-expiry", 5),
        ("roll-over-limits", 0),
        ("roll-over-aging", 0),
        # Some customers are told, the next are cut off.
        ("roll-over-aging", 10),
        # The first day is done, and the second is cut off.
        ("roll-over-aging", 16),
    ],
)
def test_a_roll_over_that_was_killed_goes_on_where_it_stood(trading: Ledger, point: str, steps: int) -> None:
    for _ in range(steps):
        assert trading.do(opening.open_next, _TARGET)
    _die_at(trading, point, _TARGET)
    trading.open_date(_TARGET)
    _assert_each_day_once(trading)


def test_two_who_open_a_date_open_it_once(trading: Ledger) -> None:
    more = [True, True]
    while any(more):
        more = [trading.do(opening.open_next, _TARGET) for _ in more]
    _assert_each_day_once(trading)


def test_orders_of_others_wait_for_no_step(trading: Ledger) -> None:
    """While a step is made and keeps its locks, a customer whom it has not reached orders."""
    seen, more = [], True
    while more:
        seen.append(_step(trading))
        with trading.database.begin(service_caller("limits")) as work:
            more = opening.open_next(work, TODAY + timedelta(days=1))
            others = 1 if _reached(work) == _SIZE.customers else _SIZE.customers
            with trading.database.begin(CALLER) as other:
                other.execute(text("SET LOCAL lock_timeout = '100ms'"))
                order = orders.reserve_order(other, _order(f"W{len(seen)}", others))
                assert order["status"] == "reserved"
    assert Counter(seen) == Counter(open=2, closing=3, expiry=3, limits=1, aging=6)


def _reached(work: Any) -> int:
    """The number of the last customer whom the step has reached; that of the last when it is at its end."""
    row = work.execute(text("SELECT step, reached FROM business_dates ORDER BY date DESC LIMIT 1")).one()
    if row.step == "open":
        return _SIZE.customers
    number = int(str(row.reached or UUID(int=0))[-12:], 16)
    return number >> 24 or number


def test_what_is_set_is_followed_in_short_steps_once(trading: Ledger) -> None:
    told = len(trading.events("account_changed"))
    trading.do(settings.change_settings, {"horizon_days": 20})
    seen: list[int] = []
    more = True
    while more:
        more = trading.do(settings.follow_settings)
        seen.append(len(trading.events("account_changed")) - told)
        if seen == [100]:
            # Set again in the middle: who was told by then is told anew.
            trading.do(settings.change_settings, {"horizon_days": 21})
    assert seen == [100, *range(200, 701, 100), 750, 750]
    after = Counter(event["account"]["customer_id"] for event in trading.events("account_changed")[told:])
    assert Counter(after.values()) == {1: 550, 2: 100}
    account = trading.account(UUID(customer_number(_SIZE, 650)))
    assert Decimal(account["exposure"]["beyond_horizon"]) > 0
    assert trading.differences() == []


def test_missed_days_see_what_was_paid_in_between(trading: Ledger) -> None:
    trading.open_date(TODAY + timedelta(days=1))
    (first,) = [
        row for row in trading.events("customer_aged") if row["customer_id"] == customer_number(_SIZE, 1)
    ]
    paid = {
        "payment_no": "all",
        "customer_id": first["customer_id"],
        "amount": first["overdue_amount"],
        "currency": "CNY",
        "paid_at": TODAY.isoformat(),
    }
    trading.do(receivables.record_payment, load(schema.NewPayment(), paid))
    trading.open_date(_TARGET)
    later = [row for row in trading.events("customer_aged") if row["business_date"] == _TARGET.isoformat()]
    assert len(later) == _SIZE.customers - 1
    assert first["customer_id"] not in {row["customer_id"] for row in later}


def test_a_limit_that_ends_is_told_on_the_day_after(ledger: Ledger) -> None:
    ledger.grant("100.00", valid_to=(TODAY + timedelta(days=1)).isoformat())
    ledger.do(orders.reserve_order, ledger.order("A1", "10.00"))
    told = len(ledger.events("account_changed"))
    ledger.open_date(TODAY + timedelta(days=1))
    assert len(ledger.events("account_changed")) == told
    ledger.open_date(TODAY + timedelta(days=3))
    (last,) = ledger.events("account_changed")[told:]
    assert (last["account"]["state"], last["account"]["business_date"]) == ("expired", "2026-03-04")


def test_no_date_is_opened_backwards_once_there_are_documents(ledger: Ledger) -> None:
    ledger.open_date(TODAY - timedelta(days=400))
    ledger.open_date(TODAY)
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A1", "10.00"))
    with pytest.raises(Conflict, match="只能向前"):
        ledger.open_date(TODAY - timedelta(days=1))
    ledger.open_date(TODAY)


def test_the_root_of_a_day_covers_every_chain_that_has_grown(ledger: Ledger) -> None:
    ledger.grant("100.00")
    roots = []
    before = chain.ROOT
    for day in range(1, 4):
        if day != 2:
            ledger.do(orders.reserve_order, ledger.order(f"A{day}", "10.00"))
        ledger.open_date(TODAY + timedelta(days=day))
        ends = [(row.id, row.entries, row.head) for row in _rows(ledger, "SELECT * FROM pools")]
        before = chain.root_hash(before, ends if day != 2 else [])
        roots.append(before)
    told = ledger.events("business_date_closed")
    assert [row["root"] for row in told] == roots
    assert [row["before"] for row in told] == [None, *roots[:-1]]
    assert [row["pools"] for row in told] == [1, 0, 1]
    assert ledger.do(verification.verify)["differences"] == []
