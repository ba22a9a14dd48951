"""What an order, an invoice or a payment binds counts in the pools of who pays, not of who ordered."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import eventlet
import pytest
from sqlalchemy import text

from services.common.errors import Conflict, NotFound
from services.common.fields import load
from services.common.paging import ListInput
from services.limits import schema, store
from services.limits.operations import intake, orders, pool_limits, receivables
from tests.integration.limits.conftest import CUSTOMER, OTHER, Ledger
from tests.support.wait import wait_until


def _paid(number: str, amount: str, **more: Any) -> dict[str, Any]:
    """An order of the customer that the other one pays."""
    body = {"order_no": number, "customer_id": str(CUSTOMER), "payer_code": "C-2"}
    return load(schema.NewOrder(), {**body, "amount": amount, "currency": "CNY", **more})


def _exposures(ledger: Ledger) -> tuple[str, str]:
    return tuple(ledger.account(each)["exposure"]["total"] for each in (CUSTOMER, OTHER))  # type: ignore[return-value]


def test_the_payers_limit_is_checked_and_its_pools_hold_what_is_owed(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    refused = ledger.do(orders.reserve_order, _paid("A", "60.00"))
    assert [each["code"] for each in refused["decision"]["reasons"]] == ["limit_unset"]
    ledger.grant("100.00", customer_id=str(OTHER))
    body = {"pool_kind": "customer", "pool_key": str(OTHER), "amount": "70.00", "currency": "CNY"}
    ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), {**body, "segment": "C1"}))
    answer = ledger.do(orders.reserve_order, _paid("A", "60.00", company="C1"))
    assert (answer["status"], answer["order"]["customer_id"], answer["order"]["payer_id"]) == (
        "reserved",
        str(CUSTOMER),
        str(OTHER),
    )
    assert _exposures(ledger) == ("0.00", "60.00")
    more = ledger.do(orders.reserve_order, _paid("B", "10.01", company="C1"))
    assert [each["pool"] for each in more["decision"]["reasons"]] == ["customer@C1"]
    assert more["decision"]["inputs"]["sold_to_id"] == str(CUSTOMER)
    key = load(schema.OrderChange(), {"order_no": "A", "company": "C1", "amount": "70.01"})
    assert ledger.do(orders.amend_order, key)["status"] == "refused"
    told = ledger.events("account_changed")[-1]["account"]
    assert told["customer_id"] == str(OTHER)
    assert ledger.differences() == []


def test_an_invoice_of_the_order_is_the_payers_and_so_is_its_payment(ledger: Ledger) -> None:
    ledger.grant("1000.00", customer_id=str(OTHER))
    ledger.do(orders.reserve_order, _paid("A", "60.00"))
    ledger.do(receivables.record_invoice, ledger.invoice("I", "60.00", order_no="A"))
    assert _exposures(ledger) == ("0.00", "60.00")
    for number, who in (("P1", {"customer_id": str(OTHER)}), ("P2", {"payer_id": str(OTHER)})):
        ledger.do(receivables.record_payment, ledger.payment(number, "20.00", **who))
    assert _exposures(ledger) == ("0.00", "20.00")
    assert ledger.open_amounts() == {"I": ("20.00", "open")}
    ledger.do(receivables.record_credit_note, ledger.credit_note("N", "20.00", order_no="A"))
    assert ledger.open_amounts() == {"I": ("0.00", "paid")}
    assert (
        ledger.do(orders.get_order, {"order_no": "A", "source": None, "company": None})["order"]["invoiced"]
        == "40.00"
    )
    assert ledger.differences() == []


def test_orders_are_found_by_who_ordered_and_by_who_pays(ledger: Ledger) -> None:
    ledger.grant(None, customer_id=str(OTHER))
    ledger.grant(None)
    ledger.do(orders.reserve_order, _paid("A", "1.00"))
    ledger.do(orders.reserve_order, ledger.order("B", "1.00"))

    def found(**where: Any) -> list[str]:
        items = ledger.do(orders.list_orders, load(ListInput(), {"where": where}))["items"]
        return sorted(item["order_no"] for item in items)

    assert found(customer_id=str(CUSTOMER)) == ["A", "B"]
    assert found(customer_id=str(OTHER)) == ["A"]
    assert found(payer_id=str(CUSTOMER)) == ["B"]


def test_another_payer_is_another_content_and_an_unknown_one_is_nobody(ledger: Ledger) -> None:
    ledger.grant(None, customer_id=str(OTHER))
    ledger.do(orders.reserve_order, _paid("A", "1.00"))
    assert ledger.do(orders.reserve_order, _paid("A", "1.00"))["status"] == "duplicate"
    with pytest.raises(Conflict):
        ledger.do(orders.reserve_order, ledger.order("A", "1.00"))
    with pytest.raises(NotFound, match="客户"):
        ledger.do(orders.reserve_order, load(schema.NewOrder(), {**_body("B"), "payer_code": "C-9"}))


def _body(number: str) -> dict[str, Any]:
    return {"order_no": number, "customer_code": "C-1", "amount": "60.00", "currency": "CNY"}


def test_documents_of_the_erp_that_name_the_payer_end_the_same_in_any_order(ledger: Ledger) -> None:
    ledger.grant("100000.00", customer_id=str(OTHER))
    ends = set()
    for place, arranged in enumerate(permutations(("order.created", "order.delivered", "invoice.issued"))):
        for key in arranged:
            body = {"source": "api", "event_id": f"{place}/{key}", "order_no": f"O{place}", "currency": "CNY"}
            body |= {"customer_code": "C-1", "payer_code": "C-2", "amount": "60.00"}
            body |= {"delivery_no": "D"} if key == "order.delivered" else {}
            dated = {"invoice_no": f"I{place}", "invoice_date": "2026-03-02"}
            body |= dated if key == "invoice.issued" else {}
            ledger.do(intake.apply_document, key, body)
        ends.add((place, *_exposures(ledger)))
    assert ends == {(place, "0.00", f"{60 * (place + 1)}.00") for place in range(6)}
    assert ledger.differences() == []


def test_an_order_of_the_erp_waits_for_its_payer(ledger: Ledger) -> None:
    body = {**_body("W"), "payer_code": "C-NEW", "source": "api", "event_id": "w"}
    assert ledger.do(intake.apply_document, "order.created", body) == {"status": "waiting"}
    with ledger.database.read(ledger.caller) as work:
        rows = work.execute(work.table("waiting_documents").select())
        assert [(row.waits_for, row.key) for row in rows] == [("customer", "code:C-NEW")]


# --- another payer ---------------------------------------------------------------------------------------


def _moved(number: str, amount: str, **more: Any) -> dict[str, Any]:
    """A later revision by which the other customer pays."""
    return _paid(number, amount, revision=2, **more)


def test_an_order_that_another_is_to_pay_is_checked_there_and_moves_as_a_whole_or_not_at_all(
    ledger: Ledger,
) -> None:
    ledger.grant("100.00")
    ledger.grant("59.99", customer_id=str(OTHER))
    ledger.do(orders.reserve_order, ledger.order("A", "60.00", delivery_date="2026-06-01"))
    _deliver(ledger)
    refused = ledger.do(orders.reserve_order, _moved("A", "60.00", delivery_date="2026-06-01"))
    assert [each["needed"] for each in refused["decision"]["reasons"]] == ["60.00"]
    assert (refused["order"]["payer_id"], _exposures(ledger)) == (str(CUSTOMER), ("60.00", "0.00"))
    ledger.grant("60.00", customer_id=str(OTHER))
    answer = ledger.do(orders.reserve_order, _moved("A", "60.00", delivery_date="2026-06-01"))
    assert (answer["status"], answer["order"]["payer_id"]) == ("reserved", str(OTHER))
    assert answer["order"]["customer_id"] == str(CUSTOMER)
    assert _exposures(ledger) == ("0.00", "60.00")
    told = {event["account"]["customer_id"] for event in ledger.events("account_changed")[-2:]}
    assert told == {str(CUSTOMER), str(OTHER)}
    assert ledger.differences() == []
    ledger.configure(horizon_days=30)
    assert _available(ledger) == ("100.00", "40.00"), "what is reserved beyond the horizon went along"


def _deliver(ledger: Ledger) -> None:
    delivered = {"order_no": "A", "delivery_no": "D", "amount": "20.00"}
    ledger.do(orders.deliver_order, load(schema.Delivery(), delivered))


def _available(ledger: Ledger) -> tuple[str, str]:
    return tuple(ledger.account(each)["available"] for each in (CUSTOMER, OTHER))  # type: ignore[return-value]


def test_pools_that_both_payers_share_hold_the_same_and_lack_nothing(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.grant("100.00", customer_id=str(OTHER))
    shared = {"pool_kind": "salesperson", "pool_key": "sales", "amount": "60.00", "currency": "CNY"}
    ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), shared))
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    assert ledger.do(orders.reserve_order, _moved("A", "60.01"))["status"] == "refused"
    assert ledger.do(orders.reserve_order, _moved("A", "60.00"))["status"] == "reserved"
    assert _exposures(ledger) == ("0.00", "60.00")
    assert ledger.differences() == []


def test_what_was_invoiced_stays_and_is_taken_back_of_the_order_all_the_same(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.grant("100.00", customer_id=str(OTHER))
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    ledger.do(receivables.record_invoice, ledger.invoice("I", "20.00", order_no="A"))
    early = ledger.invoice("J", "10.00", order_no="A", payer_id=str(OTHER))
    ledger.do(receivables.record_invoice, early)
    # Now the other both orders and pays: nothing of the order is the first customer's any more.
    body = {"order_no": "A", "customer_code": "C-2", "amount": "60.00", "currency": "CNY", "revision": 2}
    answer = ledger.do(orders.reserve_order, load(schema.NewOrder(), body))
    assert (answer["status"], answer["order"]["invoiced"]) == ("reserved", "30.00")
    assert _exposures(ledger) == ("20.00", "40.00")
    ledger.do(receivables.reverse_invoice, load(schema.DocumentKey(), {"number": "I"}))
    assert _exposures(ledger) == ("0.00", "60.00")
    assert ledger.differences() == []


def test_an_order_in_another_currency_moves_there_unless_documents_bind_it(ledger: Ledger) -> None:
    ledger.grant(None)
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    assert (
        ledger.do(orders.reserve_order, ledger.order("A", "7.00", currency="USD", revision=2))["order"][
            "currency"
        ]
        == "USD"
    )
    with ledger.database.read(ledger.caller) as work:
        pools = {row["currency"]: row["reserved"] for row in store.customer_pools(work, CUSTOMER)}
    assert {name: str(amount.normalize()) for name, amount in pools.items()} == {"CNY": "0", "USD": "7"}
    ledger.do(receivables.record_invoice, ledger.invoice("I", "1.00", order_no="A", currency="USD"))
    with pytest.raises(Conflict, match="币种"):
        ledger.do(orders.reserve_order, ledger.order("A", "60.00", revision=3))
    assert ledger.differences() == []


def test_an_order_that_has_ended_keeps_its_new_payer_for_when_it_is_opened_again(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.grant("10.00", customer_id=str(OTHER))
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    _deliver(ledger)
    ledger.do(orders.close_order, load(schema.OrderKey(), {"order_no": "A"}), "closed")
    told = {**_body("A"), "payer_code": "C-2", "revision": 3, "source": "api", "event_id": "3"}
    assert ledger.do(intake.apply_document, "order.amended", told) == {"status": "closed", "over_limit": True}
    assert _exposures(ledger) == ("0.00", "20.00")
    assert ledger.do(orders.reopen_order, load(schema.OrderKey(), {"order_no": "A"}))["status"] == "refused"
    assert ledger.differences() == []


def test_whoever_waits_for_an_order_that_goes_to_another_payer_changes_it_there(ledger: Ledger) -> None:
    for who in (CUSTOMER, OTHER):
        ledger.grant("100.00", customer_id=str(who))
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    amend = load(schema.OrderChange(), {"order_no": "A", "amount": "70.00"})
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ledger.database.begin(ledger.caller) as work:
        orders.reserve_order(work, _moved("A", "60.00"))
        store.book_of(work).flush()
        other = eventlet.spawn(ledger.do, orders.amend_order, amend)
        with ledger.database.read(ledger.caller) as reading:
            wait_until(lambda: reading.execute(text(waiting)).scalar_one(), what="the other to wait")
    assert other.wait()["order"]["payer_id"] == str(OTHER)
    assert _exposures(ledger) == ("0.00", "70.00")
    assert ledger.differences() == []
