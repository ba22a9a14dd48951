"""What documents and pools say of each other, compared piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Subquery,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from services.common.db import UnitOfWork
from services.limits.model import (
    allocations,
    bills,
    customers,
    disputes,
    entries,
    invoices,
    open_changes,
    orders,
    payments,
    pools,
    reserved_changes,
    write_offs,
)
from services.limits.store.bills import PENDING
from services.limits.store.book import among_ids
from services.limits.store.rows import Row, all_rows

STAGES = ("reserved", "delivered", "receivable")
_NOTHING = literal(0)


def _of_documents() -> Select[Any]:
    """What each document of these customers binds: its customer, currency and stages."""
    parts = [
        select(
            orders.c.customer_id,
            orders.c.currency,
            orders.c.reserved,
            orders.c.delivered,
            _NOTHING.label("receivable"),
        ).where(among_ids(orders.c.customer_id))
    ]
    for table, receivable, counts in (
        (invoices, invoices.c.amount - invoices.c.written_off, invoices.c.status != "reversed"),
        (payments, -payments.c.amount, payments.c.status != "reversed"),
        (bills, bills.c.amount, bills.c.status == PENDING),
    ):
        parts.append(
            select(table.c.customer_id, table.c.currency, _NOTHING, _NOTHING, receivable).where(
                among_ids(table.c.customer_id), counts
            )
        )
    each = union_all(*parts).subquery("each")
    sums = (func.sum(each.c[stage]).label(stage) for stage in STAGES)
    return select(each.c.customer_id, each.c.currency, *sums).group_by(each.c.customer_id, each.c.currency)


def _document_differences() -> Select[Any]:
    expected = _of_documents().subquery("expected")
    found = (
        select(cast(pools.c.key, Uuid).label("customer_id"), pools.c.currency, *(pools.c[s] for s in STAGES))
        .where(
            pools.c.kind == "customer",
            pools.c.segment == "",
            pools.c.key == any_(bindparam("keys", type_=ARRAY(Text))),
        )
        .subquery("found")
    )
    same = (expected.c.customer_id == found.c.customer_id) & (expected.c.currency == found.c.currency)
    told = {
        **{f"pool_{stage}": func.coalesce(found.c[stage], 0) for stage in STAGES},
        **{f"documents_{stage}": func.coalesce(expected.c[stage], 0) for stage in STAGES},
    }
    differs = [told[f"pool_{stage}"] != told[f"documents_{stage}"] for stage in STAGES]
    return (
        select(
            func.coalesce(found.c.customer_id, expected.c.customer_id).label("customer_id"),
            func.coalesce(found.c.currency, expected.c.currency).label("currency"),
            *(value.label(name) for name, value in told.items()),
        )
        .select_from(found.outerjoin(expected, same, full=True))
        .where(differs[0] | differs[1] | differs[2])
    )


_DOCUMENT_DIFFERENCES = _document_differences()


def ids_after(work: UnitOfWork, table: Table, after: UUID | None, most: int) -> list[UUID]:
    """The next ids of a table."""
    statement = select(table.c.id).order_by(table.c.id).limit(most)
    return list(work.execute(statement if after is None else statement.where(table.c.id > after)).scalars())


def document_differences(work: UnitOfWork, customer_ids: list[UUID]) -> list[Row]:
    """Customers whose overall pools are not the sum of their documents."""
    asked = {"ids": customer_ids, "keys": [str(customer_id) for customer_id in customer_ids]}
    return all_rows(work, _DOCUMENT_DIFFERENCES, asked)


def order_totals(work: UnitOfWork, ids: list[UUID]) -> Iterator[Any]:
    """What the stages of these orders follow from, and the stages that they have."""
    names = ("order_no", "amount", "delivered_total", "invoiced_total", "status", "reserved", "delivered")
    statement = select(*(orders.c[name] for name in names)).where(among_ids(orders.c.id))
    return iter(work.execute(statement, {"ids": ids}))


def _reserved_differences() -> Select[Any]:
    """Orders that reserve otherwise than the changes of their reservation say, by the date that they have."""
    changed = (
        select(
            reserved_changes.c.order_id,
            reserved_changes.c.delivery_date,
            func.sum(reserved_changes.c.change).label("amount"),
        )
        .where(among_ids(reserved_changes.c.order_id))
        .group_by(reserved_changes.c.order_id, reserved_changes.c.delivery_date)
        .having(func.sum(reserved_changes.c.change) != 0)
        .subquery("changed")
    )
    # An order without a delivery date is in no horizon's way.
    binds = (orders.c.delivery_date.is_not(None)) & (orders.c.reserved != 0)
    expected = case((binds, orders.c.reserved), else_=0)
    same_date = changed.c.delivery_date.is_(None) | (changed.c.delivery_date == orders.c.delivery_date)
    return (
        select(orders.c.order_no, orders.c.reserved, changed.c.delivery_date, changed.c.amount)
        .select_from(orders.outerjoin(changed, changed.c.order_id == orders.c.id))
        .where(
            among_ids(orders.c.id),
            or_(func.coalesce(changed.c.amount, 0) != expected, func.coalesce(same_date, False).is_(False)),
        )
    )


def _of_invoices(table: Table, amount: ColumnElement[Any], *only: ColumnElement[bool]) -> Subquery:
    """What the rows of a table come to, by their invoice."""
    invoice_id = table.c.invoice_id
    return (
        select(invoice_id, func.sum(amount).label("amount"))
        .where(among_ids(invoice_id), *only)
        .group_by(invoice_id)
        .subquery()
    )


def _open_amount_differences() -> Select[Any]:
    parts = (
        _of_invoices(allocations, allocations.c.amount),
        _of_invoices(write_offs, write_offs.c.amount, write_offs.c.status != "reversed"),
        _of_invoices(open_changes, open_changes.c.change),
    )
    allocated, given_up, noted = (func.coalesce(part.c.amount, 0) for part in parts)
    left = invoices.c.amount - allocated - given_up
    expected = case((invoices.c.status == "reversed", 0), else_=left)
    wrong = or_(
        invoices.c.open_amount != expected,
        invoices.c.open_amount != noted,
        invoices.c.written_off != given_up,
    )
    found = invoices.outerjoin(parts[0], parts[0].c.invoice_id == invoices.c.id)
    for part in parts[1:]:
        found = found.outerjoin(part, part.c.invoice_id == invoices.c.id)
    shown = (expected.label("expected"), noted.label("changes"))
    statement = select(invoices.c.invoice_no, invoices.c.open_amount, *shown).select_from(found)
    return statement.where(among_ids(invoices.c.id), wrong)


def _disputed_differences() -> Select[Any]:
    disputed = _of_invoices(disputes, disputes.c.amount, disputes.c.status == "open")
    expected = func.coalesce(disputed.c.amount, 0)
    return (
        select(invoices.c.invoice_no, invoices.c.disputed, expected.label("expected"))
        .select_from(invoices.outerjoin(disputed, disputed.c.invoice_id == invoices.c.id))
        .where(among_ids(invoices.c.id), invoices.c.disputed != expected)
    )


def _unallocated_differences() -> Select[Any]:
    payment_id = allocations.c.payment_id
    allocated = (
        select(payment_id, func.sum(allocations.c.amount).label("amount"))
        .where(allocations.c.invoice_id.is_not(None), among_ids(payment_id))
        .group_by(payment_id)
        .subquery("allocated")
    )
    left = payments.c.amount - func.coalesce(allocated.c.amount, 0)
    expected = case((payments.c.status == "reversed", 0), else_=left)
    return (
        select(payments.c.kind, payments.c.payment_no, payments.c.unallocated, expected.label("expected"))
        .select_from(payments.outerjoin(allocated, allocated.c.payment_id == payments.c.id))
        .where(among_ids(payments.c.id), payments.c.unallocated != expected)
    )


_OPEN_AMOUNT_DIFFERENCES = _open_amount_differences()
_UNALLOCATED_DIFFERENCES = _unallocated_differences()
_DISPUTED_DIFFERENCES = _disputed_differences()
_RESERVED_DIFFERENCES = _reserved_differences()


def open_amount_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Invoices whose open amount is not what allocations and write-offs leave, or not the sum of its changes.

    Nor may what is written off be other than the sum of the write-offs.
    """
    return all_rows(work, _OPEN_AMOUNT_DIFFERENCES, {"ids": ids})


def disputed_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Invoices on which another amount is disputed than their open disputes say."""
    return all_rows(work, _DISPUTED_DIFFERENCES, {"ids": ids})


def reserved_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Orders whose reservation is not, on the delivery date that they have, the sum of its changes."""
    return all_rows(work, _RESERVED_DIFFERENCES, {"ids": ids})


def unallocated_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Payments and credit notes of which what is on account is not what their allocations leave."""
    return all_rows(work, _UNALLOCATED_DIFFERENCES, {"ids": ids})


def all_pools(work: UnitOfWork) -> list[Row]:
    """Every overall pool of a customer."""
    return all_rows(work, select(pools).where(pools.c.kind == "customer", pools.c.segment == ""))


def counts(work: UnitOfWork) -> dict[str, int]:
    """How many rows the ledger holds of each kind."""
    tables = {
        "entries": entries,
        "pools": pools,
        "customers": customers,
        "orders": orders,
        "invoices": invoices,
        "payments": payments,
    }
    return {
        name: int(work.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
