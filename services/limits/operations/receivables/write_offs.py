"""Write-offs: a part of an invoice is given up, with a reason, and may be claimed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, invalid_field
from services.common.ids import new_id
from services.limits import store
from services.limits.events.receivables import invoice_event, invoice_view, write_off_view
from services.limits.ledger import Stages
from services.limits.open_items import invoice_status
from services.limits.operations import carriers, dates
from services.limits.operations.accounts import cure_freezes, read_accounts, tell_accounts
from services.limits.operations.aging import tell_aged
from services.limits.operations.orders import positive_amount
from services.limits.operations.over_limit import is_over_limit
from services.limits.operations.posting import post
from services.limits.operations.receivables.documents import require_document
from services.limits.operations.receivables.matching import cover_oldest, tell_allocated


def record_write_off(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Write an invoice off, all that is open of it or a part; freezes whose cause is gone end at once.

    Answers `{"status": recorded | duplicate, "write_off", "invoice"}`; `Invalid` for more than is open.
    """
    answer = record_write_off_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["write_off"]["customer_id"]])
    return answer


def foresee_write_offs(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Lock the customers whose invoices are to be written off, and hold their accounts."""
    owners = store.owners_of_numbers(work, "invoice", [item["invoice_no"] for item in items])
    customer_ids = list(store.lock_customers(work, owners))
    with store.together(work):
        store.read_open_invoices(work, customer_ids)
        read_accounts(work, customer_ids)
        carriers.foresee(work, customer_ids)


def record_write_off_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    invoice = require_document(work, "invoice", {**received, "number": received["invoice_no"]})
    known = _known(work, invoice, received)
    if known is not None:
        return {"status": "duplicate", "write_off": write_off_view(known), "invoice": invoice_view(invoice)}
    amount = open_part(invoice, received["amount"])
    identity = new_id()
    write_off = {
        "id": identity,
        "source": invoice["source"],
        "company": invoice["company"],
        "write_off_no": received["write_off_no"] or str(identity),
        "customer_id": invoice["customer_id"],
        "invoice_id": invoice["id"],
        "invoice_no": invoice["invoice_no"],
        "amount": amount,
        "currency": invoice["currency"],
        "reason": received["reason"],
        "written_off_on": received["written_off_on"] or dates.today(work),
        "status": "recorded",
        "recorded_by": work.caller.actor,
        "recorded_at": work.now,
    }
    store.add_write_off(work, write_off)
    # Nothing can be given up before it was open.
    on = max(dates.effective_date(work, write_off["written_off_on"]), invoice["open_since"])
    _move(work, "write_off", invoice, amount, on)
    invoice_event(work, "write_off_recorded", invoice, write_off=write_off_view(write_off))
    cure_freezes(work, invoice["customer_id"])
    return {"status": "recorded", "write_off": write_off_view(write_off), "invoice": invoice_view(invoice)}


def reverse_write_off(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Claim again what was written off: the invoice is open by that much, and exposure rises."""
    write_off = require_document(work, "write_off", received)
    if write_off["status"] == "reversed":
        raise Conflict("核销坏账已冲销", code="already_reversed")
    invoice = store.documents_by_id(work, "invoice", [write_off["invoice_id"]])[write_off["invoice_id"]]
    store.change_write_off(work, write_off["id"], {"status": "reversed"})
    write_off["status"] = "reversed"
    invoice["open_since"] = dates.today(work)
    _move(work, "reverse_write_off", invoice, -write_off["amount"], invoice["open_since"])
    touched = cover_oldest(work, invoice["customer_id"], invoice["currency"])
    invoice = store.documents_by_id(work, "invoice", [invoice["id"]])[invoice["id"]]
    over_limit = is_over_limit(work, invoice)
    shown = write_off_view(write_off)
    reason = received.get("reason")
    invoice_event(work, "write_off_reversed", invoice, write_off=shown, reason=reason, over_limit=over_limit)
    tell_allocated(work, touched)
    tell_aged(work, invoice["customer_id"])
    tell_accounts(work, [invoice["customer_id"]])
    return {
        "status": "reversed",
        "write_off": shown,
        "invoice": invoice_view(invoice),
        "over_limit": over_limit,
    }


def open_part(invoice: Mapping[str, Any], text: str | None) -> Decimal:
    """A part of what is open of an invoice, all of it when none is named; `Invalid` for more, or for none."""
    open_amount: Decimal = invoice["open_amount"]
    amount = positive_amount(text, invoice["currency"]) if text is not None else open_amount
    if not open_amount or amount > open_amount:
        raise invalid_field("amount", "more_than_open", "金额大于发票未清金额")
    return amount


def void_write_offs(work: UnitOfWork, invoice: Mapping[str, Any], reason: str | None) -> None:
    """End the write-offs of an invoice that is taken back itself: there is nothing left to give up."""
    for write_off in store.write_offs_of(work, invoice["id"]):
        if write_off["status"] != "reversed":
            store.change_write_off(work, write_off["id"], {"status": "reversed"})
            shown = write_off_view({**write_off, "status": "reversed"})
            invoice_event(work, "write_off_reversed", invoice, write_off=shown, reason=reason)


def _known(
    work: UnitOfWork, invoice: Mapping[str, Any], received: Mapping[str, Any]
) -> dict[str, Any] | None:
    if not received["write_off_no"]:
        return None
    key = (invoice["source"], invoice["company"], received["write_off_no"])
    known = store.document_of(work, "write_off", *key)
    if known is None:
        return None
    amount = received["amount"]
    same_amount = amount is None or positive_amount(amount, invoice["currency"]) == known["amount"]
    if known["invoice_id"] != invoice["id"] or not same_amount:
        raise Conflict("该单号已存在, 内容不同", code="write_off_exists")
    return known


def _move(work: UnitOfWork, action: str, invoice: dict[str, Any], amount: Decimal, on: date) -> None:
    """Let so much less of an invoice be open, and be owed, from a date on."""
    invoice["written_off"] += amount
    invoice["open_amount"] -= amount
    invoice["status"] = invoice_status(invoice["open_amount"], invoice["written_off"])
    changed = {name: invoice[name] for name in ("written_off", "open_amount", "status", "open_since")}
    store.update_invoice(work, invoice["id"], changed)
    post(work, action, "invoice", invoice, Stages(receivable=-amount), on)
