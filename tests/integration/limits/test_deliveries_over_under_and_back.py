"""More or less delivered than was ordered, and goods that come back: each counts once, in its stage."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.limits import schema
from services.limits.operations import orders, receivables
from tests.integration.limits.conftest import Ledger, key


@pytest.fixture
def ordered(ledger: Ledger) -> Ledger:
    """An order of 100.00, all of the limit."""
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A", "100.00"))
    return ledger


def _deliver(ledger: Ledger, number: str, amount: str) -> dict[str, Any]:
    body = {"order_no": "A", "delivery_no": number, "amount": amount}
    answer: dict[str, Any] = ledger.do(orders.deliver_order, load(schema.Delivery(), body))
    return answer


def _return(ledger: Ledger, number: str, amount: str) -> dict[str, Any]:
    body = {"order_no": "A", "return_no": number, "amount": amount}
    answer: dict[str, Any] = ledger.do(orders.return_delivery, load(schema.Return(), body))
    return answer


def _take_back(ledger: Ledger, number: str) -> dict[str, Any]:
    body = load(schema.DeliveryKey(), {"order_no": "A", "delivery_no": number})
    answer: dict[str, Any] = ledger.do(orders.reverse_delivery, body)
    return answer


def _close(ledger: Ledger) -> None:
    ledger.do(orders.close_order, load(schema.OrderKey(), {"order_no": "A"}), "closed")


def test_what_was_not_delivered_is_released_by_closing(ordered: Ledger) -> None:
    _deliver(ordered, "D1", "60.00")
    assert ordered.exposure() == ("40.00", "60.00", "0.00")
    _close(ordered)
    assert ordered.exposure() == ("0.00", "60.00", "0.00")
    assert ordered.differences() == []


def test_more_than_was_ordered_is_recorded_and_flagged(ordered: Ledger) -> None:
    assert _deliver(ordered, "D1", "100.00")["over_limit"] is False
    answer = _deliver(ordered, "D2", "0.01")
    assert answer["over_limit"] is True
    assert [told["over_limit"] for told in ordered.events("order_delivered")] == [False, True]
    assert ordered.exposure() == ("0.00", "100.01", "0.00")
    assert ordered.account()["state"] == "over-limit"


def test_goods_that_come_back_are_to_be_delivered_again_unless_the_order_is_closed(ordered: Ledger) -> None:
    _deliver(ordered, "D1", "60.00")
    assert _return(ordered, "R1", "20.00")["delivery"]["amount"] == "-20.00"
    assert ordered.exposure() == ("60.00", "40.00", "0.00")
    _close(ordered)
    assert ordered.exposure() == ("0.00", "40.00", "0.00")
    _return(ordered, "R2", "40.00")
    assert ordered.exposure() == ("0.00", "0.00", "0.00")
    assert [told["delivery"]["delivery_no"] for told in ordered.events("order_returned")] == ["R1", "R2"]
    assert ordered.differences() == []


def test_what_was_invoiced_stays_a_receivable_until_a_credit_note(ordered: Ledger) -> None:
    _deliver(ordered, "D1", "100.00")
    ordered.do(receivables.record_invoice, ordered.invoice("I", "100.00", order_no="A"))
    _return(ordered, "R1", "30.00")
    assert ordered.exposure() == ("0.00", "0.00", "100.00")
    ordered.do(receivables.record_credit_note, ordered.credit_note("C", "30.00", invoice_no="I"))
    assert ordered.exposure() == ("0.00", "0.00", "70.00")
    assert ordered.differences() == []


def test_a_credit_note_for_goods_that_came_back_lets_them_be_delivered_and_invoiced_again(
    ordered: Ledger,
) -> None:
    _deliver(ordered, "D1", "100.00")
    ordered.do(receivables.record_invoice, ordered.invoice("I", "100.00", order_no="A"))
    _return(ordered, "R1", "30.00")
    note = ordered.credit_note("C", "30.00", invoice_no="I", order_no="A")
    ordered.do(receivables.record_credit_note, note)
    assert ordered.exposure() == ("30.00", "0.00", "70.00")
    _deliver(ordered, "D2", "30.00")
    assert ordered.exposure() == ("0.00", "30.00", "70.00")
    ordered.do(receivables.record_invoice, ordered.invoice("J", "30.00", order_no="A"))
    assert ordered.exposure() == ("0.00", "0.00", "100.00")
    ordered.do(receivables.reverse_credit_note, key("C"))
    assert ordered.exposure() == ("0.00", "0.00", "130.00")
    assert ordered.differences() == []


def test_a_return_counts_once_and_never_for_more_than_was_delivered(ordered: Ledger) -> None:
    _deliver(ordered, "D1", "60.00")
    with pytest.raises(Invalid) as refusal:
        _return(ordered, "R1", "60.01")
    assert refusal.value.errors[0]["code"] == "return_exceeds"
    _return(ordered, "R1", "60.00")
    _return(ordered, "R1", "60.00")
    assert ordered.exposure() == ("100.00", "0.00", "0.00")
    with pytest.raises(Conflict):
        _return(ordered, "D1", "60.00")
    with pytest.raises(Conflict):
        _return(ordered, "R1", "59.00")


def test_deliveries_and_returns_that_were_mistakes_are_taken_back_once(ordered: Ledger) -> None:
    _deliver(ordered, "D1", "60.00")
    _return(ordered, "R1", "10.00")
    _take_back(ordered, "R1")
    assert ordered.exposure() == ("40.00", "60.00", "0.00")
    _take_back(ordered, "D1")
    assert ordered.exposure() == ("100.00", "0.00", "0.00")
    with pytest.raises(Conflict):
        _take_back(ordered, "D1")
    with pytest.raises(NotFound):
        _take_back(ordered, "D9")
    assert ordered.differences() == []
