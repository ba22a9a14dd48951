"""Documents by what identifies them: their kind, source, company and number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Table,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    column,
    func,
    select,
)

from services.common.db import UnitOfWork
from services.limits.model import invoices, orders, payments, write_offs
from services.limits.store.accounts import lock_customers
from services.limits.store.book import Book, book_of
from services.limits.store.owned import is_seen, seen
from services.limits.store.rows import Row, all_rows
from services.limits.store.shelf import Shelf

DocumentKey = tuple[str, str, str]


@dataclass(frozen=True)
class _Kind:
    """Where documents of a kind are: in a table of their own, or among others of the same table."""

    table: Table
    number: str
    only: Mapping[str, str]

    @property
    def mine(self) -> list[ColumnElement[bool]]:
        return [self.table.c[name] == value for name, value in self.only.items()]

    def find(self, shelf: Shelf, names: tuple[str, ...], *values: str) -> list[Row]:
        return shelf.find((*self.only, *names, self.number), *self.only.values(), *values)


_KINDS = {
    "order": _Kind(orders, "order_no", {}),
    "invoice": _Kind(invoices, "invoice_no", {}),
    "payment": _Kind(payments, "payment_no", {"kind": "payment"}),
    "credit_note": _Kind(payments, "payment_no", {"kind": "credit_note"}),
    "write_off": _Kind(write_offs, "write_off_no", {}),
}


def wanted_keys(*names: str) -> TableValuedAlias:
    """The keys that a statement is asked for (`asked_by_keys`), as a table with these columns."""
    arrays = (bindparam(name, type_=ARRAY(Text)) for name in ("sources", "companies", "numbers"))
    keys = func.unnest(*arrays).table_valued(*(column(name, Text) for name in names), name="wanted")
    return keys.render_derived()


def _by_keys(kind: str) -> Select[Any]:
    table = _KINDS[kind].table
    names = ("source", "company", _KINDS[kind].number)
    wanted = wanted_keys(*names)
    named = and_(*(table.c[name] == wanted.c[name] for name in names), *_KINDS[kind].mine)
    return select(table).join(wanted, named)


_BY_KEYS = {kind: _by_keys(kind) for kind in _KINDS}


def hold_documents(work: UnitOfWork, kind: str, keys: Iterable[DocumentKey]) -> None:
    """Hold the documents of a kind with these keys. Locks their customers."""
    book, checked = book_of(work), partial(with_owners_locked, work, partial(_read_documents, work, kind))
    book.fetch(kind, keys, _BY_KEYS[kind], shelf_of(book, kind), asked_by_keys, checked=checked)


def with_owners_locked(
    work: UnitOfWork, read: Callable[[list[Any]], list[Row]], keys: list[Any], rows: list[Row]
) -> list[Row]:
    """The documents that `read` has found under these keys (`rows`), once nobody else can change them.

    Locks their customers, and reads anew where one was not locked before.
    """
    book = book_of(work)
    while not work.reads_only:
        owners = {row["customer_id"] for row in rows}
        if all(book.customers.get(owner) for owner in owners):
            break
        # Until their customers were locked, somebody else might have changed them, or who pays.
        lock_customers(work, owners)
        rows = read(keys)
    return rows


def owners_of(work: UnitOfWork, kind: str, keys: Iterable[DocumentKey]) -> set[UUID]:
    """The customers of the documents of a kind with these keys."""
    wanted = list(keys)
    return {row["customer_id"] for row in _read_documents(work, kind, wanted)} if wanted else set()


def owners_of_numbers(work: UnitOfWork, kind: str, numbers: Iterable[str]) -> set[UUID]:
    """The customers of the documents of a kind with these numbers, whatever their source and company."""
    table, wanted = _KINDS[kind].table, sorted(set(numbers))
    statement = select(table.c.customer_id).where(
        table.c[_KINDS[kind].number].in_(wanted), *_KINDS[kind].mine
    )
    return set(work.execute(statement.distinct()).scalars()) if wanted else set()


def _read_documents(work: UnitOfWork, kind: str, keys: list[DocumentKey]) -> list[Row]:
    return all_rows(work, _BY_KEYS[kind], asked_by_keys(keys))


def asked_by_keys(keys: list[DocumentKey]) -> dict[str, list[str]]:
    """The parameters by which a statement asks for `wanted_keys`."""
    sources, companies, numbers = zip(*keys, strict=True)
    return {"sources": list(sources), "companies": list(companies), "numbers": list(numbers)}


def held_document(work: UnitOfWork, kind: str, key: DocumentKey) -> Row | None:
    """A document by its full key."""
    hold_documents(work, kind, [key])
    found = _KINDS[kind].find(shelf_of(book_of(work), kind), ("source", "company"), *key)
    return found[0] if found else None


def found_with_number(work: UnitOfWork, kind: str, number: str, narrowed: Mapping[str, Any]) -> list[Row]:
    """Up to two of the caller's documents with a number, narrowed by source and company where given."""
    table = _KINDS[kind].table
    narrower = {name: narrowed[name] for name in ("source", "company") if narrowed.get(name) is not None}
    statement = select(table).where(table.c[_KINDS[kind].number] == number, *_KINDS[kind].mine)
    statement = statement.where(*(table.c[name] == value for name, value in narrower.items()))
    statement = statement.where(seen(work, table)).limit(2)
    held = [
        row
        for row in _KINDS[kind].find(shelf_of(book_of(work), kind), (), number)
        if all(row[name] == value for name, value in narrower.items())
        and is_seen(work, row["customer_id"], row)
    ]
    ids = {row["id"] for row in held}
    # What is held may be newer than what the database has, or not be there yet.
    return [*held, *(row for row in all_rows(work, statement) if row["id"] not in ids)][:2]


def documents_with(work: UnitOfWork, kind: str, where: Mapping[str, Any]) -> Select[Any]:
    """The caller's documents with these column values, as a statement to be paged."""
    table = _KINDS[kind].table
    numbered = {_KINDS[kind].number if name == f"{kind}_no" else name: value for name, value in where.items()}
    return select(table).where(
        seen(work, table), *_KINDS[kind].mine, *(table.c[name] == value for name, value in numbered.items())
    )


def shelf_of(book: Book, kind: str) -> Shelf:
    """The shelf of a kind of document."""
    return {
        "order": book.orders,
        "invoice": book.invoices,
        "payment": book.payments,
        "credit_note": book.payments,
        "write_off": book.write_offs,
    }[kind]
