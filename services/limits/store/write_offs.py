"""Write-offs of invoices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.common.db import UnitOfWork
from services.limits.model import write_offs
from services.limits.store.book import among_ids, book_of
from services.limits.store.rows import Row

_OF_INVOICES = select(write_offs).where(among_ids(write_offs.c.invoice_id))


def add_write_off(work: UnitOfWork, write_off: Mapping[str, Any]) -> None:
    """Insert a write-off."""
    book_of(work).write_offs.add(write_off)


def change_write_off(work: UnitOfWork, write_off_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a write-off that is held."""
    book_of(work).write_offs.change(write_off_id, values)


def write_offs_of(work: UnitOfWork, invoice_id: UUID) -> list[Row]:
    """Every write-off of an invoice, the oldest first."""
    book = book_of(work)
    book.fetch_ids("write-offs", [invoice_id], _OF_INVOICES, book.write_offs)
    return sorted(book.write_offs.find(("invoice_id",), invoice_id), key=lambda row: row["id"])
