"""What documents and pools say of each other, compared piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
)

from services.common.db import UnitOfWork
from services.limits.model import (
    allocations,
    customers,
    entries,
    invoices,
    open_changes,
    orders,
    payments,
    pools,
)
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
    for table, sign in ((invoices, 1), (payments, -1)):
        parts.append(
            select(table.c.customer_id, table.c.currency, _NOTHING, _NOTHING, (sign * table.c.amount)).where(
                among_ids(table.c.customer_id), table.c.status != "reversed"
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


def _allocated(to: Any) -> Any:
    return (
        select(to.label("document_id"), func.sum(allocations.c.amount).label("amount"))
        .where(allocations.c.invoice_id.is_not(None), among_ids(to))
        .group_by(to)
        .subquery("allocated")
    )


def _open_amount_differences() -> Select[Any]:
    allocated = _allocated(allocations.c.invoice_id)
    changed = (
        select(open_changes.c.invoice_id, func.sum(open_changes.c.change).label("amount"))
        .where(among_ids(open_changes.c.invoice_id))
        .group_by(open_changes.c.invoice_id)
        .subquery("changed")
    )
    expected = invoices.c.amount - func.coalesce(allocated.c.amount, 0)
    noted = func.coalesce(changed.c.amount, 0)
    wrong = (invoices.c.status != "reversed") & (invoices.c.open_amount != expected)
    return (
        select(
            invoices.c.invoice_no,
            invoices.c.open_amount,
            expected.label("expected"),
            noted.label("changes"),
        )
        .select_from(
            invoices.outerjoin(allocated, allocated.c.document_id == invoices.c.id).outerjoin(
                changed, changed.c.invoice_id == invoices.c.id
            )
        )
        .where(among_ids(invoices.c.id), wrong | (invoices.c.open_amount != noted))
    )


def _unallocated_differences() -> Select[Any]:
    allocated = _allocated(allocations.c.payment_id)
    expected = payments.c.amount - func.coalesce(allocated.c.amount, 0)
    return (
        select(payments.c.payment_no, payments.c.unallocated, expected.label("expected"))
        .select_from(payments.outerjoin(allocated, allocated.c.document_id == payments.c.id))
        .where(among_ids(payments.c.id), payments.c.status != "reversed", payments.c.unallocated != expected)
    )


_OPEN_AMOUNT_DIFFERENCES = _open_amount_differences()
_UNALLOCATED_DIFFERENCES = _unallocated_differences()


def open_amount_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Invoices whose open amount is not what their allocations leave, or not the sum of its changes."""
    return all_rows(work, _OPEN_AMOUNT_DIFFERENCES, {"ids": ids})


def unallocated_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Payments of which what is on account is not what their allocations leave."""
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
