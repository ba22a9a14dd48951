"""Verification finds whatever was changed behind the ledger's back, in one go or piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.common.caller import service_caller
from services.common.db import Database
from services.common.errors import MalformedRequest
from services.common.events import Event
from services.limits import store
from services.limits.chain import ROOT, entry_hash
from services.limits.operations import orders, verification
from services.reporting import model as reporting
from services.reporting.operations import reports
from services.reporting.store import projection
from tests.integration.limits.conftest import CALLER, TODAY, Ledger, filled
from tests.support.big_ledger import Size

_SIZE = Size(customers=30, documents=12, days=6, today=TODAY, term_days=2)
_TRIGGERS = ("entries", "open_changes", "reserved_changes")


@pytest.fixture
def trading(new_database: Callable[[str], str]) -> Iterator[Ledger]:
    """A ledger of 30 customers with 12 documents each, over six business dates."""
    with filled(new_database("limits"), _SIZE) as ledger:
        yield ledger


def _tamper(ledger: Ledger, *statements: str) -> None:
    with ledger.database.engine.begin() as connection:
        for table in _TRIGGERS:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"))
        for statement in statements:
            assert connection.execute(text(statement)).rowcount == 1
        for table in _TRIGGERS:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only"))


def _one(table: str, key: str = "id") -> str:
    return f"{key} = (SELECT {key} FROM {table} ORDER BY {key} OFFSET 5 LIMIT 1)"


_ONE_DAY = (
    "(customer_id, order_date) = (SELECT customer_id, order_date FROM order_days ORDER BY 1, 2 LIMIT 1)"
)
_CHANGES = {
    f"UPDATE entries SET receivable = receivable + 0.01 WHERE {_one('entries', 'identity')}": {
        "hash_chain",
        "pool_equals_entries",
        "closing_equals_entries",
    },
    f"UPDATE entries SET hash = repeat('0', 64) WHERE {_one('entries', 'identity')}": {"hash_chain"},
    f"UPDATE pools SET reserved = reserved + 1 WHERE {_one('pools')}": {
        "pool_equals_entries",
        "pool_equals_documents",
    },
    f"UPDATE pools SET entries = entries - 1 WHERE {_one('pools')}": {"hash_chain"},
    f"UPDATE pools SET key = '{uuid4()}' WHERE {_one('pools')}": {"pool_has_owner", "pool_equals_documents"},
    "UPDATE closings SET reserved = reserved + 1 WHERE (pool_id, date) = (SELECT pool_id, date FROM closings"
    " ORDER BY pool_id, date LIMIT 1)": {"closing_equals_entries"},
    "UPDATE closings SET first_receivable = 0.01 WHERE (pool_id, date) = (SELECT pool_id, date FROM closings"
    " ORDER BY pool_id, date LIMIT 1)": {"closing_equals_entries"},
    "DELETE FROM closings WHERE (pool_id, date) = (SELECT pool_id, date FROM closings LIMIT 1)": {
        "root_covers_chains"
    },
    f"UPDATE business_dates SET root = repeat('0', 64) WHERE date = '{TODAY - timedelta(days=1)}'": {
        "root_covers_chains"
    },
    f"DELETE FROM business_dates WHERE date = '{TODAY - timedelta(days=1)}'": {"root_covers_chains"},
    f"UPDATE orders SET reserved = reserved + 1 WHERE {_one('orders')}": {
        "order_stages",
        "pool_equals_documents",
        "reservation_equals_changes",
    },
    f"UPDATE orders SET delivery_date = delivery_date + 1 WHERE {_one('orders')}": {
        "reservation_equals_changes"
    },
    f"UPDATE order_days SET amount = amount + 1 WHERE {_ONE_DAY}": {"order_days_equal_orders"},
    f"DELETE FROM order_days WHERE {_ONE_DAY}": {"order_days_equal_orders"},
    f"UPDATE reserved_changes SET change = change - 0.01 WHERE {_one('reserved_changes', 'identity')}": {
        "reservation_equals_changes"
    },
    f"UPDATE invoices SET disputed = 0.01 WHERE {_one('invoices')}": {"disputed_equals_disputes"},
    "INSERT INTO write_offs (id, source, company, write_off_no, customer_id, invoice_id, invoice_no, amount,"
    " currency, reason, written_off_on, status, recorded_by, recorded_at) SELECT gen_random_uuid(), source,"
    " company, 'W', customer_id, id, invoice_no, 0.01, currency, '', due_date, 'recorded', '', recorded_at"
    f" FROM invoices WHERE {_one('invoices')}": {"open_amount_equals_allocations"},
    "INSERT INTO bills (id, source, company, bill_no, customer_id, payment_id, amount, currency, due_date,"
    " status, recorded_at) SELECT gen_random_uuid(), source, company, 'B', customer_id, id, amount, currency,"
    f" paid_at, 'pending', recorded_at FROM payments WHERE {_one('payments')}": {"pool_equals_documents"},
    f"UPDATE invoices SET amount = amount + 1 WHERE {_one('invoices')}": {
        "open_amount_equals_allocations",
        "pool_equals_documents",
    },
    f"UPDATE payments SET unallocated = amount WHERE {_one('payments')}": {"unallocated_equals_allocations"},
    f"UPDATE open_changes SET change = change - 0.01 WHERE {_one('open_changes', 'identity')}": {
        "open_amount_equals_allocations"
    },
    f"DELETE FROM allocations WHERE {_one('allocations')}": {
        "open_amount_equals_allocations",
        "unallocated_equals_allocations",
    },
}


@pytest.mark.parametrize(("change", "checks"), list(_CHANGES.items()))
def test_each_kind_of_change_is_found(trading: Ledger, change: str, checks: set[str]) -> None:
    assert trading.do(verification.verify)["differences"] == []
    _tamper(trading, change)
    found = trading.do(verification.verify)
    assert {row["check"] for row in found["differences"]} == checks
    assert found["found"] == len(found["differences"])


def test_piece_by_piece_the_same_is_found(trading: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    _tamper(trading, *(change for change in _CHANGES if change.startswith("UPDATE")))
    whole = trading.do(verification.verify)
    for name, most in (("_ENTRIES_AT_ONCE", 7), ("_ROWS_AT_ONCE", 3), ("_DATES_AT_ONCE", 1)):
        monkeypatch.setattr(verification, name, most)
    monkeypatch.setattr(verification, "_SECONDS_AT_ONCE", 0)
    pieces, rows, calls, after = [], 0, 0, None
    while calls == 0 or after is not None:
        answer = trading.do(verification.verify_some, after)
        pieces += answer["differences"]
        rows, calls, after = rows + answer["rows"], calls + 1, answer["next"]
    # The first break of a chain is told once for each piece in which the chain breaks.
    assert {str(row) for row in whole["differences"]} <= {str(row) for row in pieces}
    assert {row["check"] for row in pieces} == {row["check"] for row in whole["differences"]}
    # One pool says that it has an entry less than there are.
    assert rows == sum(whole["counts"].values()) + whole["counts"]["entries"] - 1
    assert calls > 100


@pytest.mark.parametrize(
    "place", ["", "chains", "chains:x:1", "nothing::0", "chains::-1", f"chains::{2**70}"]
)
def test_a_place_that_no_answer_gave_is_refused(ledger: Ledger, place: str) -> None:
    with pytest.raises(MalformedRequest):
        ledger.do(verification.verify_some, place)


def test_a_place_beyond_the_end_finds_nothing_more(ledger: Ledger) -> None:
    for check in ("chains", "pools", "roots", "payments"):
        place = f"{check}:ffffffff-ffff-ffff-ffff-ffffffffffff:{2**62}"
        assert ledger.do(verification.verify_some, place)["differences"] == []


def test_a_history_rewritten_as_a_whole_no_longer_has_the_roots_that_reporting_holds(
    ledger: Ledger, new_database: Callable[[str], str]
) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A1", "10.00"))
    ledger.open_date(TODAY + timedelta(days=2))
    with_reporting = Database(new_database("reporting"), reporting.metadata, name="reporting")
    with with_reporting.begin(service_caller("reporting")) as work:
        for number, data in enumerate(ledger.events("business_date_closed"), start=1):
            projection.date_closed(work, _event(number, data))
    assert _against(ledger, with_reporting) == {"checked": 2, "faults": []}

    _rewrite_as_five(ledger)
    assert {row["check"] for row in ledger.do(verification.verify)["differences"]} == {"root_covers_chains"}
    _rewrite_roots(ledger)
    assert ledger.do(verification.verify)["differences"] == []
    answer = _against(ledger, with_reporting)
    with_reporting.dispose()
    assert len(answer["faults"]) == 2
    assert str(TODAY) in answer["faults"][0]


def _event(number: int, data: dict[str, Any]) -> Event:
    name = "limits.business_date_closed"
    return Event(
        uuid4(), name, "limits", data["date"], number, "business-date", "", "service:limits", "", data
    )


def _against(ledger: Ledger, with_reporting: Database) -> dict[str, Any]:
    told = ledger.do(verification.ledger_roots)["items"]
    with with_reporting.read(CALLER) as work:
        return reports.verify_roots(work, told)


def _rewrite_as_five(ledger: Ledger) -> None:
    """Make the one order that there is a smaller one, in every table of the ledger."""
    with ledger.database.read(CALLER) as work:
        row = work.execute(text("SELECT * FROM entries")).mappings().one()
    told = {"head": entry_hash(ROOT, {**row, "reserved": row["reserved"] / 2})}
    half = "reserved = reserved / 2"
    _tamper(
        ledger,
        f"UPDATE entries SET {half}, hash = '{told['head']}'",
        f"UPDATE pools SET {half}, head = '{told['head']}'",
        f"UPDATE closings SET {half}, first_reserved = first_reserved / 2, head = '{told['head']}'",
        f"UPDATE orders SET {half}, amount = amount / 2",
        "UPDATE order_days SET amount = amount / 2",
    )


def _rewrite_roots(ledger: Ledger) -> None:
    before = ROOT
    with ledger.database.begin(CALLER) as work:
        for row in store.roots(work):
            before, _ = store.root_on(work, row["date"], before)
            store.change_day(work, row["date"], {"root": before})
