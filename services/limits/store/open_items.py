"""What was open of an invoice on any date, by what is known now or was known at an instant.

Whoever changes an open amount need not think of it: the changes are taken from the book when it is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, OverdueItem
from services.limits.model import invoices, open_changes
from services.limits.store.dates import today
from services.limits.store.rows import Row

if TYPE_CHECKING:
    # A book writes what is derived here, so this cannot import it.
    from services.limits.store.book import Book

# What came of an invoice: a part of an amount, and from when on.
Part = tuple[Decimal, date]


def note_open_changes(work: UnitOfWork, book: Book) -> None:
    """Keep how the open amounts have changed in this unit of work, and from when on each change counts.

    An invoice is open from the date of its entry. Money covers it from the date of the allocation, but no
    earlier than both were there for it: money that was taken from another invoice, or an invoice that lost
    its money, is free from the business date on. So on no date more was covered than was paid, or than was
    open. Whatever else changes an open amount counts from the business date on.
    """
    new_or_moved = {after["id"]: (before, after) for before, after in book.invoices.changes()}
    given, taken = _allocated(book)
    if not (new_or_moved or given or taken):
        return
    on, since = today(work), _effective_dates(book)
    _note_free_money(book, taken, since, on)
    for invoice_id in dict.fromkeys((*new_or_moved, *given)):
        after = book.invoices.get(invoice_id)
        if after is None:
            continue
        before = new_or_moved[invoice_id][0] if invoice_id in new_or_moved else after
        parts = [(after["amount"], since.get(invoice_id, on))] if before is None else []
        opened_by = parts[0][1] if parts else after["open_since"] or on
        covered = given.get(invoice_id, [])
        was_open = after["amount"] if before is None else before["open_amount"]
        rest = after["open_amount"] - was_open + sum((row["amount"] for row in covered), ZERO)
        if rest > 0:
            opened_by = on
        parts += [(-row["amount"], max(_free_since(book, row, on), opened_by)) for row in covered]
        parts += [(rest, on)] if rest else []
        book.invoices.change(invoice_id, {"open_since": opened_by})
        _keep(work, book, after, parts)


def _allocated(book: Book) -> tuple[dict[UUID, list[Row]], set[UUID]]:
    """By invoice, what money has come to it; and the payments of which money was taken from invoices."""
    given: dict[UUID, list[Row]] = defaultdict(list)
    taken = {row["payment_id"] for row in book.allocations.removed() if row["invoice_id"] is not None}
    for before, after in book.allocations.changes():
        if after["invoice_id"] is None:
            continue
        more = after["amount"] - (before["amount"] if before else ZERO)
        if more > 0:
            given[after["invoice_id"]].append({**after, "amount": more})
        elif more < 0:
            taken.add(after["payment_id"])
    return given, taken


def _effective_dates(book: Book) -> dict[UUID, date]:
    """From when on the documents of this unit of work count, by their first entries."""
    found: dict[UUID, date] = {}
    for row in book.entries.rows():
        found.setdefault(row["document_id"], row["effective_date"])
    return found


def _note_free_money(book: Book, taken: Iterable[UUID], since: Mapping[UUID, date], on: date) -> None:
    for before, after in book.payments.changes():
        if before is None:
            book.payments.change(after["id"], {"free_since": since.get(after["id"], on)})
    for payment_id in taken:
        if book.payments.get(payment_id) is not None:
            book.payments.change(payment_id, {"free_since": on})


def _free_since(book: Book, allocation: Row, on: date) -> date:
    """From when on an allocation counts, as far as its payment goes."""
    payment = book.payments.get(allocation["payment_id"])
    since: date | None = payment["free_since"] if payment else None
    dated: date = min(allocation["allocated_on"], on)
    return dated if since is None else max(dated, since)


def _keep(work: UnitOfWork, book: Book, invoice: Row, parts: Iterable[Part]) -> None:
    for change, effective in parts:
        book.open_changes.add(
            {
                "invoice_id": invoice["id"],
                "customer_id": invoice["customer_id"],
                "change": change,
                "effective_date": effective,
                "recorded_at": work.now,
            }
        )


def overdue_on(
    work: UnitOfWork, customer_id: UUID, currency: str, on: date, known_at: datetime | None = None
) -> list[OverdueItem]:
    """The invoices that were open and past their due date on a date, oldest first.

    Reads what is open now and what has changed since: never what was settled before.
    """
    rows = work.execute(_open_then(customer_id, currency, on, known_at)).all()
    return [OverdueItem(row.invoice_no, row.open_amount, row.due_date) for row in rows]


def _open_then(customer_id: UUID, currency: str, on: date, known_at: datetime | None) -> Select[Any]:
    since = open_changes.c.effective_date > on
    if known_at is not None:
        since = or_(since, open_changes.c.recorded_at > known_at)
    later = (
        select(open_changes.c.invoice_id, func.sum(open_changes.c.change).label("change"))
        .where(open_changes.c.customer_id == customer_id, since)
        .group_by(open_changes.c.invoice_id)
        .subquery("later")
    )
    open_then = invoices.c.open_amount - func.coalesce(later.c.change, 0)
    return (
        select(invoices.c.invoice_no, invoices.c.due_date, open_then.label("open_amount"))
        .select_from(invoices.outerjoin(later, later.c.invoice_id == invoices.c.id))
        .where(
            invoices.c.customer_id == customer_id,
            invoices.c.currency == currency,
            invoices.c.due_date < on,
            or_(invoices.c.open_amount > 0, later.c.invoice_id.is_not(None)),
            open_then > 0,
        )
        .order_by(invoices.c.due_date, invoices.c.source, invoices.c.company, invoices.c.invoice_no)
    )
