"""From events to the facts about invoices, what pays them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from services.common.db import UnitOfWork
from services.common.events import Event
from services.common.snapshots import Snapshots
from services.reporting import model

_ZERO = Decimal(0)


def invoice_changed(work: UnitOfWork, event: Event) -> None:
    """An invoice as it stands now; a reversed one has nothing left that takes anything off it."""
    invoice = event.data["invoice"]
    invoice_id = UUID(str(invoice["id"]))
    reversed_now = invoice["status"] == "reversed"
    snapshots = work.part(Snapshots)
    snapshots.put(
        model.fact_invoice,
        {
            "id": invoice_id,
            "customer_id": UUID(str(invoice["customer_id"])),
            **{name: invoice[name] for name in ("invoice_no", "company", "currency")},
            "amount": Decimal(invoice["amount"]),
            "invoice_date": date.fromisoformat(invoice["invoice_date"]),
            "due_date": date.fromisoformat(invoice["due_date"]),
            "disputed": Decimal(invoice.get("disputed", "0")),
            "reversed": reversed_now,
        },
    )
    parts = list(_instalments(invoice_id, invoice))
    snapshots.replace(model.fact_instalment, "invoice_id", invoice_id, parts)
    if reversed_now:
        snapshots.replace(model.fact_allocation, "invoice_id", invoice_id, [])


def _instalments(invoice_id: UUID, invoice: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    later = Decimal(invoice["amount"])
    for part in invoice.get("instalments") or [invoice]:
        amount = Decimal(part["amount"])
        later -= amount
        due_date = date.fromisoformat(part["due_date"])
        yield {"invoice_id": invoice_id, "due_date": due_date, "amount": amount, "later": later}


def payment_changed(work: UnitOfWork, event: Event) -> None:
    """A payment as it stands now, with the whole of its allocations."""
    payment = event.data["payment"]
    _money(work, event, "payment", payment, payment["payment_no"], payment["paid_at"])


def credit_note_changed(work: UnitOfWork, event: Event) -> None:
    """A credit note as it stands now, with the whole of its allocations."""
    note = event.data["credit_note"]
    _money(work, event, "credit_note", note, note["credit_note_no"], note["credit_note_date"])


def _money(
    work: UnitOfWork, event: Event, kind: str, money: Mapping[str, Any], number: str, dated: str
) -> None:
    money_id = UUID(str(money["id"]))
    snapshots = work.part(Snapshots)
    snapshots.put(
        model.fact_payment,
        {
            "id": money_id,
            "kind": kind,
            "customer_id": UUID(str(money["customer_id"])),
            "payment_no": number,
            "amount": Decimal(money["amount"]),
            "currency": money["currency"],
            "paid_at": date.fromisoformat(dated),
            "reversed": money["status"] == "reversed",
        },
    )
    summed: dict[UUID, dict[str, Any]] = {}
    for part in event.data["allocations"]:
        if part["invoice_id"] is None:
            continue
        invoice_id = UUID(str(part["invoice_id"]))
        row = {"amount": _ZERO, "allocated_on": date.fromisoformat(part["allocated_on"])}
        named = {"payment_id": money_id, "invoice_id": invoice_id, "kind": kind}
        kept = summed.setdefault(invoice_id, {**named, **row})
        kept["amount"] += Decimal(part["amount"])
    snapshots.replace(model.fact_allocation, "payment_id", money_id, list(summed.values()))


def write_off_changed(work: UnitOfWork, event: Event) -> None:
    """What was written off of an invoice is taken off it like a payment, without being one."""
    invoice_changed(work, event)
    write_off = event.data["write_off"]
    write_off_id = UUID(str(write_off["id"]))
    row: Mapping[str, Any] = {
        "payment_id": write_off_id,
        "invoice_id": UUID(str(write_off["invoice_id"])),
        "kind": "write_off",
        "amount": Decimal(write_off["amount"]),
        "allocated_on": date.fromisoformat(write_off["written_off_on"]),
    }
    rows = [] if write_off["status"] == "reversed" else [row]
    work.part(Snapshots).replace(model.fact_allocation, "payment_id", write_off_id, rows)


def bill_changed(work: UnitOfWork, event: Event) -> None:
    """An acceptance bill as it stands now."""
    bill = event.data["bill"]
    work.part(Snapshots).put(
        model.fact_bill,
        {
            "id": UUID(str(bill["id"])),
            "customer_id": UUID(str(bill["customer_id"])),
            "bill_no": bill["number"],
            "amount": Decimal(bill["amount"]),
            "currency": bill["currency"],
            "due_date": date.fromisoformat(bill["due_date"]),
            "status": bill["status"],
        },
    )


def settings_changed(work: UnitOfWork, event: Event) -> None:
    """Whether what is disputed counts as overdue."""
    work.execute(delete(model.ledger_settings))
    counts = event.data["settings"]["disputes_are_overdue"]
    work.execute(insert(model.ledger_settings).values(singleton=True, disputes_are_overdue=counts))
