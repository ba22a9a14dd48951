"""Orders due for delivery after the horizon do not count until the business date brings them inside."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.common.fields import load
from services.limits import schema
from services.limits.operations import accounts, orders, receivables
from tests.integration.limits.conftest import CUSTOMER, Ledger

_FAR, _NEAR = "2026-04-30", "2026-03-20"


@pytest.fixture
def near(ledger: Ledger) -> Ledger:
    """A limit of 100.00 and a horizon of thirty days from 2 March."""
    ledger.grant("100.00")
    _set(ledger, 30)
    return ledger


def _set(ledger: Ledger, days: int | None) -> None:
    ledger.configure(horizon_days=days)


def _reserve(ledger: Ledger, number: str, amount: str, delivery: str | None) -> str:
    received = ledger.order(number, amount, delivery_date=delivery)
    return str(ledger.do(orders.reserve_order, received)["status"])


def _amend(ledger: Ledger, number: str, **change: str) -> dict[str, Any]:
    received = load(schema.OrderChange(), {"order_no": number, **change})
    answer: dict[str, Any] = ledger.do(orders.amend_order, received)
    return answer


def test_what_is_beyond_is_reserved_and_does_not_count(near: Ledger) -> None:
    assert _reserve(near, "far", "5000.00", _FAR) == "reserved"
    assert near.exposure() == ("5000.00", "0.00", "0.00")
    account = near.account()
    assert (account["available"], account["state"]) == ("100.00", "amount")
    assert account["exposure"]["beyond_horizon"] == "5000.00"
    assert _reserve(near, "near", "100.00", _NEAR) == "reserved"
    assert _reserve(near, "undated", "0.01", None) == "refused"
    assert near.account()["utilisation"] == "1.0000"
    assert near.differences() == []


def test_without_a_horizon_everything_counts(near: Ledger) -> None:
    assert _reserve(near, "far", "60.00", _FAR) == "reserved"
    told = len(near.events("account_changed"))
    _set(near, None)
    assert near.account()["available"] == "40.00"
    assert near.events("account_changed")[told]["account"]["available"] == "40.00"
    assert _reserve(near, "far-2", "50.00", _FAR) == "refused"


def test_the_day_on_which_it_comes_inside_it_counts_and_is_told(near: Ledger) -> None:
    _reserve(near, "far", "150.00", "2026-04-03")
    told = len(near.events("account_changed"))
    near.open_date(date(2026, 3, 3))
    assert near.account()["available"] == "100.00"
    assert len(near.events("account_changed")) == told
    near.open_date(date(2026, 3, 4))
    assert (near.account()["available"], near.account()["state"]) == ("-50.00", "over-limit")
    assert near.events("account_changed")[told]["account"]["state"] == "over-limit"
    assert _reserve(near, "near", "0.01", _NEAR) == "refused"


def test_an_order_that_moves_inside_meets_the_check_with_all_of_it(near: Ledger) -> None:
    _reserve(near, "far", "150.00", _FAR)
    assert _amend(near, "far", delivery_date=_NEAR)["status"] == "refused"
    assert near.account()["available"] == "100.00"
    assert _amend(near, "far", amount="90.00", delivery_date=_NEAR)["status"] == "reserved"
    assert near.account()["available"] == "10.00"
    assert _amend(near, "far", amount="900.00", delivery_date=_FAR)["status"] == "reserved"
    assert near.account()["available"] == "100.00"


def test_what_can_never_be_switched_off_is_asked_beyond_the_horizon_as_well(near: Ledger) -> None:
    _reserve(near, "far", "10.00", _FAR)
    near.do(accounts.freeze_by_person, {"customer_id": CUSTOMER, "reason": "审计"})
    assert _reserve(near, "far-2", "10.00", _FAR) == "refused"
    assert _amend(near, "far", amount="10.01")["status"] == "refused"
    assert _amend(near, "far", amount="9.00")["status"] == "reserved"


def test_what_is_delivered_or_invoiced_counts_wherever_its_order_is_due(near: Ledger) -> None:
    _reserve(near, "far", "500.00", _FAR)
    delivery = {"order_no": "far", "delivery_no": "D", "amount": "120.00"}
    assert near.do(orders.deliver_order, load(schema.Delivery(), delivery))["over_limit"] is True
    assert near.account()["available"] == "-20.00"
    near.do(receivables.record_invoice, near.invoice("I", "120.00", order_no="far"))
    near.do(receivables.record_payment, near.payment("P", "120.00"))
    assert near.account()["available"] == "100.00"
    assert near.exposure() == ("380.00", "0.00", "0.00")


def test_a_dry_run_and_many_orders_at_once_see_the_same(near: Ledger) -> None:
    body = {"customer_id": str(CUSTOMER), "amount": "900.00", "currency": "CNY"}
    for delivery, expected in ((_FAR, "reserved"), (_NEAR, "refused")):
        received = load(schema.OrderToCheck(), {**body, "delivery_date": delivery})
        assert near.do(orders.check_order, received)["status"] == expected
    with near.database.begin(near.caller) as work:
        wanted = [
            near.order(f"A{number}", "60.00", delivery_date=delivery)
            for number, delivery in enumerate((_FAR, _NEAR, _FAR, _NEAR))
        ]
        orders.foresee_orders(work, wanted)
        statuses = [orders.reserve_order(work, received)["status"] for received in wanted]
    assert statuses == ["reserved", "reserved", "reserved", "refused"]
    assert near.account()["exposure"]["beyond_horizon"] == "120.00"
    assert near.differences() == []
