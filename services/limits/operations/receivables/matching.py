"""Which money pays which invoice: as its payer names it, else what was due first, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits import store
from services.limits.events.receivables import allocation_view, money_event, money_view
from services.limits.open_items import Part, invoice_status, parts_of
from services.limits.operations import dates
from services.limits.operations.posting import shift


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
            touched |= set(displace(work, invoice, amount))
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


@dataclass
class _Claim:
    """A part of an invoice in the line of what falls due, and how much of it is open, or covered."""

    place: tuple[Any, ...]
    invoice: dict[str, Any]
    amount: Decimal


def cover_oldest(work: UnitOfWork, customer_id: UUID, currency: str) -> set[UUID]:
    """Let the money that nobody has assigned cover what was due first; returns the payments it moved.

    However the documents came: what an older part lacks is taken back from newer ones. Instalments stand
    in line each with its own date.
    """
    touched: set[UUID] = set()
    paying = store.on_account_payments(work, customer_id, currency)
    free = {payment["id"]: payment["unallocated"] - _promised(work, payment) for payment in paying}
    if not any(free.values()) and not store.has_automatic(work, customer_id):
        return touched
    open_invoices = store.open_invoices(work, customer_id, currency)
    lacking = _line(_open_claims(invoice) for invoice in open_invoices)
    for payment in paying:
        for claim in lacking:
            part = min(free[payment["id"]], claim.amount)
            if part > 0:
                _pay(work, payment, claim.invoice, part, automatic=True)
                claim.amount -= part
                free[payment["id"]] -= part
                touched.add(payment["id"])
    lacking = [claim for claim in lacking if claim.amount]
    return touched | _give_way(work, customer_id, currency, lacking) if lacking else touched


def _give_way(work: UnitOfWork, customer_id: UUID, currency: str, lacking: Sequence[_Claim]) -> set[UUID]:
    """Let what is due later give way to what lacks money; returns the payments that moved."""
    touched: set[UUID] = set()
    # One invoice may both lack and be covered: what is known of it is kept in one place.
    known = {claim.invoice["id"]: claim.invoice for claim in lacking}
    found = store.covered_from(work, customer_id, currency, lacking[0].place[0])
    covered = _line(_covered_claims(known.get(row["id"], row), automatic) for row, automatic in found)
    for claim in lacking:
        while claim.amount and covered and covered[-1].place > claim.place:
            last = covered[-1]
            part = min(last.amount, claim.amount)
            for payment_id, back in displace(work, last.invoice, last.invoice["open_amount"] + part).items():
                payment = store.documents_by_id(work, "payment", [payment_id])[payment_id]
                _pay(work, payment, claim.invoice, back, automatic=True)
                touched.add(payment_id)
            claim.amount -= part
            last.amount -= part
            if not last.amount:
                covered.pop()
    return touched


def _line(claims: Iterable[Iterable[_Claim]]) -> list[_Claim]:
    return sorted((claim for some in claims for claim in some), key=lambda claim: claim.place)


def _open_claims(invoice: dict[str, Any]) -> list[_Claim]:
    parts = [part for part in parts_of(invoice) if part.open_amount]
    return [_Claim(_place(invoice, part), invoice, part.open_amount) for part in parts]


def _covered_claims(invoice: dict[str, Any], automatic: Decimal) -> list[_Claim]:
    """The parts that money covers which nobody has assigned: it is what covered the latest."""
    claims = []
    for part in reversed(parts_of(invoice)):
        amount = min(automatic, part.amount - part.open_amount)
        if amount:
            claims.append(_Claim(_place(invoice, part), invoice, amount))
        automatic -= amount
    return claims


def _place(invoice: dict[str, Any], part: Part) -> tuple[Any, ...]:
    return (part.due_date, *store.invoice_order(invoice)[1:])


def displace(work: UnitOfWork, invoice: dict[str, Any], wanted: Decimal) -> dict[UUID, Decimal]:
    """Take back from an invoice what nobody has assigned to it, until so much of it is open.

    The latest payment gives way first. Returns what each payment has back.
    """
    short = min(wanted, invoice["amount"] - invoice["written_off"]) - invoice["open_amount"]
    if short <= 0:
        return {}
    rows = [row for row in store.allocations_to(work, invoice["id"]) if row["automatic"]]
    payers = store.documents_by_id(work, "payment", [row["payment_id"] for row in rows])
    returned: dict[UUID, Decimal] = {}
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
        returned[payment["id"]] = returned.get(payment["id"], Decimal(0)) + part
    return returned


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
    """Bring both documents in line with a part of the payment that goes to the invoice, or back.

    What goes back is free, and open, from the business date on.
    """
    payment["unallocated"] -= part
    invoice["open_amount"] -= part
    invoice["status"] = invoice_status(invoice["open_amount"], invoice["written_off"])
    if part < 0:
        payment["free_since"] = invoice["open_since"] = dates.today(work)
    changed = {name: invoice[name] for name in ("open_amount", "status", "open_since")}
    store.update_invoice(work, invoice["id"], changed)
    store.update_payment(work, payment["id"], {name: payment[name] for name in ("unallocated", "free_since")})
    shift(work, payment, invoice, part)


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
    """Tell how these payments and credit notes are allocated now."""
    for payment in store.documents_by_id(work, "payment", sorted(payment_ids)).values():
        tell_money(work, "allocated", payment)


def tell_money(work: UnitOfWork, what: str, money: Mapping[str, Any], **extra: Any) -> None:
    """Tell that a payment or a credit note was recorded or allocated."""
    money_event(work, what, money, money_answer(work, money)["allocations"], **extra)


def money_answer(work: UnitOfWork, money: Mapping[str, Any]) -> dict[str, Any]:
    """A payment or a credit note, and what it is for."""
    rows = store.allocations_of(work, money["id"])
    paid = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in rows if row["invoice_id"]])
    return {
        money["kind"]: money_view(money),
        "allocations": [allocation_view(row, money, paid.get(row["invoice_id"])) for row in rows],
    }
