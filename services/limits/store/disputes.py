"""Disputes of invoices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from services.common.db import UnitOfWork
from services.limits.model import disputes
from services.limits.store.book import among_ids, book_of
from services.limits.store.owned import seen
from services.limits.store.rows import Row, one_row

_BY_ID = select(disputes).where(disputes.c.id == bindparam("dispute"))
_BY_IDS = select(disputes).where(among_ids(disputes.c.id))
_OF_INVOICES = select(disputes).where(among_ids(disputes.c.invoice_id))
_DISPUTING = (
    select(disputes.c.customer_id)
    .where(disputes.c.status == "open", disputes.c.customer_id > bindparam("after"))
    .distinct()
    .order_by(disputes.c.customer_id)
)


def add_dispute(work: UnitOfWork, dispute: Mapping[str, Any]) -> None:
    """Insert a dispute."""
    book_of(work).disputes.add(dispute)


def change_dispute(work: UnitOfWork, dispute_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a dispute that is held."""
    book_of(work).disputes.change(dispute_id, values)


def find_dispute(work: UnitOfWork, dispute_id: UUID) -> Row | None:
    """A dispute by its id; whoever changes it locks its customer first, and then holds it."""
    return book_of(work).disputes.get(dispute_id) or one_row(work, _BY_ID, {"dispute": dispute_id})


def held_dispute(work: UnitOfWork, dispute_id: UUID) -> Row | None:
    """A dispute by its id, held; its customer is locked."""
    book = book_of(work)
    book.fetch_ids("dispute", [dispute_id], _BY_IDS, book.disputes)
    return book.disputes.get(dispute_id)


def open_disputes_of(work: UnitOfWork, invoice_id: UUID) -> list[Row]:
    """The disputes of an invoice that are open, the oldest first."""
    book = book_of(work)
    book.fetch_ids("disputes", [invoice_id], _OF_INVOICES, book.disputes)
    found = book.disputes.find(("invoice_id",), invoice_id)
    return sorted((row for row in found if row["status"] == "open"), key=lambda row: row["id"])


def next_disputing_customers(work: UnitOfWork, after: UUID, most: int) -> list[UUID]:
    """The next customers, by id, who have a dispute open."""
    return list(work.execute(_DISPUTING.limit(most), {"after": after}).scalars())


def disputes_with(work: UnitOfWork, where: Mapping[str, Any]) -> Select[Any]:
    """Disputes with these column values, as a statement to be paged."""
    wanted = (disputes.c[name] == value for name, value in where.items())
    return select(disputes).where(seen(work, disputes), *wanted)
