"""An order is reserved against the available limit, atomically, or refused with every reason."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

from services.common import expressions
from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.limits import schema
from services.limits.operations import accounts, batches, checking, merging, orders, receivables, verification
from tests.integration.limits.conftest import CUSTOMER, OTHER, Ledger


def test_without_a_grant_there_is_no_credit(ledger: Ledger) -> None:
    assert ledger.account()["state"] == "unset"
    answer = ledger.do(orders.reserve_order, ledger.order("A1", "1.00"))
    assert answer["status"] == "refused"
    assert [reason["code"] for reason in answer["decision"]["reasons"]] == ["limit_unset"]


def test_a_limit_of_zero_is_not_unlimited(ledger: Ledger) -> None:
    ledger.grant("0.00")
    assert ledger.account()["state"] == "zero"
    answer = ledger.do(orders.reserve_order, ledger.order("A1", "1.00"))
    assert [reason["code"] for reason in answer["decision"]["reasons"]] == ["limit_zero"]


def test_an_order_past_the_limit_is_refused_and_says_what_would_pass(ledger: Ledger) -> None:
    ledger.grant("100.00")
    assert ledger.do(orders.reserve_order, ledger.order("A1", "60.00"))["status"] == "reserved"
    answer = ledger.do(orders.reserve_order, ledger.order("A2", "52.30"))
    assert answer["status"] == "refused"
    reason = answer["decision"]["reasons"][0]
    assert (reason["code"], reason["needed"], reason["available"]) == ("limit_exceeded", "52.30", "40.00")
    assert answer["decision"]["would_pass_if"]["largest_amount"] == "40.00"
    assert answer["decision"]["would_pass_if"]["payment_needed"] == "12.30"
    assert ledger.exposure() == ("60.00", "0.00", "0.00")
    assert [event["order"]["order_no"] for event in ledger.events("order_refused")] == ["A2"]


def test_exactly_the_available_amount_passes(ledger: Ledger) -> None:
    ledger.grant("100.00")
    assert ledger.do(orders.reserve_order, ledger.order("A1", "100.00"))["status"] == "reserved"
    assert ledger.account()["available"] == "0.00"


def test_the_same_order_again_changes_nothing_and_another_content_is_a_conflict(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A/1:x", "60.00"))
    assert ledger.do(orders.reserve_order, ledger.order("A/1:x", "60.00"))["status"] == "duplicate"
    with pytest.raises(Conflict):
        ledger.do(orders.reserve_order, ledger.order("A/1:x", "61.00"))
    assert ledger.exposure() == ("60.00", "0.00", "0.00")


def test_twenty_orders_at_once_take_exactly_the_limit(ledger: Ledger) -> None:
    ledger.grant("100.00")
    pool = eventlet.GreenPool()
    tries = [
        pool.spawn(ledger.do, orders.reserve_order, ledger.order(f"A{number}", "10.00"))
        for number in range(20)
    ]
    statuses = sorted(attempt.wait()["status"] for attempt in tries)
    assert statuses == ["refused"] * 10 + ["reserved"] * 10
    assert ledger.account()["available"] == "0.00"
    assert ledger.do(verification.verify)["differences"] == []


def test_a_dry_run_answers_the_same_and_changes_nothing(ledger: Ledger) -> None:
    ledger.grant("100.00")
    received = load(
        schema.OrderToCheck(), {"customer_id": str(CUSTOMER), "amount": "120.00", "currency": "CNY"}
    )
    answer = ledger.do(orders.check_order, received)
    assert answer["status"] == "refused"
    assert answer["decision"]["would_pass_if"]["largest_amount"] == "100.00"
    assert ledger.exposure() == ("0.00", "0.00", "0.00")
    assert ledger.do(checking.list_decisions, {"where": {}})["items"] == []


def test_exposure_moves_through_its_stages_and_never_counts_twice(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A1", "100.00"))
    key = {"order_no": "A1", "source": None, "company": None}
    ledger.do(orders.deliver_order, {**key, "delivery_no": "D1", "amount": "60.00"})
    assert ledger.exposure() == ("40.00", "60.00", "0.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "60.00", order_no="A1"))
    assert ledger.exposure() == ("40.00", "0.00", "60.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I2", "40.00", order_no="A1"))
    assert ledger.exposure() == ("0.00", "0.00", "100.00")
    ledger.do(orders.deliver_order, {**key, "delivery_no": "D2", "amount": "40.00"})
    assert ledger.exposure() == ("0.00", "0.00", "100.00")
    ledger.do(receivables.record_payment, ledger.payment("P1", "70.00"))
    assert ledger.exposure() == ("0.00", "0.00", "30.00")
    assert ledger.account()["available"] == "70.00"
    assert ledger.do(verification.verify)["differences"] == []


def test_cancel_releases_and_amend_checks_again(ledger: Ledger) -> None:
    ledger.grant("100.00")
    key = {"order_no": "A1", "source": None, "company": None}
    ledger.do(orders.reserve_order, ledger.order("A1", "60.00"))
    refused = ledger.do(orders.amend_order, {**key, "amount": "120.00"})
    assert refused["status"] == "refused"
    assert ledger.exposure() == ("60.00", "0.00", "0.00")
    assert ledger.do(orders.amend_order, {**key, "amount": "90.00"})["status"] == "reserved"
    assert ledger.exposure() == ("90.00", "0.00", "0.00")
    assert ledger.do(orders.close_order, key, "cancelled")["status"] == "cancelled"
    assert ledger.exposure() == ("0.00", "0.00", "0.00")
    ledger.do(orders.reserve_order, ledger.order("A2", "50.00"))
    assert ledger.do(orders.reopen_order, key)["status"] == "refused"
    assert ledger.exposure() == ("50.00", "0.00", "0.00")


def test_a_persons_freeze_refuses_and_a_payment_never_lifts_it(ledger: Ledger) -> None:
    ledger.grant("100.00")
    freeze = {"customer_id": CUSTOMER, "reason": "财务异常"}
    ledger.do(accounts.freeze_by_person, freeze)
    answer = ledger.do(orders.reserve_order, ledger.order("A1", "10.00"))
    assert [reason["code"] for reason in answer["decision"]["reasons"]] == ["customer_frozen"]
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "10.00"))
    ledger.do(receivables.record_payment, ledger.payment("P1", "10.00"))
    assert ledger.account()["state"] == "frozen"
    ledger.do(accounts.unfreeze_by_person, freeze)
    assert ledger.do(orders.reserve_order, ledger.order("A2", "10.00"))["status"] == "reserved"


def test_every_reason_is_told_not_only_the_first(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(accounts.freeze_by_person, {"customer_id": CUSTOMER, "reason": "审计"})
    answer = ledger.do(orders.reserve_order, ledger.order("A1", "150.00"))
    codes = [reason["code"] for reason in answer["decision"]["reasons"]]
    assert codes == ["customer_frozen", "limit_exceeded"]


def test_a_batch_answers_each_item_by_itself(ledger: Ledger) -> None:
    ledger.grant("100.00")

    def read(item: object) -> dict[str, object]:
        return load(schema.NewOrder(), item)

    body = {"customer_id": str(CUSTOMER), "currency": "CNY"}
    items = [
        {**body, "order_no": "A1", "amount": "60.00"},
        {**body, "order_no": "A2", "amount": "60.00"},
        {**body, "order_no": "A3", "amount": "-1.00"},
        {**body, "order_no": "A1", "amount": "60.00"},
        {**body, "order_no": "A4", "amount": "40.00"},
        "no object",
        {**body, "order_no": "A5", "amount": "1.00", "customer_id": "018f0000-0000-7000-8000-0000000000ff"},
    ]
    results = ledger.do(batches.run_batch, items, read, orders.reserve_locked, orders.foresee_orders)[
        "results"
    ]
    statuses = [result["status"] for result in results]
    assert statuses == ["reserved", "refused", "error", "duplicate", "reserved", "error", "error"]
    assert results[2]["problem"]["errors"][0]["field"] == "amount"
    assert ledger.exposure() == ("100.00", "0.00", "0.00")


@pytest.mark.parametrize(
    "amount", ["-1.00", "0.00", "1.001", "1e3", "NaN", "１", "1_0", " 1", "99999999999999999"]
)
def test_a_wrong_amount_is_refused_by_name(ledger: Ledger, amount: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ledger.order("A1", amount)
    assert refusal.value.errors[0]["field"] == "amount"


def test_an_unknown_customer_is_not_found(ledger: Ledger) -> None:
    order = ledger.order("A1", "1.00", customer_id="018f0000-0000-7000-8000-0000000000ff")
    with pytest.raises(NotFound):
        ledger.do(orders.reserve_order, order)


def _hold_above_three_averages(ledger: Ledger) -> None:
    condition = expressions.parse("amount > 3 * average_order_90d")
    rule = {"key": "unusual", "version": 1, "trigger": "order_check", "strength": "approve"}
    rule |= {"condition": condition, "reads": ["amount", "average_order_90d"], "active": True}
    ledger.do(accounts.rule_published, SimpleNamespace(data={"rule": rule}))


def test_an_order_is_held_to_the_average_of_the_orders_taken_in_ninety_days(ledger: Ledger) -> None:
    _hold_above_three_averages(ledger)
    ledger.grant("1000.00")

    def status(number: str, amount: str, **more: Any) -> str:
        return str(ledger.do(orders.reserve_order, ledger.order(number, amount, **more))["status"])

    assert status("A", "500.00", order_date="2025-12-01") == "reserved", "91 days ago: no average yet"
    assert [status("B", "10.00"), status("C", "30.00")] == ["reserved", "reserved"]
    assert [status("D", "60.01"), status("E", "60.00")] == ["held", "reserved"]
    ledger.do(orders.close_order, load(schema.OrderKey(), {"order_no": "E"}), "cancelled")
    ledger.do(orders.amend_order, load(schema.OrderChange(), {"order_no": "C", "amount": "10.00"}))
    assert [status("F", "30.01"), status("G", "30.00")] == ["held", "reserved"]
    both = [ledger.order("H", "16.67"), ledger.order("I", "50.01"), ledger.order("J", "50.00")]
    with ledger.database.begin(ledger.caller) as work:
        orders.foresee_orders(work, both)
        found = [orders.reserve_order(work, item)["status"] for item in both]
    assert found == ["reserved", "held", "reserved"], "16.67 on the average"
    assert ledger.differences() == []


def test_what_two_customers_who_are_one_have_ordered_is_averaged_together(ledger: Ledger) -> None:
    _hold_above_three_averages(ledger)
    for who, amount in ((CUSTOMER, "10.00"), (OTHER, "30.00")):
        ledger.grant("1000.00", customer_id=str(who))
        ledger.do(orders.reserve_order, ledger.order(f"A-{amount}", amount, customer_id=str(who)))
    told = {"customer_id": str(OTHER), "into_id": str(CUSTOMER)}
    ledger.do(merging.customer_merged, SimpleNamespace(data=told))
    found = [
        ledger.do(orders.reserve_order, ledger.order(f"B{amount}", amount)) for amount in ("60.01", "60.00")
    ]
    assert [each["status"] for each in found] == ["held", "reserved"]
    assert ledger.differences() == []
