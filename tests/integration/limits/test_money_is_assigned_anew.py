"""What a payment is for can be said anew: all at once, and without moving the exposure."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from services.common.errors import Conflict, Invalid
from services.common.fields import load
from services.limits import schema
from services.limits.operations import receivables
from tests.integration.limits.conftest import Ledger, key


@pytest.fixture
def paid(ledger: Ledger) -> Ledger:
    """Two invoices of 100.00, and a payment of 120.00 of which nobody has said what it is for."""
    ledger.grant("500.00")
    ledger.do(receivables.record_invoice, ledger.invoice("A", "100.00", due="2026-03-10"))
    ledger.do(receivables.record_invoice, ledger.invoice("B", "100.00", due="2026-04-10"))
    ledger.do(receivables.record_payment, ledger.payment("P", "120.00"))
    assert ledger.open_amounts() == {"A": ("0.00", "paid"), "B": ("80.00", "open")}
    return ledger


def _wanted(*allocations: tuple[str, str]) -> dict[str, Any]:
    named = [{"invoice_no": number, "amount": amount} for number, amount in allocations]
    return load(schema.Reallocation(), {"number": "P", "allocations": named or None})


def _allocate(ledger: Ledger, *allocations: tuple[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = ledger.do(
        partial(receivables.reallocate_payment, keeps_named=True), _wanted(*allocations)
    )
    return answer


def test_allocate_names_what_nobody_had_named_and_the_rest_covers_the_oldest(paid: Ledger) -> None:
    answer = _allocate(paid, ("B", "90.00"))
    assert answer["payment"]["unallocated"] == "0.00"
    assert paid.open_amounts() == {"A": ("70.00", "open"), "B": ("10.00", "open")}
    assert paid.exposure() == ("0.00", "0.00", "80.00")
    with pytest.raises(Invalid) as refusal:
        _allocate(paid, ("A", "30.01"))
    assert refusal.value.errors[0]["code"] == "allocations_exceed"
    _allocate(paid, ("A", "30.00"))
    assert paid.open_amounts() == {"A": ("70.00", "open"), "B": ("10.00", "open")}
    assert paid.differences() == []


def test_reallocate_takes_back_what_was_named_as_well(paid: Ledger) -> None:
    _allocate(paid, ("B", "90.00"))
    paid.do(receivables.reallocate_payment, _wanted(("B", "100.00")))
    assert paid.open_amounts() == {"A": ("80.00", "open"), "B": ("0.00", "paid")}
    paid.do(receivables.reallocate_payment, _wanted())
    assert paid.open_amounts() == {"A": ("0.00", "paid"), "B": ("80.00", "open")}
    assert paid.exposure() == ("0.00", "0.00", "80.00")
    told = paid.events("payment_allocated")[-1]
    assert sum(Decimal(part["amount"]) for part in told["allocations"]) == 120
    assert paid.differences() == []


def test_money_that_another_payment_gives_up_goes_on_in_the_same_transaction(paid: Ledger) -> None:
    paid.do(receivables.record_payment, paid.payment("Q", "50.00"))
    assert paid.open_amounts()["B"] == ("30.00", "open")
    paid.do(receivables.reallocate_payment, _wanted(("B", "100.00")))
    assert paid.open_amounts() == {"A": ("30.00", "open"), "B": ("0.00", "paid")}
    named = {event["payment"]["payment_no"] for event in paid.events("payment_allocated")}
    assert named == {"P", "Q"}
    assert paid.differences() == []


def test_a_named_invoice_that_has_not_come_keeps_its_money(paid: Ledger) -> None:
    paid.do(receivables.reallocate_payment, _wanted(("C", "110.00")))
    assert paid.open_amounts() == {"A": ("90.00", "open"), "B": ("100.00", "open")}
    paid.do(receivables.record_invoice, paid.invoice("C", "110.00", due="2026-05-01"))
    assert paid.open_amounts()["C"] == ("0.00", "paid")
    assert paid.exposure() == ("0.00", "0.00", "190.00")
    assert paid.differences() == []


def test_a_reversed_payment_is_for_nothing(paid: Ledger) -> None:
    paid.do(receivables.reverse_payment, key("P"))
    with pytest.raises(Conflict):
        paid.do(receivables.reallocate_payment, _wanted(("A", "1.00")))
