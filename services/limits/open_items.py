"""Open items: what of an invoice is still to be paid, when, and whether it is late. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.limits.ledger import ZERO, OverdueItem

# The method of a payment that is a promise to pay later: it pays at once, and its bill binds until honoured.
ACCEPTANCE_BILL = "acceptance_bill"


@dataclass(frozen=True)
class Part:
    """What falls due of an invoice on one date: the whole of it, and what is open of it."""

    due_date: date
    amount: Decimal
    open_amount: Decimal


def invoice_status(open_amount: Decimal, written_off: Decimal) -> str:
    """The status of an invoice that was not reversed."""
    if open_amount:
        return "open"
    return "written_off" if written_off else "paid"


def parts_of(invoice: Mapping[str, Any]) -> list[Part]:
    """The instalments of an invoice by due date, or the one part that it is; money covers the first first.

    What is open is therefore what was to be paid last.
    """
    falling = [
        (date.fromisoformat(one["due_date"]), Decimal(one["amount"])) for one in invoice["instalments"] or ()
    ] or [(invoice["due_date"], invoice["amount"])]
    left: Decimal = invoice["open_amount"]
    parts: list[Part] = []
    for due_date, amount in reversed(falling):
        open_amount = min(amount, left)
        left -= open_amount
        parts.insert(0, Part(due_date, amount, open_amount))
    return parts


def overdue_items(
    invoices: Iterable[Mapping[str, Any]], on: date, *, disputes_are_overdue: bool
) -> list[OverdueItem]:
    """What of these invoices is open and past its due date on a date, by instalments, the oldest first."""
    items = [
        OverdueItem(invoice["invoice_no"], part.open_amount, part.due_date)
        for invoice in invoices
        for part in overdue_parts(invoice, on, disputes_are_overdue=disputes_are_overdue)
    ]
    return sorted(items, key=lambda item: (item.due_date, item.invoice_no))


def overdue_parts(invoice: Mapping[str, Any], on: date, *, disputes_are_overdue: bool) -> list[Part]:
    """What of an invoice is past its due date on a date, and open; by due date.

    Unless disputes are overdue as well, what is disputed of the invoice is taken off, the earliest first.
    """
    spared: Decimal = ZERO if disputes_are_overdue else invoice["disputed"]
    late: list[Part] = []
    for part in parts_of(invoice):
        if part.due_date >= on or not part.open_amount:
            continue
        taken_off = min(spared, part.open_amount)
        spared -= taken_off
        if part.open_amount > taken_off:
            late.append(Part(part.due_date, part.amount, part.open_amount - taken_off))
    return late
