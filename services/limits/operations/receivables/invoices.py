"""Invoices: what was issued is recorded, matched with its order and with money, and may be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.common.ids import new_id
from services.limits import store
from services.limits.events.receivables import invoice_event, invoice_view
from services.limits.ledger import ZERO, Stages
from services.limits.operations import carriers, dates
from services.limits.operations.accounts import (
    cure_freezes,
    lock_customers_of,
    read_accounts,
    tell_accounts,
)
from services.limits.operations.over_limit import is_over_limit
from services.limits.operations.payment_terms import due_dates
from services.limits.operations.posting import post
from services.limits.operations.receivables.disputes import end_disputes
from services.limits.operations.receivables.documents import require_document, same_or_conflict
from services.limits.operations.receivables.matching import (
    cover_oldest,
    free_allocations,
    match_named,
    tell_allocated,
)
from services.limits.operations.receivables.order_matching import (
    move_invoiced,
    order_matched,
    order_named,
    owner_named,
)
from services.limits.operations.receivables.write_offs import void_write_offs
from services.limits.pools import segment_within


def record_invoice(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record an invoice: exposure moves from its order to the receivables, or rises where it has none.

    Answers `{"status": recorded | duplicate, "invoice", "over_limit"}`.
    """
    answer = record_invoice_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["invoice"]["customer_id"]])
    return answer


def foresee_invoices(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new invoices will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    ordered = [(item["source"], item["company"], item["order_no"]) for item in items if item.get("order_no")]
    with store.together(work):
        store.read_invoices(work, [(item["source"], item["company"], item["invoice_no"]) for item in items])
        store.read_orders(work, ordered)
        store.read_matchable(work, customer_ids)
        read_accounts(work, customer_ids)
        carriers.foresee(work, customer_ids)


def record_invoice_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer = owner_named(work, received)
    existing = store.document_of(
        work, "invoice", received["source"], received["company"], received["invoice_no"]
    )
    if existing is not None:
        same_or_conflict(existing, received, customer["id"], "invoice")
        return {"status": "duplicate", "invoice": invoice_view(existing)}
    order = order_named(work, received, customer["id"])
    on = dates.effective_date(work, received["invoice_date"], order)
    names = ("source", "company", "invoice_no", "order_no", "amount", "currency", "invoice_date")
    invoice = {
        "id": new_id(),
        **{name: received[name] for name in names},
        "segment": segment_within(order, received["company"]),
        "customer_id": customer["id"],
        "order_id": order["id"] if order else None,
        "open_amount": received["amount"],
        "written_off": ZERO,
        "disputed": ZERO,
        **due_dates(work, customer["id"], received),
        "salesperson": received.get("salesperson") or customer["salesperson"],
        "status": "open",
        "revision": received["revision"],
        "recorded_at": work.now,
        "open_since": on,
    }
    store.add_invoice(work, invoice)
    post(work, "invoice", "invoice", invoice, Stages(receivable=invoice["amount"]), on)
    if order is not None:
        move_invoiced(work, order, invoice["amount"], "invoice", on)
    touched = match_named(work, invoice)
    touched |= cover_oldest(work, customer["id"], invoice["currency"])
    invoice = store.documents_by_id(work, "invoice", [invoice["id"]])[invoice["id"]]
    over_limit = is_over_limit(work, invoice)
    invoice_event(work, "invoice_recorded", invoice, over_limit=over_limit)
    tell_allocated(work, touched)
    return {"status": "recorded", "invoice": invoice_view(invoice), "over_limit": over_limit}


def reverse_invoice(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take an invoice back: its order binds again what it bound, its payments stand on account.

    Exposure rises where a part of it was written off: that is flagged.
    """
    invoice = require_document(work, "invoice", received)
    if invoice["status"] == "reversed":
        raise Conflict("发票已冲销", code="already_reversed")
    freed = free_allocations(work, store.allocations_to(work, invoice["id"]))
    owed = invoice["amount"] - invoice["written_off"]
    nothing = {"status": "reversed", "open_amount": ZERO, "written_off": ZERO, "disputed": ZERO}
    invoice.update(nothing)
    store.update_invoice(work, invoice["id"], nothing)
    post(work, "reverse_invoice", "invoice", invoice, Stages(receivable=-owed))
    void_write_offs(work, invoice, received.get("reason"))
    end_disputes(work, invoice, "发票已冲销")
    order = order_matched(work, invoice)
    if order is not None:
        move_invoiced(work, order, -invoice["amount"], "reverse_invoice")
    over_limit = is_over_limit(work, invoice)
    invoice_event(work, "invoice_reversed", invoice, reason=received.get("reason"), over_limit=over_limit)
    touched = freed | cover_oldest(work, invoice["customer_id"], invoice["currency"])
    tell_allocated(work, touched)
    cure_freezes(work, invoice["customer_id"])
    tell_accounts(work, [invoice["customer_id"]])
    return {"status": "reversed", "invoice": invoice_view(invoice), "over_limit": over_limit}
