"""The entries of a pool form a hash chain: whatever is done to one of them behind the ledger's back shows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.common.db import UnitOfWork
from services.common.migrations import downgrade, upgrade
from services.limits.operations import orders, receivables, verification
from tests.integration.limits.conftest import CALLER, Ledger

_FIRST = "(SELECT identity FROM entries ORDER BY place LIMIT 1)"


@pytest.fixture
def traded(ledger: Ledger) -> Ledger:
    """A ledger with one pool of six entries."""
    ledger.grant("100.00")
    for number in range(1, 4):
        ledger.do(orders.reserve_order, ledger.order(f"A{number}", "10.00"))
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "10.00", order_no="A1", source="api"))
    ledger.do(receivables.record_payment, ledger.payment("P1", "4.00"))
    return ledger


def _tamper(ledger: Ledger, *statements: str) -> None:
    with ledger.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE entries DISABLE TRIGGER entries_append_only"))
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(text("ALTER TABLE entries ENABLE TRIGGER entries_append_only"))


def _broken(ledger: Ledger) -> list[int]:
    found = ledger.do(verification.verify)["differences"]
    return [row["place"] for row in found if row["check"] == "hash_chain"]


def test_every_entry_stands_behind_the_one_before(traded: Ledger) -> None:
    rows = _rows(traded, "SELECT place, hash FROM entries ORDER BY identity")
    assert [row.place for row in rows] == list(range(1, len(rows) + 1))
    assert len({row.hash for row in rows}) == len(rows) >= 6
    (pool,) = _rows(traded, "SELECT entries, head FROM pools")
    assert (pool.entries, pool.head) == (rows[-1].place, rows[-1].hash)
    assert traded.do(verification.verify)["differences"] == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (f"UPDATE entries SET reserved = reserved + 0.01 WHERE identity = {_FIRST}", 1),
        (f"UPDATE entries SET effective_date = effective_date - 1 WHERE identity = {_FIRST}", 1),
        ("UPDATE entries SET recorded_at = recorded_at + interval '1 microsecond' WHERE place = 3", 3),
        ("UPDATE entries SET document_id = pool_id WHERE place = 2", 2),
        ("UPDATE entries SET action = 'amend' WHERE place = 2", 2),
        ("DELETE FROM entries WHERE place = 2", 3),
        ("UPDATE pools SET head = repeat('0', 64)", 6),
    ],
)
def test_an_entry_that_was_changed_or_taken_out_is_found(traded: Ledger, change: str, place: int) -> None:
    _tamper(traded, change)
    assert _broken(traded) == [place]


def test_a_chain_that_was_cut_short_with_its_head_is_shorter_than_its_pool_says(traded: Ledger) -> None:
    _tamper(traded, "DELETE FROM entries WHERE place = 6")
    assert _broken(traded) == [6]


class _Failed(Exception):
    """An attempt that comes to nothing."""


def _reserve_and_fail(work: UnitOfWork, order: dict[str, Any]) -> None:
    orders.reserve_order(work, order)
    raise _Failed


def test_what_was_taken_back_leaves_no_place_empty(traded: Ledger) -> None:
    with pytest.raises(_Failed):
        traded.do(_reserve_and_fail, traded.order("B1", "1.00"))
    with traded.database.begin(CALLER) as work:
        for number in ("B2", "B3"):
            with pytest.raises(_Failed), work.attempt():
                _reserve_and_fail(work, traded.order(number, "1.00"))
        orders.reserve_order(work, traded.order("B4", "1.00"))
    assert traded.do(verification.verify)["differences"] == []
    numbers = [row.document_no for row in _rows(traded, "SELECT document_no FROM entries ORDER BY place")]
    assert numbers[-1] == "B4"
    assert not {"B1", "B2", "B3"} & set(numbers)


def test_entries_of_an_older_release_are_chained_by_its_upgrade(traded: Ledger) -> None:
    before = _rows(traded, "SELECT identity, place, hash FROM entries ORDER BY identity")
    url = traded.database.engine.url.render_as_string(hide_password=False)
    downgrade("limits", url, "0002")
    upgrade("limits", url)
    assert _rows(traded, "SELECT identity, place, hash FROM entries ORDER BY identity") == before
    assert traded.do(verification.verify)["differences"] == []
    traded.do(orders.reserve_order, traded.order("C1", "1.00"))
    assert traded.do(verification.verify)["differences"] == []
    with pytest.raises(DBAPIError, match="append-only"):
        _rows(traded, "UPDATE entries SET place = place RETURNING place")


def test_progress_ends_with_every_row_read(traded: Ledger) -> None:
    told: list[tuple[int, int]] = []
    with traded.database.read(CALLER) as work:
        answer = verification.verify(work, lambda done, total: told.append((done, total)))
    (row,) = _rows(traded, "SELECT count(*) AS entries FROM entries")
    assert answer["counts"]["entries"] == row.entries
    assert told[-1] == (sum(answer["counts"].values()) + row.entries,) * 2


def _rows(ledger: Ledger, statement: str) -> list[Any]:
    with ledger.database.engine.begin() as connection:
        return list(connection.execute(text(statement)))
