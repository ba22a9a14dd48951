"""Acceptance bills: what they pay is paid at once, and the exposure stays until they are honoured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.ids import new_id
from services.common.paging import page
from services.limits import store
from services.limits.events.receivables import bill_event, bill_view
from services.limits.ledger import ZERO, Stages
from services.limits.model import bills
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.filters import wanted_columns
from services.limits.operations.posting import post
from services.limits.operations.receivables.money import held_money, take_back
from services.limits.pools import segment_of

_FILTERS = ("status", "source", "company")


def require_free_number(work: UnitOfWork, received: Mapping[str, Any]) -> None:
    """`Conflict` when another payment was made by the bill that a new one names."""
    bill = received.get("bill")
    if bill and store.bills_numbered(work, bill["number"], received):
        raise Conflict("该承兑汇票已用于另一笔收款", code="bill_exists")


def receive_bill(work: UnitOfWork, payment: Mapping[str, Any], received: Mapping[str, Any], on: date) -> None:
    """Keep the bill that a new payment was made by: it binds what that takes off, from the same date on."""
    bill = {
        "id": new_id(),
        **{name: payment[name] for name in ("source", "company", "customer_id", "amount", "currency")},
        "bill_no": received["bill"]["number"],
        "payment_id": payment["id"],
        "due_date": received["bill"]["due_date"],
        "status": store.PENDING,
        "settled_on": None,
        "recorded_at": work.now,
    }
    store.add_bill(work, bill)
    _post(work, "bill", bill, bill["amount"], on)
    bill_event(work, "bill_received", bill)


def honour_bill(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The bill was paid: what it bound is free. 409 when it does not wait for that."""
    bill = _require(work, received)
    if bill["status"] != store.PENDING:
        raise Conflict(f"汇票不是待兑付状态: {bill['status']}", code="bill_not_pending")
    _settle(work, bill, "honoured", "honour_bill")
    bill_event(work, "bill_honoured", bill)
    tell_accounts(work, [bill["customer_id"]])
    return {"status": "honoured", "bill": bill_view(bill)}


def dishonour_bill(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The bill was not paid: what it paid is open again, by the same exposure.

    One that was honoured and is charged back raises the exposure again. Who pays after all, makes a new
    payment.
    """
    bill = _require(work, received)
    if bill["status"] == "dishonoured":
        raise Conflict("汇票已拒付", code="bill_dishonoured")
    _settle(work, bill, "dishonoured", "dishonour_bill")
    payment = held_money(work, {"id": bill["payment_id"]})
    answer = take_back(work, payment, received.get("reason") or f"承兑汇票 {bill['bill_no']} 拒付")
    over_limit = answer["over_limit"]
    bill_event(work, "bill_dishonoured", bill, reason=received.get("reason"), over_limit=over_limit)
    return {**answer, "status": "dishonoured", "bill": bill_view(bill)}


def void_bill(work: UnitOfWork, payment: Mapping[str, Any], reason: str | None) -> None:
    """End the bill of a payment that is taken back as a mistake, before the payment itself."""
    bill = store.bill_of(work, payment["id"])
    if bill is not None:
        _settle(work, bill, store.VOID, "void_bill")
        bill_event(work, "bill_voided", bill, reason=reason)


def list_bills(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of bills, the first due first; `number` is that of the bill."""
    where = {"bill_no" if name == "number" else name: value for name, value in received["where"].items()}
    return page(
        work,
        store.bills_with(work, wanted_columns(where, ("bill_no", *_FILTERS))),
        received,
        sort={"due_date": bills.c.due_date, "recorded_at": bills.c.recorded_at},
        key=bills.c.id,
        default_sort="due_date",
        to_item=bill_view,
    )


def _require(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    found = store.bills_numbered(work, received["number"], received)
    if len(found) > 1:
        raise Conflict("有多个来源使用该汇票号, 请给出 source 与 company", code="document_ambiguous")
    bill = None
    if found:
        store.lock_customers(work, [found[0]["customer_id"]])
        # Until the customer was locked, somebody else might have settled it.
        bill = store.held_bill(work, found[0]["id"])
    if bill is None:
        raise NotFound("没有这张承兑汇票", code="unknown_bill")
    return bill


def _settle(work: UnitOfWork, bill: dict[str, Any], status: str, action: str) -> None:
    """Give a bill its end; one that was pending binds nothing any more."""
    was_pending = bill["status"] == store.PENDING
    bill.update(status=status, settled_on=dates.today(work))
    store.change_bill(work, bill["id"], {"status": status, "settled_on": bill["settled_on"]})
    if was_pending:
        for segment, amount in _bound(work, bill).items():
            _post(work, action, {**bill, "segment": segment}, -amount)


def _bound(work: UnitOfWork, bill: Mapping[str, Any]) -> dict[str, Decimal]:
    """What a bill binds in which segment: with the invoices that it pays, and what pays none in its own."""
    rows = [row for row in store.allocations_of(work, bill["payment_id"]) if row["invoice_id"] is not None]
    paid = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in rows])
    own = segment_of(bill)
    bound = {own: bill["amount"]}
    for row in rows:
        segment = segment_of(paid[row["invoice_id"]])
        bound[own] -= row["amount"]
        bound[segment] = bound.get(segment, ZERO) + row["amount"]
    return bound


def _post(
    work: UnitOfWork, action: str, bill: Mapping[str, Any], receivable: Decimal, on: date | None = None
) -> None:
    post(work, action, "bill", bill, Stages(receivable=receivable), on)
