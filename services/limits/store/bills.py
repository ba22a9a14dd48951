"""Acceptance bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from services.common.db import UnitOfWork
from services.limits.model import bills
from services.limits.open_items import ACCEPTANCE_BILL
from services.limits.store.book import among_ids, book_of
from services.limits.store.owned import is_seen, seen
from services.limits.store.rows import Row, all_rows

PENDING = "pending"
VOID = "void"
_NUMBERED = select(bills).where(bills.c.bill_no == bindparam("number"), bills.c.status != VOID)
_BY_IDS = select(bills).where(among_ids(bills.c.id))
_OF_PAYMENTS = select(bills).where(among_ids(bills.c.payment_id))


def add_bill(work: UnitOfWork, bill: Mapping[str, Any]) -> None:
    """Insert a bill."""
    book_of(work).bills.add(bill)


def change_bill(work: UnitOfWork, bill_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a bill that is held."""
    book_of(work).bills.change(bill_id, values)


def bills_numbered(work: UnitOfWork, number: str, narrowed: Mapping[str, Any]) -> list[Row]:
    """The caller's bills with a number that are not void, narrowed by source and company where given.

    Whoever changes one locks its customer first, and reads it again (`held_bill`).
    """
    held = {row["id"]: row for row in book_of(work).bills.find(("bill_no",), number)}
    # What is held may be newer than what the database has, or not be there yet.
    found = {row["id"]: row for row in all_rows(work, _NUMBERED, {"number": number})} | held
    narrower = {name: narrowed[name] for name in ("source", "company") if narrowed.get(name) is not None}
    return [
        row
        for row in found.values()
        if row["status"] != VOID
        and all(row[name] == value for name, value in narrower.items())
        and is_seen(work, row["customer_id"], row)
    ]


def held_bill(work: UnitOfWork, bill_id: UUID) -> Row | None:
    """A bill by its id, held; its customer is locked."""
    book = book_of(work)
    book.fetch_ids("bill", [bill_id], _BY_IDS, book.bills)
    return book.bills.get(bill_id)


def bill_of(work: UnitOfWork, payment_id: UUID) -> Row | None:
    """The bill that a payment was made by."""
    book = book_of(work)
    book.fetch_ids("bills", [payment_id], _OF_PAYMENTS, book.bills)
    found = book.bills.find(("payment_id",), payment_id)
    return found[0] if found else None


def pending_bill_of(work: UnitOfWork, money: Mapping[str, Any]) -> Row | None:
    """The bill that this was paid by, while it waits to be honoured."""
    bill = bill_of(work, money["id"]) if money["method"] == ACCEPTANCE_BILL else None
    return bill if bill is not None and bill["status"] == PENDING else None


def bills_with(work: UnitOfWork, where: Mapping[str, Any]) -> Select[Any]:
    """Bills with these column values, as a statement to be paged."""
    wanted = (bills.c[name] == value for name, value in where.items())
    return select(bills).where(seen(work, bills), *wanted)
