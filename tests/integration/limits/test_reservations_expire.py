"""What an order still reserves after its last day is released, exactly once, whatever happens beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

import eventlet
import pytest

from services.common.errors import Conflict, Invalid
from services.common.fields import load
from services.limits import schema
from services.limits.operations import expiry, intake, opening, orders
from tests.integration.limits.conftest import CUSTOMER, Ledger


@pytest.fixture
def reserved(ledger: Ledger) -> Ledger:
    """An order of 80.00 that reserves until 3 March, of a limit of 100.00; today is the 2nd."""
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A", "80.00", valid_until="2026-03-03"))
    return ledger


def _deliver(ledger: Ledger, number: str, amount: str) -> dict[str, Any]:
    body = {"order_no": "A", "delivery_no": number, "amount": amount}
    answer: dict[str, Any] = ledger.do(orders.deliver_order, load(schema.Delivery(), body))
    return answer


def _expired(ledger: Ledger) -> list[tuple[str, str, str]]:
    told = [event["order"] for event in ledger.events("order_expired")]
    return [(order["order_no"], order["status"], order["expired_on"]) for order in told]


def test_the_last_day_still_reserves_and_the_next_releases_what_is_left(reserved: Ledger) -> None:
    _deliver(reserved, "D1", "30.00")
    reserved.open_date(date(2026, 3, 3))
    assert reserved.exposure() == ("50.00", "30.00", "0.00")
    told = len(reserved.events("account_changed"))
    reserved.open_date(date(2026, 3, 6))
    assert reserved.exposure() == ("0.00", "30.00", "0.00")
    assert _expired(reserved) == [("A", "closed", "2026-03-04")]
    assert reserved.events("account_changed")[told]["account"]["available"] == "70.00"
    assert reserved.do(expiry.expire_reservations, None, 10) == []
    assert reserved.differences() == []


def test_a_delivery_after_the_last_day_is_recorded_beyond_the_order(reserved: Ledger) -> None:
    reserved.open_date(date(2026, 3, 4))
    reserved.do(orders.reserve_order, reserved.order("B", "100.00"))
    answer = _deliver(reserved, "D1", "80.00")
    assert (answer["status"], answer["over_limit"]) == ("closed", True)
    assert reserved.exposure() == ("100.00", "80.00", "0.00")


def test_of_a_delivery_and_an_expiry_at_once_each_sees_what_the_other_left(reserved: Ledger) -> None:
    pool = eventlet.GreenPool()
    tries = [pool.spawn(_deliver, reserved, f"D{number}", "10.00") for number in range(6)]
    for day in (3, 4):
        pool.spawn(reserved.do, opening.open_next, date(2026, 3, day))
    for each in tries:
        each.wait()
    pool.waitall()
    reserved.open_date(date(2026, 3, 4))
    assert reserved.exposure() == ("0.00", "60.00", "0.00")
    assert len(_expired(reserved)) == 1
    assert reserved.differences() == []


def test_the_setting_gives_new_orders_their_last_day(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.configure(reservation_days=2)
    answer = ledger.do(orders.reserve_order, ledger.order("A", "10.00"))
    assert answer["order"]["valid_until"] == "2026-03-04"
    named = ledger.do(orders.reserve_order, ledger.order("B", "10.00", valid_until="2026-03-31"))
    assert named["order"]["valid_until"] == "2026-03-31"
    ledger.open_date(date(2026, 3, 5))
    assert _expired(ledger) == [("A", "closed", "2026-03-05")]


def test_one_may_ask_for_longer_in_time_and_afterwards_by_the_same_check_as_a_new_order(
    reserved: Ledger,
) -> None:
    longer = load(schema.OrderChange(), {"order_no": "A", "valid_until": "2026-03-05"})
    assert reserved.do(orders.amend_order, longer)["order"]["valid_until"] == "2026-03-05"
    reserved.open_date(date(2026, 3, 6))
    assert _expired(reserved) == [("A", "closed", "2026-03-06")]
    with pytest.raises(Conflict):
        reserved.do(orders.amend_order, {**longer, "valid_until": date(2026, 3, 31)})
    reserved.do(orders.reserve_order, reserved.order("B", "30.00"))
    key = load(schema.OrderKey(), {"order_no": "A"})
    assert reserved.do(orders.reopen_order, key)["status"] == "refused"
    reserved.do(orders.close_order, load(schema.OrderKey(), {"order_no": "B"}), "cancelled")
    reopened = reserved.do(orders.reopen_order, key)["order"]
    assert (reopened["status"], reopened["valid_until"], reopened["expired_on"]) == ("reserved", None, None)
    reserved.open_date(date(2026, 3, 31))
    assert reserved.exposure() == ("80.00", "0.00", "0.00")


def test_a_message_that_comes_after_its_last_day_expires_at_once_and_may_be_prolonged(
    reserved: Ledger,
) -> None:
    body = {
        "source": "erp",
        "customer_id": str(CUSTOMER),
        "order_no": "E",
        "amount": "10.00",
        "currency": "CNY",
    }
    late = {**body, "valid_until": "2026-03-01", "revision": 1, "event_id": "E1"}
    longer = {**body, "valid_until": "2026-03-09", "revision": 2, "event_id": "E2"}
    reserved.do(intake.apply_document, "order.created", late)
    assert _expired(reserved) == [("E", "closed", "2026-03-02")]
    assert reserved.exposure() == ("80.00", "0.00", "0.00")
    assert reserved.do(intake.apply_document, "order.amended", longer)["status"] == "reserved"
    assert reserved.exposure() == ("90.00", "0.00", "0.00")
    reserved.open_date(date(2026, 3, 10))
    assert reserved.exposure() == ("0.00", "0.00", "0.00")
    assert [number for number, *_ in _expired(reserved)] == ["E", "A", "E"]
    assert reserved.differences() == []


def test_a_last_day_that_has_passed_is_refused_by_name(reserved: Ledger) -> None:
    with pytest.raises(Invalid) as refusal:
        reserved.do(orders.reserve_order, reserved.order("B", "1.00", valid_until="2026-03-01"))
    assert [error["field"] for error in refusal.value.errors] == ["valid_until"]
