"""What is refused leaves an order as it was, also in what is told; and what a person released has passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.common import expressions
from services.common.events import Event
from services.common.fields import load
from services.common.ids import new_id
from services.limits import schema, store
from services.limits.operations import intake, orders, pool_limits
from tests.integration.limits.conftest import CUSTOMER, Ledger


def _key(number: str, **more: Any) -> dict[str, Any]:
    return load(schema.OrderKey(), {"order_no": number, **more})


def _told(ledger: Ledger, event: str) -> tuple[str, str, str]:
    order = ledger.events(event)[-1]["order"]
    return order["status"], order["amount"], order["reserved"]


def test_a_refused_amendment_is_told_with_the_order_that_still_stands(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("SO-1", "60.00"))
    again = ledger.do(orders.reserve_order, ledger.order("SO-1", "200.00", revision=2))
    assert (again["status"], again["order"]["amount"]) == ("refused", "60.00")
    assert _told(ledger, "order_refused") == ("reserved", "60.00", "60.00")
    change = load(schema.OrderChange(), {"order_no": "SO-1", "amount": "300.00"})
    amended = ledger.do(orders.amend_order, change)
    assert (amended["status"], amended["order"]["amount"]) == ("refused", "60.00")
    assert _told(ledger, "order_refused") == ("reserved", "60.00", "60.00")
    assert ledger.events("order_refused")[-1]["decision"]["amount"] == "300.00"


def test_a_refused_opening_is_told_with_the_order_as_closed_as_it_was(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("SO-1", "60.00"))
    ledger.do(orders.close_order, _key("SO-1"), "closed")
    ledger.do(orders.reserve_order, ledger.order("SO-2", "60.00"))
    answer = ledger.do(orders.reopen_order, _key("SO-1", revision=5))
    assert (answer["status"], answer["order"]["status"]) == ("refused", "closed")
    assert _told(ledger, "order_refused") == ("closed", "60.00", "0.00")
    order = ledger.do(orders.get_order, {**_key("SO-1", source="api"), "company": ""})["order"]
    assert (order["status"], order["revision"]) == ("closed", 5), "what is older comes too late"


def test_what_a_person_releases_passes_though_its_rule_still_asks(ledger: Ledger) -> None:
    ledger.grant("100.00")
    rule = {"condition": expressions.parse("amount > 10"), "strength": "approve", "trigger": "order_check"}
    with ledger.database.begin(ledger.caller) as work:
        store.save_rule(work, "large", 1, True, {**rule, "key": "large", "name": "大额订单"})
    assert ledger.do(orders.reserve_order, ledger.order("SO-1", "60.00"))["status"] == "held"
    assert ledger.exposure()[0] == "0.00"
    released = ledger.do(orders.release_hold, _key("SO-1"))
    assert (released["status"], released["decision"]["result"]) == ("reserved", "reserved")
    assert [reason["code"] for reason in released["decision"]["reasons"]] == ["large"]
    assert ledger.exposure()[0] == "60.00"
    assert ledger.do(orders.reserve_order, ledger.order("SO-2", "60.00"))["status"] == "refused"


def test_what_came_before_its_customer_is_taken_when_the_customer_comes(ledger: Ledger) -> None:
    late = "018f0000-0000-7000-8000-00000000000d"
    body = {"order_no": "SO-1", "customer_code": "C-9", "amount": "60.00", "currency": "CNY", "source": "erp"}
    told = ledger.do(intake.apply_document, "order.created", {**body, "event_id": "e1"})
    assert told == {"status": "waiting"}
    with ledger.database.begin(ledger.caller) as work:
        customer = {"id": late, "code": "C-9", "name": "客户 C-9"}
        told = Event(new_id(), "customer.customer_created", "customer", late, 1, late, "", "", "", {})
        intake.customer_changed(work, replace(told, data={"customer": customer}))
    assert [order["decision"]["result"] for order in ledger.events("order_refused")] == ["refused"]


def test_a_segment_does_not_gain_by_what_another_reserves_beyond_the_horizon(ledger: Ledger) -> None:
    ledger.grant("100000.00")
    limit = {"pool_kind": "customer", "pool_key": str(CUSTOMER), "amount": "100.00", "currency": "CNY"}
    for segment in ("C1", "C2"):
        ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), {**limit, "segment": segment}))
    ledger.configure(horizon_days=10)
    far = ledger.order("SO-1", "90.00", company="C2", delivery_date="2026-06-01")
    assert ledger.do(orders.reserve_order, far)["status"] == "reserved"
    assert (
        ledger.do(orders.reserve_order, ledger.order("SO-2", "100.00", company="C1"))["status"] == "reserved"
    )
    refused = ledger.do(orders.reserve_order, ledger.order("SO-3", "0.01", company="C1"))
    assert [reason["pool"] for reason in refused["decision"]["reasons"]] == ["customer@C1"]
    assert (
        ledger.do(orders.reserve_order, ledger.order("SO-4", "100.00", company="C2"))["status"] == "reserved"
    )
