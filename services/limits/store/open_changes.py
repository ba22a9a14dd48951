"""What was open of an invoice on any date, by what is known now or was known at an instant.

Whoever changes an open amount need not think of it: the changes are taken from the book when it is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Date, Select, and_, bindparam, func, select, true, union

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, Overdue, overdue_of
from services.limits.model import LONG_DAYS, disputes, invoices, open_changes
from services.limits.open_items import overdue_items
from services.limits.store.dates import business_date_at, today
from services.limits.store.rows import Row, all_rows
from services.limits.store.settings import settings_then

if TYPE_CHECKING:
    # A book writes what is derived here, so this cannot import it.
    from services.limits.store.book import Book


def note_open_changes(work: UnitOfWork, book: Book) -> None:
    """Keep how the open amounts have changed in this unit of work, and from when on each change counts.

    An open amount moves with the entries of its invoice (recorded, written off, claimed again, taken back),
    from the dates on which they count, and with the money that comes and goes. Money covers an invoice from
    the date of the allocation, but no earlier than the invoice is open (`open_since`) and the money is free
    (`free_since`); it goes on the business date. So on no date more was covered than was paid, or was open.
    """
    moved = {after["id"]: (before, after) for before, after in book.invoices.changes()}
    given = _allocated(book)
    if not (moved or given):
        return
    on, posted = today(work), _posted(book)
    for invoice_id in dict.fromkeys((*moved, *given)):
        before, after = moved.get(invoice_id) or (book.invoices.get(invoice_id),) * 2
        if after is None:
            continue
        parts = [(row["receivable"], row["effective_date"]) for row in posted.get(invoice_id, ())]
        parts += [(-row["amount"], _covers_from(book, row, after, on)) for row in given.get(invoice_id, ())]
        was_open = before["open_amount"] if before else ZERO
        taken_back = after["open_amount"] - was_open - sum((change for change, _ in parts), ZERO)
        if taken_back:
            parts.append((taken_back, on))
        if not parts:
            continue
        last = max(day for day in (after["changed_on"], *(day for _, day in parts)) if day is not None)
        book.invoices.change(invoice_id, {"changed_on": last})
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


def _allocated(book: Book) -> dict[UUID, list[Row]]:
    """By invoice, the money that has come to it."""
    given: dict[UUID, list[Row]] = defaultdict(list)
    for before, after in book.allocations.changes():
        more = after["amount"] - (before["amount"] if before else ZERO)
        if after["invoice_id"] is not None and more > 0:
            given[after["invoice_id"]].append({**after, "amount": more})
    return given


def _posted(book: Book) -> dict[UUID, list[Mapping[str, Any]]]:
    """By invoice, its own entries; each pool that it touches has the same."""
    found: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in book.entries.rows():
        if row["document_type"] == "invoice":
            found[row["document_id"]].append(row)
    return found


def _covers_from(book: Book, allocation: Row, invoice: Row, on: date) -> date:
    """From when on money that has come to an invoice counts."""
    payment = book.payments.get(allocation["payment_id"])
    since = (invoice["open_since"], payment["free_since"] if payment else None)
    days: list[date] = [min(allocation["allocated_on"], on), *(day for day in since if day is not None)]
    return max(days)


def overdue_on(
    work: UnitOfWork, customer_id: UUID, currency: str, on: date, known_at: datetime | None = None
) -> Overdue:
    """What was open and past its due date on a date, less what was disputed then where that is not overdue.

    Looks at what is open now, at what was due or told around that date, and at what took long to be paid
    or told: never at the history.
    """
    asked = {"customer": customer_id, "of_currency": currency, "on": on}
    statement = _OVERDUE_NOW
    if known_at is not None:
        statement = _OVERDUE_KNOWN
        asked |= {"known_at": known_at, "posted_since": business_date_at(work, known_at) or on}
    rows = all_rows(work, statement, asked)
    if not rows:
        return Overdue()
    are_overdue = settings_then(work, on, known_at)["disputes_are_overdue"]
    return overdue_of(overdue_items(rows, on, disputes_are_overdue=are_overdue))


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
    disputed_then = _disputed_then(on, known=known).lateral("disputed_then")
    named = (invoices.c[name] for name in ("invoice_no", "due_date", "amount", "instalments"))
    return (
        select(
            *named,
            open_then.c.amount.label("open_amount"),
            func.coalesce(disputed_then.c.amount, 0).label("disputed"),
        )
        .select_from(
            ids.join(invoices, invoices.c.id == ids.c.id).join(open_then, true()).join(disputed_then, true())
        )
        .where(due, open_then.c.amount > 0)
    )


def _disputed_then(on: Any, *, known: bool) -> Select[Any]:
    """What was disputed of an invoice at the end of a date."""
    ended, told = disputes.c.resolved_on <= on, disputes.c.opened_on <= on
    if known:
        ended = and_(ended, disputes.c.resolved_at <= bindparam("known_at"))
        told = and_(told, disputes.c.opened_at <= bindparam("known_at"))
    still_open = func.coalesce(ended, False).is_(False)
    return select(func.sum(disputes.c.amount).label("amount")).where(
        disputes.c.invoice_id == invoices.c.id, told, still_open
    )


_OVERDUE_NOW = _overdue_then(known=False)
_OVERDUE_KNOWN = _overdue_then(known=True)
