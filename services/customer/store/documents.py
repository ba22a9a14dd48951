"""Customers' documents, and what of customers is to be reminded of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from services.common.db import UnitOfWork
from services.common.paging import page
from services.customer.model import customers, documents
from services.customer.store.ground import Row, alive

_kept = documents.c.deleted_at.is_(None)
_shown = [column for column in documents.c if column.name not in ("deleted_at", "remind_on")]


def insert_document(work: UnitOfWork, row: Row) -> None:
    """Add a document."""
    work.execute(insert(documents).values(row))


def list_documents(work: UnitOfWork, customer_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a customer's documents. Locks nothing."""
    statement = select(*_shown).where(_kept, documents.c.customer_id == customer_id)
    sort = {"created_at": documents.c.created_at, "kind": documents.c.kind}
    return page(work, statement, received, sort=sort, key=documents.c.id, default_sort="created_at")


def get_document(work: UnitOfWork, customer_id: UUID, document_id: UUID) -> Row | None:
    """A document of a customer whose row the caller has locked. Locks nothing itself."""
    statement = select(documents).where(
        _kept, documents.c.id == document_id, documents.c.customer_id == customer_id
    )
    row = work.execute(statement).mappings().first()
    return dict(row) if row else None


def change_document(work: UnitOfWork, document_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a document."""
    work.execute(update(documents).where(documents.c.id == document_id).values(**values))


def take_documents_due(work: UnitOfWork, on: date) -> list[Row]:
    """The documents to be reminded of by a date, with whose they are; each is taken once. Locks them."""
    due = _kept & (documents.c.remind_on <= on)
    taken = update(documents).where(due).values(remind_on=None).returning(documents).cte("taken")
    named = (customers.c.code, customers.c.name, customers.c.salesperson)
    joined = taken.join(customers, customers.c.id == taken.c.customer_id)
    statement = select(taken, *named).select_from(joined).where(alive).order_by(taken.c.id)
    return [dict(row) for row in work.execute(statement).mappings()]


def take_reviews_due(work: UnitOfWork, on: date) -> list[Row]:
    """The customers to be reviewed by a date; each is taken once for a review date. Locks them."""
    named = (
        customers.c.id,
        customers.c.code,
        customers.c.name,
        customers.c.salesperson,
        customers.c.credit_review_on,
    )
    statement = (
        update(customers)
        .where(alive, customers.c.review_remind_on <= on)
        .values(review_remind_on=None)
        .returning(*named)
    )
    rows = [dict(row) for row in work.execute(statement).mappings()]
    return sorted(rows, key=lambda row: str(row["id"]))
