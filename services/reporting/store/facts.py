"""The queries of reports: each part of a measure is one grouped sum, compiled from the semantic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.types import Date, Numeric

from services.common.db import UnitOfWork
from services.common.scopes import Facts, Owned, visible
from services.reporting import rights
from services.reporting.model import (
    account_state,
    business_date,
    dashboards,
    dim_customer,
    fact_order,
    fact_payment,
    freezes,
    grants,
    ledger_roots,
    limit_history,
)
from services.reporting.store.open_items import bucket_of, open_items
from services.reporting.store.open_items import shares as shares_of_instalments

Row = dict[str, Any]
OWNED = Owned(
    fields=rights.REPORTS.scope_of_records,
    columns={
        "customer_id": dim_customer.c.customer_id,
        "customer_code": dim_customer.c.code,
        "customer_name": dim_customer.c.name,
        **{name: dim_customer.c[name] for name in ("region", "salesperson", "department", "grade")},
        "credit_status": dim_customer.c.credit_status,
    },
    owners=("salesperson",),
    departments=("department",),
    ids=("customer_id",),
)
_LIVE_ORDERS = ("reserved", "closed")


@dataclass(frozen=True)
class Question:
    """What is asked. `window_start` to `as_of` is the window of sales; `filters` are dimension values.

    `only` is a customer of whom alone it is asked.
    """

    dimensions: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    as_of: date
    window_start: date
    only: UUID | None = None


def one(work: UnitOfWork, statement: Any) -> Row | None:
    """The first row of a statement."""
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def rows(work: UnitOfWork, statement: Any) -> list[Row]:
    """Every row of a statement."""
    return [dict(row) for row in work.execute(statement).mappings()]


def current_date(work: UnitOfWork) -> date | None:
    """The business date; None before the first was opened."""
    found: date | None = work.execute(select(business_date.c.date)).scalar()
    return found


def part_rows(work: UnitOfWork, part: str, question: Question) -> list[Row]:
    """One part by the question's dimensions and currency: rows of dimensions, `currency` and `value`.

    Of the customers that the caller may see, and no others: every part joins them.
    """
    statement = _PARTS[part](question).where(visible(work, OWNED))
    return rows(work, statement)


def _customer_columns() -> dict[str, ColumnElement[Any]]:
    return {
        "customer": dim_customer.c.name,
        **{name: dim_customer.c[name] for name in ("grade", "region", "salesperson", "department")},
        "credit_status": dim_customer.c.credit_status,
    }


def _grouped(
    question: Question,
    value: ColumnElement[Any],
    currency: ColumnElement[Any] | None,
    source: Any,
    *conditions: Any,
    day: ColumnElement[Any] | None = None,
    bucket: ColumnElement[Any] | None = None,
) -> Select[Any]:
    columns = _customer_columns()
    if day is not None:
        columns["month"] = func.to_char(day, "YYYY-MM")
        columns["quarter"] = func.to_char(day, 'YYYY-"Q"Q')
        columns["year"] = func.to_char(day, "YYYY")
    if bucket is not None:
        columns["aging_bucket"] = bucket
    chosen = [columns[name].label(name) for name in question.dimensions]
    wanted = [columns[name].in_(values) for name, values in question.filters.items() if name in columns]
    impossible = [name for name in question.filters if name not in columns]
    grouped_by_currency = currency is not None
    told = literal("") if currency is None else currency
    statement = select(*chosen, told.label("currency"), value.label("value")).select_from(source)
    statement = statement.where(dim_customer.c.deleted.is_(False), *conditions, *wanted)
    if question.only is not None:
        statement = statement.where(dim_customer.c.customer_id == question.only)
    if impossible:
        statement = statement.where(literal(False))
    # By position: the same expression written twice would carry two parameters, and so be two to PostgreSQL.
    places = range(1, len(chosen) + (1 if grouped_by_currency else 0) + 1)
    return statement.group_by(*(literal_column(str(place)) for place in places))


def _with_customer(table: Any) -> Any:
    return table.join(dim_customer, dim_customer.c.customer_id == table.c.customer_id)


def _account(column: ColumnElement[Any]) -> Any:
    def build(question: Question) -> Select[Any]:
        value = func.coalesce(func.sum(column), 0)
        return _grouped(question, value, account_state.c.currency, _with_customer(account_state))

    return build


def _customers(question: Question) -> Select[Any]:
    source = dim_customer.outerjoin(account_state, account_state.c.customer_id == dim_customer.c.customer_id)
    value = func.count(dim_customer.c.customer_id.distinct())
    return _grouped(question, value, None, source)


def _orders(value: ColumnElement[Any]) -> Any:
    def build(question: Question) -> Select[Any]:
        return _grouped(
            question,
            value,
            fact_order.c.currency,
            _with_customer(fact_order),
            fact_order.c.status.in_(_LIVE_ORDERS),
            fact_order.c.order_date <= question.as_of,
            day=fact_order.c.order_date,
        )

    return build


def _payments(value: ColumnElement[Any]) -> Any:
    def build(question: Question) -> Select[Any]:
        return _grouped(
            question,
            value,
            fact_payment.c.currency,
            _with_customer(fact_payment),
            fact_payment.c.kind == "payment",
            fact_payment.c.reversed.is_(False),
            fact_payment.c.paid_at <= question.as_of,
            day=fact_payment.c.paid_at,
        )

    return build


def _invoices(make_value: Any, *, overdue: bool = False, window: bool = False, at: str = "as_of") -> Any:
    def build(question: Question) -> Select[Any]:
        on: date = question.as_of if at == "as_of" else question.window_start - timedelta(days=1)
        items = open_items(on)
        conditions = []
        if overdue:
            conditions.append(items.c.due_date < on)
        if window:
            conditions.append(items.c.invoice_date >= question.window_start)
        return _grouped(
            question,
            func.coalesce(make_value(items), 0),
            items.c.currency,
            _with_customer(items),
            *conditions,
            day=items.c.invoice_date,
            bucket=bucket_of(items.c.due_date, question.as_of),
        )

    return build


def _allocated(make_value: Any) -> Any:
    def build(question: Question) -> Select[Any]:
        shares = shares_of_instalments()
        return _grouped(
            question,
            func.coalesce(make_value(shares), 0),
            shares.c.currency,
            _with_customer(shares),
            shares.c.kind == "payment",
            shares.c.allocated_on <= question.as_of,
            day=shares.c.invoice_date,
        )

    return build


def _days_late(shares: Any) -> ColumnElement[Any]:
    return cast(func.greatest(shares.c.allocated_on - shares.c.due_date, 0), Numeric)


def _on_time(question: Question) -> Select[Any]:
    build = _allocated(
        lambda shares: func.sum(shares.c.amount).filter(
            and_(shares.c.allocated_on <= shares.c.due_date, shares.c.due_date <= question.as_of)
        )
    )
    statement: Select[Any] = build(question)
    return statement


def _fallen_due(question: Question) -> Select[Any]:
    build = _invoices(lambda items: func.sum(items.c.due_amount).filter(items.c.due_date <= question.as_of))
    statement: Select[Any] = build(question)
    return statement


_used = account_state.c.reserved + account_state.c.delivered + account_state.c.receivable
_PARTS: Mapping[str, Any] = {
    "customers": _customers,
    "credit_limit": _account(account_state.c.credit_limit),
    "credit_used": _account(_used),
    "credit_available": _account(account_state.c.available),
    "orders": _orders(func.count()),
    "order_amount": _orders(func.sum(fact_order.c.amount)),
    "payments": _payments(func.count()),
    "payment_amount": _payments(func.sum(fact_payment.c.amount)),
    "invoices": _invoices(lambda items: func.count(items.c.id.distinct())),
    "invoice_amount": _invoices(lambda items: func.sum(items.c.amount)),
    "receivable_open": _invoices(lambda items: func.sum(items.c.open_amount)),
    "overdue_amount": _invoices(lambda items: func.sum(items.c.late_amount), overdue=True),
    "window_sales": _invoices(lambda items: func.sum(items.c.amount), window=True),
    "opening_receivable": _invoices(lambda items: func.sum(items.c.open_amount), at="window_start"),
    "amount_days_late": _allocated(lambda shares: func.sum(shares.c.amount * _days_late(shares))),
    "allocated_amount": _allocated(lambda shares: func.sum(shares.c.amount)),
    "paid_on_time": _on_time,
    "fallen_due": _fallen_due,
}


# --- dashboards and profiles -----------------------------------------------------------------------------


def monthly_limits(work: UnitOfWork, on: date) -> list[Row]:
    """Total limit and use at the end of each month up to a date, by currency."""
    first = work.execute(select(func.min(limit_history.c.business_date))).scalar()
    if first is None:
        return []
    months = select(
        func.generate_series(
            func.date_trunc("month", literal(first)),
            func.date_trunc("month", literal(on)),
            literal("1 month").cast(INTERVAL),
        ).label("month")
    ).subquery("months")
    ending = func.least(
        cast(months.c.month + literal("1 month").cast(INTERVAL) - literal("1 day").cast(INTERVAL), Date),
        literal(on),
    )
    last = (
        select(limit_history.c.credit_limit, limit_history.c.used, limit_history.c.currency)
        .where(
            limit_history.c.customer_id == dim_customer.c.customer_id, limit_history.c.business_date <= ending
        )
        .order_by(limit_history.c.business_date.desc())
        .limit(1)
        .lateral("last")
    )
    statement = (
        select(
            func.to_char(months.c.month, "YYYY-MM").label("month"),
            last.c.currency,
            func.coalesce(func.sum(last.c.credit_limit), 0).label("credit_limit"),
            func.coalesce(func.sum(last.c.used), 0).label("credit_used"),
        )
        .select_from(months.join(dim_customer, dim_customer.c.deleted.is_(False)).join(last, true()))
        .where(visible(work, OWNED))
        .group_by(months.c.month, last.c.currency)
        .order_by(months.c.month, last.c.currency)
    )
    return rows(work, statement)


def find_customer(work: UnitOfWork, key: str) -> Row | None:
    """A customer by id or code that the caller may see."""
    try:
        which = dim_customer.c.customer_id == UUID(key)
    except ValueError:
        which = dim_customer.c.code == key
    return one(work, select(dim_customer).where(which, visible(work, OWNED)))


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of a customer's figures."""
    row = find_customer(work, key)
    return None if row is None else OWNED.facts(row)


def profile_rows(work: UnitOfWork, customer_id: UUID, on: date) -> dict[str, Any]:
    """What a profile is made of: account, orders by month, open items, grants, freezes."""
    items = open_items(on)
    by_month = (
        select(
            func.to_char(fact_order.c.order_date, "YYYY-MM").label("month"),
            fact_order.c.currency,
            func.count().label("orders"),
            func.sum(fact_order.c.amount).label("amount"),
        )
        .where(fact_order.c.customer_id == customer_id, fact_order.c.status.in_(_LIVE_ORDERS))
        .group_by("month", fact_order.c.currency)
        .order_by("month")
    )
    shown = (
        "id",
        "customer_id",
        "invoice_no",
        "currency",
        "invoice_date",
        "amount",
        "due_date",
        "open_amount",
    )
    still_open = (
        select(*(items.c[name] for name in shown))
        .where(items.c.customer_id == customer_id, items.c.open_amount > 0)
        .order_by(items.c.due_date, items.c.invoice_no)
        .limit(200)
    )
    mine = select(grants.c.grant).where(grants.c.customer_id == customer_id)
    frozen = select(freezes).where(freezes.c.customer_id == customer_id)
    return {
        "account": one(work, select(account_state).where(account_state.c.customer_id == customer_id)),
        "orders": rows(work, by_month),
        "open_items": rows(work, still_open),
        "grants": [row["grant"] for row in rows(work, mine.order_by(grants.c.granted_at.desc()))],
        "freezes": rows(work, frozen.order_by(freezes.c.business_date.desc(), freezes.c.event_id.desc())),
    }


def find_dashboard(work: UnitOfWork, key: str) -> Row | None:
    """A dashboard by id or key."""
    which: ColumnElement[bool]
    try:
        which = (dashboards.c.id == UUID(key)) | (dashboards.c.key == key)
    except ValueError:
        which = dashboards.c.key == key
    return one(work, select(dashboards).where(which))


def all_dashboards(work: UnitOfWork) -> list[Row]:
    """Every dashboard by key."""
    return rows(work, select(dashboards).order_by(dashboards.c.key))


def save_dashboard(work: UnitOfWork, dashboard: Mapping[str, Any], *, new: bool) -> None:
    """Insert a dashboard or write one that is there."""
    if new:
        work.execute(insert(dashboards).values(**dashboard))
    else:
        work.execute(update(dashboards).where(dashboards.c.id == dashboard["id"]).values(**dashboard))


def roots(work: UnitOfWork) -> dict[date, str]:
    """The root over the ledger's chains of each closed date, as it was told."""
    found = work.execute(select(ledger_roots.c.date, ledger_roots.c.root))
    return {row.date: row.root for row in found}
