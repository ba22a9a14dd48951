"""Invoices, payments, allocations, and what is overdue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, insert, select, update

from services.common.db import UnitOfWork
from services.limits.ledger import OverdueItem
from services.limits.model import (
    allocations,
    customers,
    invoices,
    payments,
)
from services.limits.store.rows import Row, all_rows, one_row


def lock_invoice(work: UnitOfWork, source: str, company: str, invoice_no: str) -> Row | None:
    """An invoice by its full key. Locks its row."""
    which = and_(
        invoices.c.source == source, invoices.c.company == company, invoices.c.invoice_no == invoice_no
    )
    return one_row(work, select(invoices).where(which).with_for_update())


def lock_payment(work: UnitOfWork, source: str, company: str, payment_no: str) -> Row | None:
    """A payment by its full key. Locks its row."""
    which = and_(
        payments.c.source == source, payments.c.company == company, payments.c.payment_no == payment_no
    )
    return one_row(work, select(payments).where(which).with_for_update())


def find_documents(work: UnitOfWork, kind: str, number: str, key: Mapping[str, Any]) -> list[Row]:
    """Up to two invoices or payments with a number, narrowed by source and company where given."""
    table = invoices if kind == "invoice" else payments
    statement = select(table).where(table.c[f"{kind}_no"] == number)
    for name in ("source", "company"):
        if key.get(name) is not None:
            statement = statement.where(table.c[name] == key[name])
    return all_rows(work, statement.limit(2))


def documents_with(kind: str, where: Mapping[str, Any]) -> Select[Any]:
    """Invoices or payments with these column values, as a statement to be paged."""
    table = invoices if kind == "invoice" else payments
    return select(table).where(*(table.c[name] == value for name, value in where.items()))


def add_invoice(work: UnitOfWork, invoice: Mapping[str, Any]) -> None:
    """Insert an invoice."""
    work.execute(insert(invoices).values(**invoice))


def add_payment(work: UnitOfWork, payment: Mapping[str, Any]) -> None:
    """Insert a payment."""
    work.execute(insert(payments).values(**payment))


def update_invoice(work: UnitOfWork, invoice_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an invoice."""
    work.execute(update(invoices).where(invoices.c.id == invoice_id).values(**values))


def update_payment(work: UnitOfWork, payment_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a payment."""
    work.execute(update(payments).where(payments.c.id == payment_id).values(**values))


def open_invoices(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    """The open invoices of a customer in a currency, the oldest due first. Locks their rows."""
    statement = select(invoices).where(
        invoices.c.customer_id == customer_id, invoices.c.currency == currency, invoices.c.open_amount > 0
    )
    return all_rows(work, statement.order_by(invoices.c.due_date, invoices.c.id).with_for_update())


def invoices_named(work: UnitOfWork, customer_id: UUID, numbers: Sequence[str]) -> dict[str, Row]:
    """A customer's invoices by number, reversed ones left out. Locks their rows."""
    statement = select(invoices).where(
        invoices.c.customer_id == customer_id,
        invoices.c.invoice_no.in_(sorted(set(numbers))),
        invoices.c.status != "reversed",
    )
    return {
        row["invoice_no"]: row for row in all_rows(work, statement.order_by(invoices.c.id).with_for_update())
    }


def unmatched_invoices(work: UnitOfWork, customer_id: UUID, source: str, order_no: str) -> list[Row]:
    """Invoices that name an order which had not arrived. Locks their rows."""
    statement = select(invoices).where(
        invoices.c.customer_id == customer_id,
        invoices.c.source == source,
        invoices.c.order_no == order_no,
        invoices.c.order_id.is_(None),
    )
    return all_rows(work, statement.order_by(invoices.c.id).with_for_update())


def on_account_payments(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    """Payments of which a part is not allocated, the oldest first. Locks their rows."""
    statement = select(payments).where(
        payments.c.customer_id == customer_id, payments.c.currency == currency, payments.c.unallocated > 0
    )
    return all_rows(work, statement.order_by(payments.c.paid_at, payments.c.id).with_for_update())


def add_allocations(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert allocations."""
    if rows:
        work.execute(insert(allocations), [dict(row) for row in rows])


def allocations_of(work: UnitOfWork, column: str, document_id: UUID) -> list[Row]:
    """The allocations of a payment (`payment_id`) or to an invoice (`invoice_id`). Locks their rows."""
    statement = select(allocations).where(allocations.c[column] == document_id)
    return all_rows(work, statement.order_by(allocations.c.id).with_for_update())


def allocations_with_invoices(work: UnitOfWork, payment_id: UUID) -> list[Row]:
    """The allocations of a payment with the dates of their invoices."""
    statement = (
        select(allocations, invoices.c.due_date, invoices.c.invoice_date)
        .select_from(allocations.outerjoin(invoices, invoices.c.id == allocations.c.invoice_id))
        .where(allocations.c.payment_id == payment_id)
        .order_by(allocations.c.id)
    )
    return all_rows(work, statement)


def get_document(work: UnitOfWork, kind: str, document_id: UUID) -> Row:
    """An invoice or a payment that is known to be there. Locks its row."""
    table = invoices if kind == "invoice" else payments
    found = one_row(work, select(table).where(table.c.id == document_id).with_for_update())
    assert found is not None  # noqa: S101 - foreign keys hold it
    return found


def waiting_allocations(work: UnitOfWork, customer_id: UUID, invoice_no: str) -> list[Row]:
    """Allocations that name an invoice which had not arrived. Locks their rows."""
    statement = select(allocations).where(
        allocations.c.customer_id == customer_id,
        allocations.c.invoice_no == invoice_no,
        allocations.c.invoice_id.is_(None),
    )
    return all_rows(work, statement.order_by(allocations.c.id).with_for_update())


def delete_allocations(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Take allocations back; the entries keep what happened."""
    work.execute(delete(allocations).where(allocations.c.id.in_(ids)))


def overdue_items(work: UnitOfWork, customer_id: UUID, currency: str, on: date) -> list[OverdueItem]:
    """The open invoices that are past their due date on a date, oldest first."""
    statement = (
        select(invoices.c.invoice_no, invoices.c.open_amount, invoices.c.due_date)
        .where(
            invoices.c.customer_id == customer_id,
            invoices.c.currency == currency,
            invoices.c.open_amount > 0,
            invoices.c.due_date < on,
        )
        .order_by(invoices.c.due_date, invoices.c.id)
    )
    return [OverdueItem(**row) for row in all_rows(work, statement)]


def overdue_customers(work: UnitOfWork, on: date) -> list[Row]:
    """Every open invoice past its due date on a date, with its customer, by customer and currency."""
    statement = (
        select(
            invoices.c.customer_id,
            customers.c.name,
            customers.c.code,
            customers.c.salesperson,
            customers.c.department,
            invoices.c.currency,
            invoices.c.invoice_no,
            invoices.c.due_date,
            invoices.c.open_amount,
        )
        .join(customers, customers.c.id == invoices.c.customer_id)
        .where(invoices.c.open_amount > 0, invoices.c.due_date < on)
        .order_by(invoices.c.customer_id, invoices.c.currency, invoices.c.due_date, invoices.c.id)
    )
    return all_rows(work, statement)
