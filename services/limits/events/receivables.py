"""What the limit ledger tells of invoices, of what pays them, and of what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.limits.open_items import parts_of

_INVOICE_FIELDS = (
    "id",
    "invoice_no",
    "source",
    "company",
    "customer_id",
    "order_no",
    "currency",
    "invoice_date",
    "due_date",
    "last_due_date",
    "salesperson",
    "status",
)
_PAYMENT_FIELDS = (
    "id",
    "payment_no",
    "source",
    "company",
    "customer_id",
    "currency",
    "paid_at",
    "method",
    "status",
)


_CREDIT_NOTE_FIELDS = ("id", "source", "company", "customer_id", "order_no", "currency", "reason", "status")
_WRITE_OFF_FIELDS = (
    "id",
    "write_off_no",
    "source",
    "company",
    "customer_id",
    "invoice_id",
    "invoice_no",
    "currency",
    "reason",
    "written_off_on",
    "status",
    "recorded_by",
)
_BILL_FIELDS = (
    "id",
    "source",
    "company",
    "customer_id",
    "payment_id",
    "currency",
    "due_date",
    "status",
    "settled_on",
)
_DISPUTE_FIELDS = (
    "id",
    "customer_id",
    "invoice_id",
    "invoice_no",
    "currency",
    "reason",
    "status",
    "opened_on",
    "opened_by",
    "resolved_on",
    "resolved_by",
    "resolution",
)


def invoice_view(invoice: Mapping[str, Any]) -> dict[str, Any]:
    """An invoice as callers and subscribers see it; `instalments` is empty where it is due on one date."""
    currency = invoice["currency"]
    instalments = [
        {"due_date": part.due_date, **_texts(currency, amount=part.amount, open_amount=part.open_amount)}
        for part in (parts_of(invoice) if invoice["instalments"] else ())
    ]
    amounts = {name: invoice[name] for name in ("amount", "open_amount", "written_off", "disputed")}
    return {
        **{name: invoice[name] for name in _INVOICE_FIELDS},
        **_texts(currency, **amounts),
        "instalments": instalments,
    }


def money_view(money: Mapping[str, Any]) -> dict[str, Any]:
    """A payment or a credit note as callers and subscribers see it."""
    amounts = _texts(money["currency"], amount=money["amount"], unallocated=money["unallocated"])
    if money["kind"] == "payment":
        return {**{name: money[name] for name in _PAYMENT_FIELDS}, **amounts}
    named = {"credit_note_no": money["payment_no"], "credit_note_date": money["paid_at"]}
    return {**{name: money[name] for name in _CREDIT_NOTE_FIELDS}, **named, **amounts}


def write_off_view(write_off: Mapping[str, Any]) -> dict[str, Any]:
    """A write-off as callers and subscribers see it."""
    amount = _texts(write_off["currency"], amount=write_off["amount"])
    return {**{name: write_off[name] for name in _WRITE_OFF_FIELDS}, **amount}


def bill_view(bill: Mapping[str, Any]) -> dict[str, Any]:
    """An acceptance bill as callers and subscribers see it."""
    amount = _texts(bill["currency"], amount=bill["amount"])
    return {**{name: bill[name] for name in _BILL_FIELDS}, "number": bill["bill_no"], **amount}


def dispute_view(dispute: Mapping[str, Any]) -> dict[str, Any]:
    """A dispute as callers and subscribers see it."""
    amount = _texts(dispute["currency"], amount=dispute["amount"])
    return {**{name: dispute[name] for name in _DISPUTE_FIELDS}, **amount}


def allocation_view(
    allocation: Mapping[str, Any], money: Mapping[str, Any], invoice: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A part of a payment and the invoice that it pays; the dates are empty while that has not arrived."""
    return {
        "invoice_id": allocation["invoice_id"],
        "invoice_no": allocation["invoice_no"],
        "amount": format_amount(allocation["amount"], money["currency"]),
        "allocated_on": allocation["allocated_on"],
        "due_date": None if invoice is None else invoice["due_date"],
        "invoice_date": None if invoice is None else invoice["invoice_date"],
    }


def invoice_event(work: UnitOfWork, name: str, invoice: Mapping[str, Any], **extra: Any) -> None:
    """Something that changed an invoice: `invoice_recorded`, `write_off_recorded`, `dispute_opened` …"""
    work.add_event(
        name,
        subject=invoice["id"],
        ordering_key=invoice["customer_id"],
        data={"invoice": invoice_view(invoice), **extra},
    )


def money_event(
    work: UnitOfWork,
    what: str,
    money: Mapping[str, Any],
    allocations: Sequence[Mapping[str, Any]],
    **extra: Any,
) -> None:
    """A payment or a credit note was recorded, allocated or reversed, with the whole of its allocations."""
    work.add_event(
        f"{money['kind']}_{what}",
        subject=money["id"],
        ordering_key=money["customer_id"],
        data={money["kind"]: money_view(money), "allocations": list(allocations), **extra},
    )


def bill_event(work: UnitOfWork, name: str, bill: Mapping[str, Any], **extra: Any) -> None:
    """`bill_received`, `bill_honoured`, `bill_dishonoured` or `bill_voided`."""
    work.add_event(
        name, subject=bill["id"], ordering_key=bill["customer_id"], data={"bill": bill_view(bill), **extra}
    )


def _texts(currency: str, **amounts: Any) -> dict[str, str]:
    return {name: format_amount(amount, currency) for name, amount in amounts.items()}
