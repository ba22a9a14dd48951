"""Invoices, payments, credit notes, allocations, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, and_, bindparam, column, func, select

from services.common.db import UnitOfWork
from services.limits import open_items
from services.limits.ledger import ZERO, OverdueItem
from services.limits.model import allocations, invoices, payments
from services.limits.store.book import among_ids, book_of
from services.limits.store.documents import (
    DocumentKey,
    found_with_number,
    held_document,
    hold_documents,
    shelf_of,
)
from services.limits.store.rows import Row, all_rows
from services.limits.store.settings import settings_of

_OF_CUSTOMER = ("customer_id",)
_is_open = invoices.c.open_amount > 0
_OPEN = select(invoices).where(among_ids(invoices.c.customer_id), _is_open)
_OVERDUE = _OPEN.where(invoices.c.due_date < bindparam("on"))
_INVOICES = select(invoices).where(among_ids(invoices.c.id))
_PAYMENTS = select(payments).where(among_ids(payments.c.id))
_ON_ACCOUNT = select(payments).where(among_ids(payments.c.customer_id), payments.c.unallocated > 0)
_WAITING = select(allocations).where(among_ids(allocations.c.customer_id), allocations.c.invoice_id.is_(None))
_LATER_COVERED = (
    select(allocations)
    .join(invoices, invoices.c.id == allocations.c.invoice_id)
    .where(
        allocations.c.customer_id == bindparam("customer"),
        allocations.c.automatic,
        invoices.c.currency == bindparam("of_currency"),
        invoices.c.last_due_date >= bindparam("due"),
    )
)
_WITH_AUTOMATIC = (
    select(allocations.c.customer_id)
    .where(among_ids(allocations.c.customer_id), allocations.c.automatic)
    .distinct()
)
_OF_PAYMENTS = select(allocations).where(among_ids(allocations.c.payment_id))
_OF_INVOICES = select(allocations).where(among_ids(allocations.c.invoice_id))
_named = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("numbers", type_=ARRAY(Text)))
    .table_valued(column("customer_id", Uuid), column("invoice_no", Text), name="named")
    .render_derived()
)
_NAMED = select(invoices).join(
    _named,
    and_(invoices.c.customer_id == _named.c.customer_id, invoices.c.invoice_no == _named.c.invoice_no),
)


def invoice_order(row: Row) -> tuple[Any, ...]:
    """The order in which money covers invoices: the first due first, whenever each arrived."""
    return (row["due_date"], row["source"], row["company"], row["invoice_no"])


def payment_order(row: Row) -> tuple[Any, ...]:
    """The order in which payments and credit notes give their money."""
    return (row["paid_at"], row["source"], row["company"], row["payment_no"], row["kind"])


def read_invoices(work: UnitOfWork, keys: Iterable[DocumentKey]) -> None:
    """Hold the invoices with these keys."""
    hold_documents(work, "invoice", keys)


def read_payments(work: UnitOfWork, keys: Iterable[DocumentKey], kind: str = "payment") -> None:
    """Hold the payments, or the credit notes, with these keys."""
    hold_documents(work, kind, keys)


def read_matchable(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Hold what new documents of these customers may be matched with: money on account, or that may move."""
    book = book_of(work)
    book.fetch_ids("on-account", customer_ids, _ON_ACCOUNT, book.payments)
    book.fetch_ids("waiting-allocations", customer_ids, _WAITING, book.allocations)
    _read_automatic(work, customer_ids)


def has_automatic(work: UnitOfWork, customer_id: UUID) -> bool:
    """Whether money of a customer covers invoices to which nobody has assigned it."""
    held = book_of(work).allocations.find(_OF_CUSTOMER, customer_id)
    return any(row["automatic"] for row in held) or _read_automatic(work, [customer_id])[customer_id]


def _read_automatic(work: UnitOfWork, customer_ids: Sequence[UUID]) -> dict[UUID, bool]:
    known: dict[UUID, bool] = work.remembered("customers-with-automatic", dict)
    missing = [one for one in dict.fromkeys(customer_ids) if one not in known]

    def take(rows: list[Row]) -> None:
        found = {row["customer_id"] for row in rows}
        known.update((one, one in found) for one in missing)

    if missing:
        book_of(work).ask(_WITH_AUTOMATIC, {"ids": missing}, take)
    return known


def read_overdue(work: UnitOfWork, customer_ids: Iterable[UUID], on: date) -> None:
    """Hold the open invoices of these customers that are past their due date on a date."""
    book = book_of(work)
    unknown = [one for one in customer_ids if not book.knows("open-invoices", one)]
    book.fetch_ids(("overdue", on), unknown, _OVERDUE, book.invoices, {"on": on})


def read_open_invoices(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold every open invoice of these customers."""
    book = book_of(work)
    book.fetch_ids("open-invoices", customer_ids, _OPEN, book.invoices)


def document_of(work: UnitOfWork, kind: str, source: str, company: str, number: str) -> Row | None:
    """An invoice or a payment by its full key; whoever changes it holds its customer's lock."""
    return held_document(work, kind, (source, company, number))


def find_documents(work: UnitOfWork, kind: str, number: str, narrowed: Mapping[str, Any]) -> list[Row]:
    """Up to two invoices or payments with a number, narrowed by source and company where given."""
    return found_with_number(work, kind, number, narrowed)


def add_invoice(work: UnitOfWork, invoice: Mapping[str, Any]) -> None:
    """Insert an invoice."""
    book = book_of(work)
    book.invoices.add(invoice)
    for what in ("allocations-to", "write-offs", "disputes"):
        book.know(what, [invoice["id"]])


def add_payment(work: UnitOfWork, payment: Mapping[str, Any]) -> None:
    """Insert a payment."""
    book = book_of(work)
    book.payments.add(payment)
    for what in ("allocations-of", "bills"):
        book.know(what, [payment["id"]])


def update_invoice(work: UnitOfWork, invoice_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an invoice that is held."""
    book_of(work).invoices.change(invoice_id, values)


def update_payment(work: UnitOfWork, payment_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a payment that is held."""
    book_of(work).payments.change(payment_id, values)


def open_invoices(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    """The open invoices of a customer in a currency, the oldest due first."""
    read_open_invoices(work, [customer_id])
    return _open_held(work, customer_id, currency)


def read_named_invoices(work: UnitOfWork, named: Iterable[tuple[UUID, str]]) -> None:
    """Hold the invoices with these customers and numbers."""
    book = book_of(work)
    book.fetch("invoice-named", named, _NAMED, book.invoices, _ids_and_numbers)


def _ids_and_numbers(named: list[tuple[UUID, str]]) -> dict[str, list[Any]]:
    return {"ids": [owner for owner, _ in named], "numbers": [number for _, number in named]}


def invoices_named(work: UnitOfWork, customer_id: UUID, numbers: Sequence[str]) -> dict[str, Row]:
    """A customer's invoices by number; a reversed one only where there is no other of that number."""
    read_named_invoices(work, [(customer_id, number) for number in numbers])
    shelf = book_of(work).invoices
    held = [row for number in numbers for row in shelf.find(("invoice_no",), number)]
    mine = [row for row in held if row["customer_id"] == customer_id]
    return {row["invoice_no"]: row for row in sorted(mine, key=lambda row: row["status"] != "reversed")}


def on_account_payments(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    """Payments of which a part is not allocated, the oldest first."""
    book = book_of(work)
    book.fetch_ids("on-account", [customer_id], _ON_ACCOUNT, book.payments)
    rows = [
        row
        for row in book.payments.find(_OF_CUSTOMER, customer_id)
        if row["currency"] == currency and row["unallocated"] > 0
    ]
    return sorted(rows, key=payment_order)


def add_allocations(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert allocations."""
    for row in rows:
        book_of(work).allocations.add(row)


def allocations_of(work: UnitOfWork, payment_id: UUID) -> list[Row]:
    """The allocations of a payment."""
    book = book_of(work)
    book.fetch_ids("allocations-of", [payment_id], _OF_PAYMENTS, book.allocations)
    return sorted(book.allocations.find(("payment_id",), payment_id), key=lambda row: row["id"])


def allocations_to(work: UnitOfWork, invoice_id: UUID) -> list[Row]:
    """The allocations to an invoice."""
    book = book_of(work)
    book.fetch_ids("allocations-to", [invoice_id], _OF_INVOICES, book.allocations)
    return sorted(book.allocations.find(("invoice_id",), invoice_id), key=lambda row: row["id"])


def waiting_allocations(work: UnitOfWork, customer_id: UUID, invoice_no: str) -> list[Row]:
    """Allocations that name an invoice which had not arrived."""
    book = book_of(work)
    book.fetch_ids("waiting-allocations", [customer_id], _WAITING, book.allocations)
    rows = [
        row
        for row in book.allocations.find(_OF_CUSTOMER, customer_id)
        if row["invoice_id"] is None and row["invoice_no"] == invoice_no
    ]
    return sorted(rows, key=lambda row: row["id"])


def covered_from(work: UnitOfWork, customer_id: UUID, currency: str, due: date) -> list[tuple[Row, Decimal]]:
    """The invoices of which a part is due from a date on, each with the money on it that nobody assigned."""
    book = book_of(work)
    asked = {"customer": customer_id, "of_currency": currency, "due": due}
    book.allocations.hold(all_rows(work, _LATER_COVERED, asked))
    automatic: dict[UUID, Decimal] = {}
    for row in book.allocations.find(_OF_CUSTOMER, customer_id):
        if row["automatic"]:
            automatic[row["invoice_id"]] = automatic.get(row["invoice_id"], ZERO) + row["amount"]
    found = documents_by_id(work, "invoice", automatic)
    return [
        (row, automatic[row["id"]])
        for row in found.values()
        if row["currency"] == currency and row["last_due_date"] >= due
    ]


def change_allocation(work: UnitOfWork, allocation_id: UUID, amount: Decimal) -> None:
    """Change the amount of an allocation that is held."""
    book_of(work).allocations.change(allocation_id, {"amount": amount})


def delete_allocations(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Take allocations back; the entries keep what happened."""
    for allocation_id in ids:
        book_of(work).allocations.remove(allocation_id)


def documents_by_id(work: UnitOfWork, kind: str, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Invoices or payments that are known to be there."""
    book, wanted = book_of(work), list(dict.fromkeys(ids))
    shelf = shelf_of(book, kind)
    missing = [document_id for document_id in wanted if shelf.get(document_id) is None]
    if missing:
        shelf.hold(all_rows(work, _INVOICES if kind == "invoice" else _PAYMENTS, {"ids": missing}))
    found = ((document_id, shelf.get(document_id)) for document_id in wanted)
    return {document_id: row for document_id, row in found if row is not None}


def overdue_items(work: UnitOfWork, customer_id: UUID, currency: str, on: date) -> list[OverdueItem]:
    """What is open and past its due date on a date, instalments by themselves, oldest first."""
    read_overdue(work, [customer_id], on)
    late = [row for row in _open_held(work, customer_id, currency) if row["due_date"] < on]
    are_overdue = not any(row["disputed"] for row in late) or settings_of(work)["disputes_are_overdue"]
    return open_items.overdue_items(late, on, disputes_are_overdue=are_overdue)


def next_overdue_customers(work: UnitOfWork, on: date, after: UUID | None, most: int) -> list[UUID]:
    """The next customers, by id, with open invoices past their due date on a date."""
    statement = (
        _OVERDUE_CUSTOMERS if after is None else _OVERDUE_CUSTOMERS.where(invoices.c.customer_id > after)
    )
    return [row.customer_id for row in work.execute(statement.limit(most), {"on": on})]


def _open_held(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    rows = [
        row
        for row in book_of(work).invoices.find(_OF_CUSTOMER, customer_id)
        if row["currency"] == currency and row["open_amount"] > 0
    ]
    return sorted(rows, key=invoice_order)


_OVERDUE_CUSTOMERS = (
    select(invoices.c.customer_id)
    .where(_is_open, invoices.c.due_date < bindparam("on"))
    .group_by(invoices.c.customer_id)
    .order_by(invoices.c.customer_id)
)
