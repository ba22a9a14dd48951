"""An order that comes after its invoice or its delivery ends as if it had come first, by whichever route."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from services.common.fields import load
from services.common.parked import list_parked
from services.limits import schema, store
from services.limits.operations import batches, intake, orders, receivables
from tests.integration.limits.conftest import OTHER, Ledger

Reserve = Callable[[Ledger, dict[str, Any]], dict[str, Any]]


def _body(amount: str, **more: Any) -> dict[str, Any]:
    return {"order_no": "A", "customer_code": "C-1", "amount": amount, "currency": "CNY", **more}


def _single(ledger: Ledger, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = ledger.do(orders.reserve_order, load(schema.NewOrder(), body))
    return answer


def _batch(ledger: Ledger, body: dict[str, Any]) -> dict[str, Any]:
    read = partial(load, schema.NewOrder())
    run = (orders.reserve_locked, orders.foresee_orders)
    answer: dict[str, Any] = ledger.do(batches.run_batch, [body], read, *run)["results"][0]
    return answer


def _tell(ledger: Ledger, key: str, **body: Any) -> dict[str, Any]:
    told = {"source": "api", "event_id": f"{key}/{len(body)}/{body.get('amount')}", **body}
    answer: dict[str, Any] = ledger.do(intake.apply_document, key, told)
    return answer


def _erp(ledger: Ledger, body: dict[str, Any]) -> dict[str, Any]:
    return _tell(ledger, "order.created", **body)


ROUTES = pytest.mark.parametrize("reserve", [_single, _batch, _erp])


@ROUTES
def test_only_what_is_not_invoiced_yet_is_checked(ledger: Ledger, reserve: Reserve) -> None:
    ledger.grant("100.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I", "70.00", order_no="A"))
    ledger.do(receivables.record_credit_note, ledger.credit_note("N", "10.00", order_no="A"))
    dry = ledger.do(orders.check_order, load(schema.OrderToCheck(), _body("100.01")))
    assert [each["needed"] for each in dry["decision"]["reasons"]] == ["40.01"]
    assert reserve(ledger, _body("100.01"))["status"] == "refused"
    assert ledger.exposure() == ("0.00", "0.00", "60.00")
    answer = reserve(ledger, _body("100.00", revision=2))
    assert (answer["status"], answer["order"]["invoiced"]) == ("reserved", "60.00")
    assert ledger.exposure() == ("40.00", "0.00", "60.00")
    assert ledger.differences() == []


@ROUTES
def test_what_was_delivered_and_ended_before_is_applied_at_once(ledger: Ledger, reserve: Reserve) -> None:
    ledger.grant("100.00")
    _tell(ledger, "order.closed", order_no="A", revision=2)
    _tell(ledger, "order.delivered", order_no="A", delivery_no="D", amount="70.00")
    answer = reserve(ledger, _body("60.00"))
    assert (answer["status"], answer["order"]["status"]) == ("reserved", "closed")
    assert answer["over_limit"] is False
    assert ledger.exposure() == ("0.00", "70.00", "0.00")
    assert ledger.differences() == []


@ROUTES
def test_a_delivery_of_an_order_that_is_refused_is_parked_and_can_be_replayed_once(
    ledger: Ledger, reserve: Reserve
) -> None:
    ledger.grant("50.00")
    _tell(ledger, "order.delivered", order_no="A", delivery_no="D", amount="10.00")
    assert reserve(ledger, _body("60.00"))["status"] == "refused"
    parked = ledger.do(list_parked)
    assert [item["event"]["routing_key"] for item in parked] == ["order.delivered"]
    assert "没有通过信用检查" in parked[0]["problem"]
    ledger.grant("60.00")
    assert reserve(ledger, _body("60.00", revision=2))["status"] == "reserved"
    told = parked[0]["event"]
    assert ledger.do(intake.apply_document, told["routing_key"], told["data"])["status"] == "reserved"
    assert ledger.do(intake.apply_document, told["routing_key"], told["data"]) == {"status": "duplicate"}
    assert ledger.exposure() == ("50.00", "10.00", "0.00")


def test_an_order_that_another_pays_takes_in_the_invoice_of_either(ledger: Ledger) -> None:
    ledger.grant("100.00", customer_id=str(OTHER))
    for number, who in (("I1", {}), ("I2", {"payer_id": str(OTHER)})):
        ledger.do(receivables.record_invoice, ledger.invoice(number, "30.00", order_no="A", **who))
    answer = _single(ledger, _body("130.00", payer_code="C-2"))
    assert (answer["status"], answer["order"]["invoiced"]) == ("reserved", "60.00")
    assert ledger.account(OTHER)["exposure"]["total"] == "100.00"
    assert ledger.differences() == []


def test_the_same_batch_may_bring_an_invoice_and_then_its_order(ledger: Ledger) -> None:
    ledger.grant("100.00")
    dated = {"invoice_no": "I", "invoice_date": "2026-03-02"}
    told = [("invoice.issued", {**_body("100.00"), **dated}), ("order.created", _body("100.00"))]
    told = [(key, {**body, "source": "api", "event_id": key}) for key, body in told]
    with ledger.database.begin(ledger.caller) as work:
        intake.foresee(work, told)
        for key, body in told:
            intake.apply_document(work, key, body)
    assert ledger.exposure() == ("0.00", "0.00", "100.00")


def _waits(ledger: Ledger) -> int:
    with ledger.database.read(ledger.caller) as work:
        return len(work.execute(work.table("waiting_documents").select()).all())


@ROUTES
def test_a_delivery_that_comes_at_the_same_moment_as_its_order_is_applied_soon(
    ledger: Ledger, reserve: Reserve
) -> None:
    ledger.grant("100.00")
    with ledger.database.begin(ledger.caller) as work:
        told = {"source": "api", "event_id": "E", "order_no": "A", "delivery_no": "D", "amount": "10.00"}
        assert intake.apply_document(work, "order.delivered", told) == {"status": "waiting"}
        assert reserve(ledger, _body("60.00"))["status"] == "reserved"
    assert _waits(ledger) == 1
    _tell(ledger, "order.delivered", order_no="B", delivery_no="D", amount="10.00")
    assert ledger.do(intake.apply_overtaken) is False
    assert ledger.exposure() == ("50.00", "10.00", "0.00")
    assert _waits(ledger) == 1, "the one whose order has not come"


def test_what_waits_for_any_document_or_customer_that_is_here_is_applied(ledger: Ledger) -> None:
    ledger.grant("100.00")
    dated = {"invoice_no": "I", "invoice_date": "2026-03-02"}
    with ledger.database.begin(ledger.caller) as work:
        for kind, number in (("invoice", "I"), ("payment", "P")):
            told = {"source": "api", "event_id": kind, f"{kind}_no": number}
            intake.apply_document(work, f"{kind}.reversed", told)
        _tell(ledger, "invoice.issued", **_body("30.00"), **dated)
        ledger.do(receivables.record_credit_note, ledger.credit_note("P", "5.00"))
    _let_wait(ledger, "code:C-1", customer_code="C-1", order_no="B")
    _let_wait(ledger, f"id:{OTHER}", customer_id=str(OTHER), order_no="C")
    _let_wait(ledger, "code:C-9", customer_code="C-9", order_no="D")
    assert ledger.exposure() == ("0.00", "0.00", "25.00")
    ledger.do(intake.apply_overtaken)
    assert ledger.exposure() == ("1.00", "0.00", "-5.00")
    assert len(ledger.events("order_refused")) == 1, "the other customer has no limit"
    assert _waits(ledger) == 2, "a payment taken back that has not come, and the order of nobody"


def _let_wait(ledger: Ledger, key: str, **named: str) -> None:
    body = {"amount": "1.00", "currency": "CNY", "source": "api", "event_id": key, **named}
    with ledger.database.begin(ledger.caller) as work:
        store.wait_for(work, "customer", key, "order.created", 1, body)
