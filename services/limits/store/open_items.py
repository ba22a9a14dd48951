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

from sqlalchemy import Date, Select, and_, bindparam, func, select, true, union

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, Overdue
from services.limits.model import LONG_DAYS, invoices, open_changes
from services.limits.store.dates import business_date_at, today
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
    if not (new_or_moved or given or taken or book.payments.changes()):
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
        if not parts:
            continue
        last = max(day for day in (after["changed_on"], *(day for _, day in parts)) if day is not None)
        book.invoices.change(invoice_id, {"open_since": opened_by, "changed_on": last})
        for change, effective in parts:
            book.open_changes.add(
                {
                    "invoice_id": invoice_id,
                    "customer_id": after["customer_id"],
                    "change": change,
                    "effective_date": effective,
                    "posted_on": on,
                    "recorded_at": work.now,
                }
            )


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


def overdue_on(
    work: UnitOfWork, customer_id: UUID, currency: str, on: date, known_at: datetime | None = None
) -> Overdue:
    """What was open and past its due date on a date.

    Looks at what is open now, at what was due or told around that date, and at what took long to be paid
    or told: never at the history.
    """
    asked = {"customer": customer_id, "of_currency": currency, "on": on}
    statement = _OVERDUE_NOW
    if known_at is not None:
        statement = _OVERDUE_KNOWN
        asked |= {"known_at": known_at, "posted_since": business_date_at(work, known_at) or on}
    row = work.execute(statement, asked).one()
    return Overdue(row.amount or ZERO, row.oldest_due)


def _overdue_then(*, known: bool) -> Select[Any]:
    on, long = bindparam("on", type_=Date), LONG_DAYS
    due = and_(
        invoices.c.customer_id == bindparam("customer"),
        invoices.c.currency == bindparam("of_currency"),
        invoices.c.due_date < on,
    )
    # Settled since, and due not long before the date; or settled long after it was due.
    candidates = [
        select(invoices.c.id).where(due, invoices.c.open_amount > 0),
        select(invoices.c.id).where(due, invoices.c.due_date >= on - long, invoices.c.changed_on > on),
        select(invoices.c.id).where(
            due, invoices.c.changed_on - invoices.c.due_date > long, invoices.c.changed_on > on
        ),
    ]
    then = open_changes.c.effective_date <= on
    if known:
        # Told since, not long after the instant; or told long after it counts.
        since = bindparam("posted_since", type_=Date)
        told_later = select(open_changes.c.invoice_id).where(
            open_changes.c.customer_id == bindparam("customer"),
            open_changes.c.recorded_at > bindparam("known_at"),
            then,
        )
        soon = told_later.where(open_changes.c.posted_on.between(since, since + long))
        late = told_later.where(
            open_changes.c.posted_on - open_changes.c.effective_date > long, open_changes.c.posted_on >= since
        )
        candidates += [soon, late]
        then = and_(then, open_changes.c.recorded_at <= bindparam("known_at"))
    ids = union(*candidates).subquery("candidates")
    open_then = (
        select(func.sum(open_changes.c.change).label("amount"))
        .where(open_changes.c.invoice_id == invoices.c.id, then)
        .lateral("open_then")
    )
    return (
        select(
            func.sum(open_then.c.amount).label("amount"), func.min(invoices.c.due_date).label("oldest_due")
        )
        .select_from(ids.join(invoices, invoices.c.id == ids.c.id).join(open_then, true()))
        .where(due, open_then.c.amount > 0)
    )


_OVERDUE_NOW = _overdue_then(known=False)
_OVERDUE_KNOWN = _overdue_then(known=True)
