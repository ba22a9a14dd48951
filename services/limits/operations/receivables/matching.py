"""Which money pays which invoice: as its payer names it, else what was due first, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits import events, store


def allocate_named(
    work: UnitOfWork, payment: dict[str, Any], wanted: Sequence[tuple[str, Decimal]]
) -> set[UUID]:
    """Pay what the payer names; what has not arrived is kept for it. Returns the payments it displaced."""
    touched: set[UUID] = set()
    found = store.invoices_named(work, payment["customer_id"], [number for number, _ in wanted])
    for number, amount in wanted:
        invoice = found.get(number)
        if invoice is None:
            _add_allocation(work, payment, number, None, amount)
        elif invoice["currency"] == payment["currency"] and invoice["status"] != "reversed":
            touched |= displace(work, invoice, amount)
            _pay(work, payment, invoice, min(amount, invoice["open_amount"]))
    return touched


def match_named(work: UnitOfWork, invoice: dict[str, Any]) -> set[UUID]:
    """Match payments that named this invoice before it came; returns them."""
    named = store.waiting_allocations(work, invoice["customer_id"], invoice["invoice_no"])
    payments_by_id = store.documents_by_id(work, "payment", [row["payment_id"] for row in named])
    matching = [row for row in named if payments_by_id[row["payment_id"]]["currency"] == invoice["currency"]]
    for row in sorted(matching, key=lambda row: store.payment_order(payments_by_id[row["payment_id"]])):
        payment = payments_by_id[row["payment_id"]]
        store.delete_allocations(work, [row["id"]])
        _pay(work, payment, invoice, min(row["amount"], invoice["open_amount"], payment["unallocated"]))
    return {row["payment_id"] for row in matching}


def cover_oldest(work: UnitOfWork, customer_id: UUID, currency: str) -> set[UUID]:
    """Let the money that nobody has assigned cover what was due first; returns the payments it moved.

    However the documents came: what an older invoice lacks is taken back from newer ones.
    """
    touched: set[UUID] = set()
    paying = store.on_account_payments(work, customer_id, currency)
    free = {payment["id"]: payment["unallocated"] - _promised(work, payment) for payment in paying}
    if not any(free.values()) and not store.has_automatic(work, customer_id):
        return touched
    lacking = store.open_invoices(work, customer_id, currency)
    for payment in paying:
        for invoice in lacking:
            part = min(free[payment["id"]], invoice["open_amount"])
            if part > 0:
                _pay(work, payment, invoice, part, automatic=True)
                free[payment["id"]] -= part
                touched.add(payment["id"])
    lacking = [invoice for invoice in lacking if invoice["open_amount"]]
    if not lacking:
        return touched
    covered = store.covered_from(work, customer_id, currency, lacking[0]["due_date"])
    order = store.invoice_order
    for invoice in lacking:
        while invoice["open_amount"] and covered and order(covered[-1]) > order(invoice):
            moved = displace(work, covered[-1], covered[-1]["open_amount"] + invoice["open_amount"])
            if not moved:
                covered.pop()
                continue
            for payment in store.documents_by_id(work, "payment", moved).values():
                back = payment["unallocated"] - _promised(work, payment)
                _pay(work, payment, invoice, min(back, invoice["open_amount"]), automatic=True)
            touched |= moved
    return touched


def displace(work: UnitOfWork, invoice: dict[str, Any], wanted: Decimal) -> set[UUID]:
    """Take back from an invoice what nobody has assigned to it, until so much of it is open.

    The latest payment gives way first. Returns the payments that have their money back.
    """
    short = min(wanted, invoice["amount"]) - invoice["open_amount"]
    if short <= 0:
        return set()
    rows = [row for row in store.allocations_to(work, invoice["id"]) if row["automatic"]]
    payers = store.documents_by_id(work, "payment", [row["payment_id"] for row in rows])
    touched: set[UUID] = set()
    for row in sorted(rows, key=lambda row: store.payment_order(payers[row["payment_id"]]), reverse=True):
        part = min(short, row["amount"])
        if not part:
            break
        payment = payers[row["payment_id"]]
        if part == row["amount"]:
            store.delete_allocations(work, [row["id"]])
        else:
            store.change_allocation(work, row["id"], row["amount"] - part)
        short -= part
        _move(work, payment, invoice, -part)
        touched.add(payment["id"])
    return touched


def _promised(work: UnitOfWork, payment: Mapping[str, Any]) -> Decimal:
    """What of a payment is kept for invoices that its payer named and that have not arrived."""
    waiting = [
        row["amount"] for row in store.allocations_of(work, payment["id"]) if row["invoice_id"] is None
    ]
    return sum(waiting, Decimal(0))


def _pay(
    work: UnitOfWork,
    payment: dict[str, Any],
    invoice: dict[str, Any],
    part: Decimal,
    *,
    automatic: bool = False,
) -> None:
    if part > 0:
        _move(work, payment, invoice, part)
        _add_allocation(work, payment, invoice["invoice_no"], invoice["id"], part, automatic=automatic)


def _move(work: UnitOfWork, payment: dict[str, Any], invoice: dict[str, Any], part: Decimal) -> None:
    """Bring both documents in line with a part of the payment that goes to the invoice, or back."""
    payment["unallocated"] -= part
    invoice["open_amount"] -= part
    invoice["status"] = "open" if invoice["open_amount"] else "paid"
    store.update_invoice(
        work, invoice["id"], {"open_amount": invoice["open_amount"], "status": invoice["status"]}
    )
    store.update_payment(work, payment["id"], {"unallocated": payment["unallocated"]})


def _add_allocation(
    work: UnitOfWork,
    payment: Mapping[str, Any],
    number: str,
    invoice_id: UUID | None,
    amount: Decimal,
    *,
    automatic: bool = False,
) -> None:
    row = {
        "id": new_id(),
        "payment_id": payment["id"],
        "invoice_id": invoice_id,
        "customer_id": payment["customer_id"],
        "invoice_no": number,
        "amount": amount,
        "allocated_on": payment["paid_at"],
        "automatic": automatic,
    }
    store.add_allocations(work, [row])


def free_allocations(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Undo allocations; returns the payments that they belonged to."""
    store.delete_allocations(work, [row["id"] for row in rows])
    matched = [row for row in rows if row["invoice_id"] is not None]
    freed = store.documents_by_id(work, "payment", [row["payment_id"] for row in matched])
    opened = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in matched])
    for row in matched:
        _move(work, freed[row["payment_id"]], opened[row["invoice_id"]], -row["amount"])
    return set(freed)


def tell_allocated(work: UnitOfWork, payment_ids: Iterable[UUID]) -> None:
    """Tell how these payments are allocated now."""
    for payment in store.documents_by_id(work, "payment", sorted(payment_ids)).values():
        tell_payment(work, "payment_allocated", payment)


def tell_payment(work: UnitOfWork, name: str, payment: Mapping[str, Any]) -> None:
    events.payment_event(work, name, payment, payment_answer(work, payment)["allocations"])


def payment_answer(work: UnitOfWork, payment: Mapping[str, Any]) -> dict[str, Any]:
    rows = store.allocations_of(work, payment["id"])
    paid = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in rows if row["invoice_id"]])
    return {
        "payment": events.payment_view(payment),
        "allocations": [events.allocation_view(row, paid.get(row["invoice_id"])) for row in rows],
    }
