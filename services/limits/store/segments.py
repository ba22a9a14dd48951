"""What customers owe by the selling company that their documents name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, literal, or_, select, union_all

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, Stages
from services.limits.model import bills, invoices, orders, payments
from services.limits.store.book import among_ids, book_of

Exposure = tuple[str, str, Stages]


_nothing = literal(ZERO)
_RECEIVABLES = (
    (invoices, invoices.c.open_amount, invoices.c.open_amount > 0),
    (payments, -payments.c.unallocated, payments.c.unallocated > 0),
    (bills, bills.c.amount, bills.c.status == "pending"),
)
# What each document that is open binds, in its segment: customer, company, currency and stages.
OPEN_DOCUMENTS = union_all(
    select(
        *(orders.c[name] for name in ("customer_id", "company", "currency", "reserved", "delivered")),
        _nothing.label("receivable"),
    ).where(or_(orders.c.reserved > 0, orders.c.delivered > 0)),
    *(
        select(
            *(table.c[name] for name in ("customer_id", "company", "currency")),
            _nothing.label("reserved"),
            _nothing.label("delivered"),
            owed.label("receivable"),
        ).where(is_open)
        for table, owed, is_open in _RECEIVABLES
    ),
).subquery("documents")
_segment = tuple(OPEN_DOCUMENTS.c[name] for name in ("customer_id", "company", "currency"))
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
            found[row.customer_id].append((row.company, row.currency, stages))
    return found
