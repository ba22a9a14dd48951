"""Disputes: what a customer does not accept of an invoice; where it is so set, that is not overdue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.common.paging import page
from services.limits import store
from services.limits.events.receivables import dispute_view, invoice_event, invoice_view
from services.limits.ledger import ZERO
from services.limits.model import disputes
from services.limits.operations import dates
from services.limits.operations.accounts import cure_freezes, tell_accounts
from services.limits.operations.aging import tell_aged
from services.limits.operations.filters import wanted_columns
from services.limits.operations.receivables.documents import require_document
from services.limits.operations.receivables.write_offs import open_part


def open_dispute(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Note that a customer disputes all that is open of an invoice, or a part; exposure does not move.

    A freeze whose cause that removes ends at once. `Invalid` when more is disputed than is open.
    """
    invoice = require_document(work, "invoice", {**received, "number": received["invoice_no"]})
    amount = open_part(invoice, received["amount"])
    if invoice["disputed"] + amount > invoice["open_amount"]:
        raise invalid_field("amount", "disputed_already", "争议金额合计大于发票未清金额")
    dispute = {
        "id": new_id(),
        **{name: invoice[name] for name in ("customer_id", "invoice_no", "currency")},
        "invoice_id": invoice["id"],
        "amount": amount,
        "reason": received["reason"],
        "status": "open",
        "opened_on": dates.today(work),
        "opened_by": work.caller.actor,
        "opened_at": work.now,
        "resolved_on": None,
        "resolved_at": None,
        "resolved_by": None,
        "resolution": None,
    }
    store.add_dispute(work, dispute)
    _move(work, invoice, amount)
    invoice_event(work, "dispute_opened", invoice, dispute=dispute_view(dispute))
    cure_freezes(work, invoice["customer_id"])
    tell_accounts(work, [invoice["customer_id"]])
    return {"status": "open", "dispute": dispute_view(dispute), "invoice": invoice_view(invoice)}


def resolve_dispute(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """End a dispute: what is still open of it counts as overdue again, at once. 409 when it has ended."""
    found = store.find_dispute(work, received["dispute_id"])
    dispute = None
    if found is not None and store.is_seen(work, found["customer_id"], found):
        store.lock_customers(work, [found["customer_id"]])
        # Until the customer was locked, somebody else might have ended it.
        dispute = store.held_dispute(work, found["id"])
    if dispute is None:
        raise NotFound("没有这个争议", code="unknown_dispute")
    if dispute["status"] != "open":
        raise Conflict("争议已结束", code="already_resolved")
    invoice = store.documents_by_id(work, "invoice", [dispute["invoice_id"]])[dispute["invoice_id"]]
    _move(work, invoice, -dispute["amount"])
    shown = _end(work, dispute, received["resolution"])
    invoice_event(work, "dispute_resolved", invoice, dispute=shown)
    tell_aged(work, invoice["customer_id"])
    tell_accounts(work, [invoice["customer_id"]])
    return {"status": "resolved", "dispute": shown, "invoice": invoice_view(invoice)}


def end_disputes(work: UnitOfWork, invoice: Mapping[str, Any], resolution: str) -> None:
    """End the disputes of an invoice that is taken back: there is nothing left to dispute."""
    for dispute in store.open_disputes_of(work, invoice["id"]):
        shown = _end(work, dispute, resolution)
        invoice_event(work, "dispute_resolved", {**invoice, "disputed": ZERO}, dispute=shown)


def list_disputes(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of disputes, newest first."""
    return page(
        work,
        store.disputes_with(work, wanted_columns(received["where"], ("status", "invoice_no"))),
        received,
        sort={"opened_at": disputes.c.opened_at},
        key=disputes.c.id,
        default_sort="-opened_at",
        to_item=dispute_view,
    )


def _end(work: UnitOfWork, dispute: dict[str, Any], resolution: str | None) -> dict[str, Any]:
    ended = {
        "status": "resolved",
        "resolved_on": dates.today(work),
        "resolved_at": work.now,
        "resolved_by": work.caller.actor,
        "resolution": resolution,
    }
    store.change_dispute(work, dispute["id"], ended)
    return dispute_view({**dispute, **ended})


def _move(work: UnitOfWork, invoice: dict[str, Any], amount: Any) -> None:
    invoice["disputed"] += amount
    store.update_invoice(work, invoice["id"], {"disputed": invoice["disputed"]})
