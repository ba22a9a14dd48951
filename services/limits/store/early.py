"""What came before the order that it names; whether there is any is asked where the order is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    true,
)

from services.common.db import UnitOfWork
from services.limits.model import invoices, orders, payments, waiting_documents
from services.limits.store.book import book_of
from services.limits.store.documents import DocumentKey, asked_by_keys, wanted_keys, with_owners_locked
from services.limits.store.rows import Row, all_rows
from services.limits.store.shelf import Shelf

OrderName = tuple[str, str]
"""The source and the number of an order: a document may name one of another company."""

_BY_NAME = ("source", "order_no")
_ASKED = ("asked_source", "asked_company", "asked_order_no")
_wanted = wanted_keys("source", "company", "order_no")


def _any_of(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row is like that; looked up for each key by index, never by reading a large table."""
    return select(literal(True)).select_from(table).where(*conditions).limit(1).scalar_subquery()


def _named_by(table: Table) -> ColumnElement[bool]:
    same = (table.c[name] == _wanted.c[name] for name in _BY_NAME)
    return _any_of(table, table.c.order_id.is_(None), *same)


_separated = func.concat_ws("|", _wanted.c.source, _wanted.c.company, _wanted.c.order_no)
_waited_for = _any_of(
    waiting_documents, waiting_documents.c.waits_for == "order", waiting_documents.c.key == _separated
)
_is_it = (orders.c[name] == _wanted.c[name] for name in ("source", "company", "order_no"))
_found = select(orders).where(*_is_it).limit(1).lateral("found")
# The orders that are there, and a row without an id for each that is not and that something came before.
_ARRIVING = (
    select(
        *_found.c,
        _wanted.c.source.label("asked_source"),
        _wanted.c.company.label("asked_company"),
        _wanted.c.order_no.label("asked_order_no"),
    )
    .select_from(_wanted.outerjoin(_found, true()))
    .where(or_(_found.c.id.is_not(None), _named_by(invoices), _named_by(payments), _waited_for))
)


def _unmatched(table: Table) -> Select[Any]:
    names = (bindparam("sources", type_=ARRAY(Text)), bindparam("numbers", type_=ARRAY(Text)))
    named = (
        func.unnest(*names)
        .table_valued(*(column(name, Text) for name in _BY_NAME), name="named")
        .render_derived()
    )
    same = and_(*(table.c[name] == named.c[name] for name in _BY_NAME))
    owners = bindparam("owners", type_=ARRAY(Uuid))
    return (
        select(table).join(named, same).where(table.c.order_id.is_(None), table.c.customer_id == any_(owners))
    )


_INVOICES, _NOTES = _unmatched(invoices), _unmatched(payments)


def key_of_order(source: str, company: str, order_no: str) -> str:
    """What a document that waits for an order waits for."""
    return f"{source}|{company}|{order_no}"


def read_arriving(work: UnitOfWork, keys: Iterable[DocumentKey]) -> None:
    """Hold the orders with these keys, and of those that are not there whether something came before them.

    What names an order is its customer's, or its payer's: those are locked.
    """
    book = book_of(work)

    def take(asked: list[DocumentKey], rows: list[Row]) -> list[Row]:
        def read_again(asked: list[DocumentKey]) -> list[Row]:
            return _note(work, asked, all_rows(work, _ARRIVING, asked_by_keys(asked)))

        return with_owners_locked(work, read_again, asked, _note(work, asked, rows))

    book.fetch("order", keys, _ARRIVING, book.orders, asked_by_keys, checked=take)


def _note(work: UnitOfWork, asked: list[DocumentKey], rows: list[Row]) -> list[Row]:
    """Keep what was found to have come before; returns the orders that are there."""
    named = [tuple(row.pop(name) for name in _ASKED) for row in rows]
    early = {key for key, row in zip(named, rows, strict=True) if row["id"] is None}
    _known(work).update((key, key in early) for key in asked)
    return [row for row in rows if row["id"] is not None]


def _known(work: UnitOfWork) -> dict[DocumentKey, bool]:
    known: dict[DocumentKey, bool] = work.remembered("orders-named-before", dict)
    return known


def is_named_before(work: UnitOfWork, key: DocumentKey) -> bool:
    """Whether a document came before an order that is not there yet: matched with it, or to be applied."""
    known, book = _known(work), book_of(work)
    if key not in known:
        _note(work, [key], all_rows(work, _ARRIVING, asked_by_keys([key])))
    source, _, number = key
    held = (
        *(row for shelf in (book.invoices, book.payments) for row in _held(shelf, (source, number))),
        *book.waiting.find(("waits_for", "key"), "order", key_of_order(*key)),
    )
    return known[key] or bool(held)


def read_unmatched(work: UnitOfWork, names: Iterable[OrderName], owners: Iterable[UUID]) -> None:
    """Hold the invoices and credit notes of these (locked) customers that name orders not yet there."""
    read: dict[OrderName, frozenset[UUID]] = work.remembered("unmatched-documents", dict)
    book, wanted = book_of(work), frozenset(owners)
    missing = [name for name in dict.fromkeys(names) if not wanted <= read.get(name, frozenset())]
    if not missing:
        return
    sources, numbers = zip(*missing, strict=True)
    asked = {"sources": list(sources), "numbers": list(numbers), "owners": sorted(wanted)}
    book.ask(_INVOICES, asked, book.invoices.hold)
    book.ask(_NOTES, asked, book.payments.hold)
    read.update((name, wanted | read.get(name, frozenset())) for name in missing)


def unmatched(work: UnitOfWork, kind: str, order: Row) -> list[Row]:
    """The invoices, or the credit notes, that name an order which has just come, of who pays it, then of who
    ordered it; in its currency."""
    owners = [owner for owner in (order["customer_id"], order["sold_to_id"]) if owner is not None]
    name = (order["source"], order["order_no"])
    read_unmatched(work, [name], owners)
    book = book_of(work)
    found = _held(book.invoices if kind == "invoice" else book.payments, name)
    mine = [row for row in found if row["customer_id"] in owners and row["currency"] == order["currency"]]
    return sorted(mine, key=lambda row: owners.index(row["customer_id"]))


def _held(shelf: Shelf, name: OrderName) -> list[Row]:
    return [row for row in shelf.find(_BY_NAME, *name) if row["order_id"] is None]
