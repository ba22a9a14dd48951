"""What customers owe by segment: the selling company that their documents, or the orders of these, name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, literal, or_, select, union_all

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, Stages
from services.limits.model import allocations, bills, invoices, orders, payments
from services.limits.store.bills import PENDING
from services.limits.store.book import among_ids, book_of

Exposure = tuple[str, str, Stages]


_nothing = literal(ZERO)
_pending = bills.c.status == PENDING
_paying = bills.join(allocations, allocations.c.payment_id == bills.c.payment_id)
_paid = _paying.join(invoices, invoices.c.id == allocations.c.invoice_id)
# A bill binds in the segments of the invoices that it pays; what pays none of them, in that of its company.
_RECEIVABLES = (
    (invoices, invoices, invoices.c.segment, invoices.c.open_amount, invoices.c.open_amount > 0),
    (payments, payments, payments.c.segment, -payments.c.unallocated, payments.c.unallocated > 0),
    (bills, bills, bills.c.company, bills.c.amount, _pending),
    (bills, _paid, bills.c.company, -allocations.c.amount, _pending),
    (bills, _paid, invoices.c.segment, allocations.c.amount, _pending),
)
# What each document that is open binds, in its segment: customer, segment, currency and stages.
OPEN_DOCUMENTS = union_all(
    select(
        orders.c.customer_id,
        orders.c.company.label("segment"),
        *(orders.c[name] for name in ("currency", "reserved", "delivered")),
        _nothing.label("receivable"),
    ).where(or_(orders.c.reserved > 0, orders.c.delivered > 0)),
    *(
        select(
            table.c.customer_id,
            segment,
            table.c.currency,
            _nothing.label("reserved"),
            _nothing.label("delivered"),
            owed.label("receivable"),
        )
        .select_from(source)
        .where(is_open)
        for table, source, segment, owed, is_open in _RECEIVABLES
    ),
).subquery("documents")
_segment = tuple(OPEN_DOCUMENTS.c[name] for name in ("customer_id", "segment", "currency"))
_OPEN = (
    select(
        *_segment,
        *(func.sum(OPEN_DOCUMENTS.c[name]).label(name) for name in ("reserved", "delivered", "receivable")),
    )
    .where(among_ids(OPEN_DOCUMENTS.c.customer_id))
    .group_by(*_segment)
    .order_by(*_segment)
)


def exposure_by_segment(work: UnitOfWork, customer_ids: Iterable[UUID]) -> dict[UUID, list[Exposure]]:
    """(segment, currency, stages) of each customer, from the documents themselves; the customers are locked.

    Writes what the unit of work holds first, so that it is counted as well.
    """
    ids = sorted(set(customer_ids))
    book_of(work).flush()
    found: dict[UUID, list[Exposure]] = {customer_id: [] for customer_id in ids}
    for row in work.execute(_OPEN, {"ids": ids}):
        stages = Stages(row.reserved or ZERO, row.delivered or ZERO, row.receivable or ZERO)
        if stages:
            found[row.customer_id].append((row.segment, row.currency, stages))
    return found
