"""How far a right reaches is asked of rows that an order has read anyway: it costs no statement."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from services.common.caller import Caller, Clause
from services.common.errors import NotFound
from services.limits.operations import orders
from tests.integration.limits.conftest import Ledger

_RIGHT = "orders.create"
_FREE = Caller("user", "1", "sales", permissions=frozenset({_RIGHT}))


def _narrowed(clause: Clause) -> Caller:
    return Caller("user", "1", "stranger", permissions=frozenset({_RIGHT}), clauses={_RIGHT: (clause,)})


def _statements(ledger: Ledger, caller: Caller, number: str) -> int:
    """How many statements an order takes."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    try:
        with ledger.database.begin(caller, "", _RIGHT) as work:
            orders.foresee_orders(work, [ledger.order(number, "10.00")])
            orders.reserve_order(work, ledger.order(number, "10.00"))
    finally:
        event.remove(ledger.database.engine, "before_cursor_execute", note)
    return len(seen)


def test_an_order_takes_as_many_statements_whatever_its_right_reaches(ledger: Ledger) -> None:
    _statements(ledger, _FREE, "warm")
    free = _statements(ledger, _FREE, "O-1")
    for place, clause in enumerate(
        (Clause("all", (), "amount <= 50"), Clause("expression", ('not (customer_code = "?")',)))
    ):
        assert _statements(ledger, _narrowed(clause), f"O-2{place}") == free


@pytest.mark.parametrize(
    "clause",
    [Clause("own"), Clause("departments", ("MARS",)), Clause("shared"), Clause("all", (), "amount > 50")],
)
def test_an_order_out_of_reach_is_of_no_customer(ledger: Ledger, clause: Clause) -> None:
    with pytest.raises(NotFound, match="没有这个客户"):
        _statements(ledger, _narrowed(clause), "O-3")
