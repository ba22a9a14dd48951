"""The queries of the limit ledger; a docstring says what a query locks, silence that it locks nothing.

Locks are always taken in one order: customers (sorted by id), then documents, then pools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits.ledger import ZERO, Grant, OverdueItem, Stages
from services.limits.model import (
    allocations,
    business_clock,
    business_dates,
    customers,
    decisions,
    deliveries,
    entries,
    erp_event_ids,
    freezes,
    grants,
    invoices,
    order_check_rules,
    orders,
    payments,
    pools,
    waiting_documents,
)

Row = dict[str, Any]


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any) -> list[Row]:
    return [dict(row) for row in work.execute(statement).mappings()]


# --- customers -------------------------------------------------------------------------------------------


def save_customer(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer."""
    values = dict(customer)
    statement = upsert(customers).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[customers.c.id], set_=values))


def find_customer(work: UnitOfWork, customer_id: UUID | None, code: str | None) -> Row | None:
    """An active customer by id, else by code."""
    locked: dict[UUID, Row] = work.remembered("locked_customers", dict)
    if customer_id in locked:
        return locked[customer_id] if locked[customer_id]["active"] else None
    which = customers.c.id == customer_id if customer_id is not None else customers.c.code == code
    return _one(work, select(customers).where(which, customers.c.active))


def lock_customers(work: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Customers by id. Locks their rows, sorted: everything that a customer owns waits for this lock."""
    locked: dict[UUID, Row] = work.remembered("locked_customers", dict)
    wanted = sorted(set(ids) - set(locked))
    if wanted:
        statement = select(customers).where(customers.c.id.in_(wanted)).order_by(customers.c.id)
        locked |= {row["id"]: row for row in _all(work, statement.with_for_update())}
    return {customer_id: locked[customer_id] for customer_id in ids if customer_id in locked}


def customers_by_code(work: UnitOfWork, codes: Iterable[str]) -> dict[str, UUID]:
    """The ids of active customers by their codes."""
    statement = select(customers.c.code, customers.c.id).where(
        customers.c.code.in_(sorted(set(codes))), customers.c.active
    )
    return {row.code: row.id for row in work.execute(statement)}


def count_customers(work: UnitOfWork, ids: Iterable[UUID], codes: Iterable[str]) -> int:
    """How many of these ids and codes are known customers."""
    by_id = select(func.count()).select_from(customers).where(customers.c.id.in_(sorted(ids)))
    by_code = select(func.count(customers.c.code.distinct())).where(customers.c.code.in_(sorted(codes)))
    return sum(int(work.execute(statement).scalar_one()) for statement in (by_id, by_code))


# --- pools and entries -----------------------------------------------------------------------------------


def lock_customer_pool(work: UnitOfWork, customer_id: UUID, currency: str) -> Row:
    """The customer's overall pool in a currency, made at first use. Locks its row, once per unit of work.

    `post_entry` keeps the answered row's balances up to date.
    """
    key = f"pool:{customer_id}:{currency}"
    found: Row = work.remembered(key, lambda: _locked_pool(work, customer_id, currency))
    return found


def _locked_pool(work: UnitOfWork, customer_id: UUID, currency: str) -> Row:
    first = {
        "id": new_id(),
        "kind": "customer",
        "key": str(customer_id),
        "segment": "",
        "currency": currency,
        "reserved": ZERO,
        "delivered": ZERO,
        "receivable": ZERO,
    }
    which = and_(
        pools.c.kind == "customer",
        pools.c.key == str(customer_id),
        pools.c.segment == "",
        pools.c.currency == currency,
    )
    found = _one(work, select(pools).where(which).with_for_update())
    if found is None:
        work.execute(upsert(pools).values(first).on_conflict_do_nothing())
        found = _one(work, select(pools).where(which).with_for_update())
    assert found is not None  # noqa: S101 - it was inserted just above, in this transaction or another
    return found


def customer_pools(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every pool of a customer."""
    which = and_(pools.c.kind == "customer", pools.c.key == str(customer_id))
    return _all(work, select(pools).where(which).order_by(pools.c.currency, pools.c.segment))


def post_entry(work: UnitOfWork, pool: Row, entry: Mapping[str, Any], delta: Stages) -> None:
    """Write one immutable entry and move the balance with it: of the row, which is locked, and of `pool`."""
    pool_id = pool["id"]
    for stage in ("reserved", "delivered", "receivable"):
        pool[stage] += getattr(delta, stage)
    work.execute(
        insert(entries),
        {
            **entry,
            "pool_id": pool_id,
            "reserved": delta.reserved,
            "delivered": delta.delivered,
            "receivable": delta.receivable,
            "recorded_at": work.now,
            "actor": work.caller.actor,
            "trace_id": work.trace_id,
        },
    )
    work.execute(
        update(pools)
        .where(pools.c.id == pool_id)
        .values(
            reserved=pools.c.reserved + delta.reserved,
            delivered=pools.c.delivered + delta.delivered,
            receivable=pools.c.receivable + delta.receivable,
        )
    )


def entries_of(customer_id: UUID) -> Select[Any]:
    """The entries of a customer, as a statement to be paged."""
    return select(entries).where(entries.c.customer_id == customer_id)


def balances_on(work: UnitOfWork, customer_id: UUID, currency: str, on: date) -> Stages:
    """What the customer's pool held at the end of a date, from its entries."""
    statement = (
        select(func.sum(entries.c.reserved), func.sum(entries.c.delivered), func.sum(entries.c.receivable))
        .join(pools, pools.c.id == entries.c.pool_id)
        .where(
            entries.c.customer_id == customer_id,
            pools.c.currency == currency,
            entries.c.effective_date <= on,
        )
    )
    found = work.execute(statement).one()
    return Stages(*(amount or ZERO for amount in found))


# --- grants and freezes ----------------------------------------------------------------------------------


def grants_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every grant that a customer ever had, newest first."""
    statement = select(grants).where(grants.c.customer_id == customer_id)
    statement = statement.order_by(grants.c.granted_at.desc(), grants.c.id.desc())
    found: list[Row] = work.remembered(f"grants:{customer_id}", lambda: _all(work, statement))
    return found


def as_grants(rows: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Grants as the rules see them."""
    names = Grant.__dataclass_fields__
    return [Grant(**{name: row[name] for name in names}) for row in rows]


def replace_base_grants(work: UnitOfWork, customer_id: UUID, on: date) -> None:
    """End the base grants that are in force or to come, as from a date."""
    work.execute(
        update(grants)
        .where(grants.c.customer_id == customer_id, grants.c.kind == "base", grants.c.replaced_on.is_(None))
        .values(replaced_on=func.greatest(on, grants.c.valid_from))
    )


def add_grant(work: UnitOfWork, grant: Mapping[str, Any]) -> None:
    """Insert a grant."""
    work.execute(insert(grants).values(**grant))
    work.forget(f"grants:{grant['customer_id']}")


def grant_of_application(work: UnitOfWork, application_id: str) -> Row | None:
    """The grant that an application led to."""
    return _one(work, select(grants).where(grants.c.application_id == application_id))


def customers_whose_limit_changes(work: UnitOfWork, on: date) -> list[UUID]:
    """Customers of whom a grant begins on a date or ended the day before."""
    ended = on - timedelta(days=1)
    statement = select(grants.c.customer_id).where(
        grants.c.replaced_on.is_(None), or_(grants.c.valid_from == on, grants.c.valid_to == ended)
    )
    return sorted({row.customer_id for row in work.execute(statement)})


def open_freezes(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """The freezes in force, oldest first."""
    statement = select(freezes).where(freezes.c.customer_id == customer_id, freezes.c.lifted_at.is_(None))
    statement = statement.order_by(freezes.c.frozen_at, freezes.c.id)
    found: list[Row] = work.remembered(f"freezes:{customer_id}", lambda: _all(work, statement))
    return found


def freezes_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every freeze that a customer ever had, newest first."""
    statement = select(freezes).where(freezes.c.customer_id == customer_id)
    return _all(work, statement.order_by(freezes.c.frozen_at.desc(), freezes.c.id.desc()))


def add_freeze(work: UnitOfWork, freeze: Mapping[str, Any]) -> bool:
    """Insert a freeze; False when that source froze the customer already."""
    work.forget(f"freezes:{freeze['customer_id']}")
    statement = upsert(freezes).values(**freeze).on_conflict_do_nothing().returning(freezes.c.id)
    return work.execute(statement).first() is not None


def lift_freezes(work: UnitOfWork, customer_id: UUID, ids: Sequence[UUID], on: date, why: str | None) -> None:
    """End freezes of a customer."""
    work.forget(f"freezes:{customer_id}")
    work.execute(
        update(freezes)
        .where(freezes.c.id.in_(ids))
        .values(lifted_on=on, lifted_at=work.now, lifted_by=work.caller.actor, lift_reason=why)
    )


# --- orders ----------------------------------------------------------------------------------------------


def lock_order(work: UnitOfWork, source: str, company: str, order_no: str) -> Row | None:
    """An order by its full key. Locks its row."""
    which = and_(orders.c.source == source, orders.c.company == company, orders.c.order_no == order_no)
    return _one(work, select(orders).where(which).with_for_update())


def find_orders(work: UnitOfWork, order_no: str, source: str | None, company: str | None) -> list[Row]:
    """Up to two orders with a number, narrowed by source and company where given."""
    statement = select(orders).where(orders.c.order_no == order_no)
    if source is not None:
        statement = statement.where(orders.c.source == source)
    if company is not None:
        statement = statement.where(orders.c.company == company)
    return _all(work, statement.order_by(orders.c.created_at).limit(2))


def orders_with(where: Mapping[str, Any]) -> Select[Any]:
    """Orders with these column values, as a statement to be paged."""
    return select(orders).where(*(orders.c[name] == value for name, value in where.items()))


def save_order(work: UnitOfWork, order: Mapping[str, Any]) -> None:
    """Insert an order, or write every column of one that is there."""
    statement = upsert(orders).values(**order)
    changed = {name: value for name, value in order.items() if name not in ("id", "created_at")}
    work.execute(statement.on_conflict_do_update(index_elements=[orders.c.id], set_=changed))


def add_delivery(work: UnitOfWork, delivery: Mapping[str, Any]) -> bool:
    """Insert a delivery; False when the order has one of that number already."""
    statement = upsert(deliveries).values(**delivery).on_conflict_do_nothing().returning(deliveries.c.id)
    return work.execute(statement).first() is not None


def find_delivery(work: UnitOfWork, order_id: UUID, delivery_no: str) -> Row | None:
    """A delivery of an order by its number."""
    which = and_(deliveries.c.order_id == order_id, deliveries.c.delivery_no == delivery_no)
    return _one(work, select(deliveries).where(which))


def average_order_amount(work: UnitOfWork, customer_id: UUID, currency: str, since: date) -> Decimal | None:
    """The average amount of the orders that were taken since a date; None without any."""
    statement = select(func.avg(orders.c.amount)).where(
        orders.c.customer_id == customer_id,
        orders.c.currency == currency,
        orders.c.order_date >= since,
        orders.c.status.in_(("reserved", "closed")),
    )
    found: Decimal | None = work.execute(statement).scalar()
    return found


# --- invoices, payments, allocations ---------------------------------------------------------------------


def lock_invoice(work: UnitOfWork, source: str, company: str, invoice_no: str) -> Row | None:
    """An invoice by its full key. Locks its row."""
    which = and_(
        invoices.c.source == source, invoices.c.company == company, invoices.c.invoice_no == invoice_no
    )
    return _one(work, select(invoices).where(which).with_for_update())


def lock_payment(work: UnitOfWork, source: str, company: str, payment_no: str) -> Row | None:
    """A payment by its full key. Locks its row."""
    which = and_(
        payments.c.source == source, payments.c.company == company, payments.c.payment_no == payment_no
    )
    return _one(work, select(payments).where(which).with_for_update())


def find_documents(work: UnitOfWork, kind: str, number: str, key: Mapping[str, Any]) -> list[Row]:
    """Up to two invoices or payments with a number, narrowed by source and company where given."""
    table = invoices if kind == "invoice" else payments
    statement = select(table).where(table.c[f"{kind}_no"] == number)
    for name in ("source", "company"):
        if key.get(name) is not None:
            statement = statement.where(table.c[name] == key[name])
    return _all(work, statement.limit(2))


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
    return _all(work, statement.order_by(invoices.c.due_date, invoices.c.id).with_for_update())


def invoices_named(work: UnitOfWork, customer_id: UUID, numbers: Sequence[str]) -> dict[str, Row]:
    """A customer's invoices by number, reversed ones left out. Locks their rows."""
    statement = select(invoices).where(
        invoices.c.customer_id == customer_id,
        invoices.c.invoice_no.in_(sorted(set(numbers))),
        invoices.c.status != "reversed",
    )
    return {row["invoice_no"]: row for row in _all(work, statement.order_by(invoices.c.id).with_for_update())}


def unmatched_invoices(work: UnitOfWork, customer_id: UUID, source: str, order_no: str) -> list[Row]:
    """Invoices that name an order which had not arrived. Locks their rows."""
    statement = select(invoices).where(
        invoices.c.customer_id == customer_id,
        invoices.c.source == source,
        invoices.c.order_no == order_no,
        invoices.c.order_id.is_(None),
    )
    return _all(work, statement.order_by(invoices.c.id).with_for_update())


def on_account_payments(work: UnitOfWork, customer_id: UUID, currency: str) -> list[Row]:
    """Payments of which a part is not allocated, the oldest first. Locks their rows."""
    statement = select(payments).where(
        payments.c.customer_id == customer_id, payments.c.currency == currency, payments.c.unallocated > 0
    )
    return _all(work, statement.order_by(payments.c.paid_at, payments.c.id).with_for_update())


def add_allocations(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert allocations."""
    if rows:
        work.execute(insert(allocations), [dict(row) for row in rows])


def allocations_of(work: UnitOfWork, column: str, document_id: UUID) -> list[Row]:
    """The allocations of a payment (`payment_id`) or to an invoice (`invoice_id`). Locks their rows."""
    statement = select(allocations).where(allocations.c[column] == document_id)
    return _all(work, statement.order_by(allocations.c.id).with_for_update())


def allocations_with_invoices(work: UnitOfWork, payment_id: UUID) -> list[Row]:
    """The allocations of a payment with the dates of their invoices."""
    statement = (
        select(allocations, invoices.c.due_date, invoices.c.invoice_date)
        .select_from(allocations.outerjoin(invoices, invoices.c.id == allocations.c.invoice_id))
        .where(allocations.c.payment_id == payment_id)
        .order_by(allocations.c.id)
    )
    return _all(work, statement)


def get_document(work: UnitOfWork, kind: str, document_id: UUID) -> Row:
    """An invoice or a payment that is known to be there. Locks its row."""
    table = invoices if kind == "invoice" else payments
    found = _one(work, select(table).where(table.c.id == document_id).with_for_update())
    assert found is not None  # noqa: S101 - foreign keys hold it
    return found


def waiting_allocations(work: UnitOfWork, customer_id: UUID, invoice_no: str) -> list[Row]:
    """Allocations that name an invoice which had not arrived. Locks their rows."""
    statement = select(allocations).where(
        allocations.c.customer_id == customer_id,
        allocations.c.invoice_no == invoice_no,
        allocations.c.invoice_id.is_(None),
    )
    return _all(work, statement.order_by(allocations.c.id).with_for_update())


def delete_allocations(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Take allocations back; the entries keep what happened."""
    work.execute(delete(allocations).where(allocations.c.id.in_(ids)))


# --- overdue ---------------------------------------------------------------------------------------------


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
    return [OverdueItem(**row) for row in _all(work, statement)]


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
    return _all(work, statement)


# --- decisions and rules ---------------------------------------------------------------------------------


def add_decision(work: UnitOfWork, decision: Mapping[str, Any]) -> None:
    """Insert a documented credit decision."""
    work.execute(insert(decisions).values(**decision))


def find_decision(work: UnitOfWork, decision_id: UUID | None) -> Row | None:
    """A documented credit decision."""
    return None if decision_id is None else _one(work, select(decisions).where(decisions.c.id == decision_id))


def decisions_with(where: Mapping[str, Any]) -> Select[Any]:
    """Decisions with these column values, as a statement to be paged."""
    return select(decisions).where(*(decisions.c[name] == value for name, value in where.items()))


def save_rule(work: UnitOfWork, key: str, version: int, active: bool, definition: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a published order-check rule."""
    values = {"version": version, "active": active, "definition": dict(definition)}
    statement = upsert(order_check_rules).values(key=key, **values)
    work.execute(statement.on_conflict_do_update(index_elements=[order_check_rules.c.key], set_=values))


def active_rules(work: UnitOfWork) -> list[Row]:
    """The published order-check rules in force, by key."""
    statement = select(order_check_rules).where(order_check_rules.c.active)
    return _all(work, statement.order_by(order_check_rules.c.key))


# --- the business date -----------------------------------------------------------------------------------


def business_date(work: UnitOfWork) -> date | None:
    """The open business date; None before the first was opened."""
    found: date | None = work.execute(select(business_clock.c.date)).scalar()
    return found


def read_clock(work: UnitOfWork) -> Row | None:
    """The business clock."""
    return _one(work, select(business_clock))


def lock_clock(work: UnitOfWork) -> Row | None:
    """The business clock. Locks its row, so that one opening runs at a time."""
    return _one(work, select(business_clock).with_for_update())


def set_clock(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    """Move the business clock."""
    values = {"date": on, "follows_schedule": follows_schedule}
    statement = upsert(business_clock).values(singleton=True, **values)
    work.execute(statement.on_conflict_do_update(index_elements=[business_clock.c.singleton], set_=values))


def add_business_date(work: UnitOfWork, on: date, overdue: int) -> None:
    """Note that a date was opened."""
    row = {
        "date": on,
        "opened_at": work.now,
        "opened_by": work.caller.actor,
        "overdue_customers": overdue,
    }
    work.execute(upsert(business_dates).values(**row).on_conflict_do_nothing())


def has_documents(work: UnitOfWork) -> bool:
    """Whether anything was ever ordered, invoiced or paid here."""
    return any(
        work.execute(select(table.c.id).limit(1)).first() is not None
        for table in (orders, invoices, payments)
    )


# --- documents that wait ---------------------------------------------------------------------------------


def is_new_event(work: UnitOfWork, source: str, event_id: str) -> bool:
    """Claim an ERP event id; False when it was claimed before."""
    row = {"source": source, "event_id": event_id, "received_at": work.now}
    statement = upsert(erp_event_ids).values(**row).on_conflict_do_nothing()
    return work.execute(statement.returning(erp_event_ids.c.event_id)).first() is not None


def wait_for(
    work: UnitOfWork, what: str, key: str, routing_key: str, revision: int, body: Mapping[str, Any]
) -> None:
    """Keep a document until its customer or its order arrives."""
    work.execute(
        insert(waiting_documents).values(
            waits_for=what,
            key=key,
            routing_key=routing_key,
            revision=revision,
            body=dict(body),
            received_at=work.now,
        )
    )


def take_waiting(work: UnitOfWork, what: str, keys: Sequence[str]) -> list[Row]:
    """Take the documents that waited for something, by revision and arrival. Deletes their rows."""
    taken = delete(waiting_documents).where(
        waiting_documents.c.waits_for == what, waiting_documents.c.key.in_(sorted(keys))
    )
    rows = _all(work, taken.returning(waiting_documents))
    return sorted(rows, key=lambda row: (row["revision"], row["identity"]))


def take_waiting_since(work: UnitOfWork, hours: int, limit: int) -> list[Row]:
    """Take documents that have waited for their customer longer than so many hours. Deletes their rows."""
    old = (
        select(waiting_documents.c.identity)
        .where(
            waiting_documents.c.waits_for == "customer",
            waiting_documents.c.received_at < work.now - timedelta(hours=hours),
        )
        .order_by(waiting_documents.c.identity)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = delete(waiting_documents).where(waiting_documents.c.identity.in_(old))
    return _all(work, taken.returning(waiting_documents))


# --- verification ----------------------------------------------------------------------------------------


def pool_differences(work: UnitOfWork) -> list[Row]:
    """Pools whose balance is not the sum of their entries."""
    summed = (
        select(
            entries.c.pool_id,
            func.sum(entries.c.reserved).label("reserved"),
            func.sum(entries.c.delivered).label("delivered"),
            func.sum(entries.c.receivable).label("receivable"),
        )
        .group_by(entries.c.pool_id)
        .subquery()
    )
    stages = ("reserved", "delivered", "receivable")
    differs = or_(*(pools.c[name] != func.coalesce(summed.c[name], 0) for name in stages))
    statement = (
        select(
            pools.c.id,
            pools.c.key,
            pools.c.currency,
            *(pools.c[name] for name in stages),
            *(func.coalesce(summed.c[name], 0).label(f"entries_{name}") for name in stages),
        )
        .select_from(pools.outerjoin(summed, summed.c.pool_id == pools.c.id))
        .where(differs)
    )
    return _all(work, statement)


def document_totals(work: UnitOfWork) -> dict[tuple[str, str], Stages]:
    """Exposure by customer and currency, recomputed from the documents alone."""
    totals: dict[tuple[str, str], Stages] = {}

    def add(statement: Any, make: Any) -> None:
        for row in work.execute(statement).all():
            found = tuple(row)
            key = (str(found[0]), str(found[1]))
            totals[key] = totals.get(key, Stages()) + make(found)

    by_order = select(
        orders.c.customer_id, orders.c.currency, func.sum(orders.c.reserved), func.sum(orders.c.delivered)
    ).group_by(orders.c.customer_id, orders.c.currency)
    add(by_order, lambda row: Stages(reserved=row[2], delivered=row[3]))
    for table, void, sign in ((invoices, "reversed", 1), (payments, "reversed", -1)):
        summed = (
            select(table.c.customer_id, table.c.currency, func.sum(table.c.amount))
            .where(table.c.status != void)
            .group_by(table.c.customer_id, table.c.currency)
        )
        add(summed, partial(_receivable, sign))
    return totals


def _receivable(sign: int, row: Any) -> Stages:
    return Stages(receivable=sign * row[2])


def all_pools(work: UnitOfWork) -> list[Row]:
    """Every pool of a customer."""
    return _all(work, select(pools).where(pools.c.kind == "customer"))


def order_rows(work: UnitOfWork, after: UUID | None, limit: int) -> list[Row]:
    """Orders by id, for recomputing their stages piece by piece."""
    statement = select(orders).order_by(orders.c.id).limit(limit)
    return _all(work, statement if after is None else statement.where(orders.c.id > after))


def open_amount_differences(work: UnitOfWork) -> list[Row]:
    """Invoices whose open amount is not their amount less what was allocated to them."""
    allocated = (
        select(allocations.c.invoice_id, func.sum(allocations.c.amount).label("allocated"))
        .where(allocations.c.invoice_id.is_not(None))
        .group_by(allocations.c.invoice_id)
        .subquery()
    )
    expected = invoices.c.amount - func.coalesce(allocated.c.allocated, 0)
    statement = (
        select(invoices.c.invoice_no, invoices.c.open_amount, expected.label("expected"))
        .select_from(invoices.outerjoin(allocated, allocated.c.invoice_id == invoices.c.id))
        .where(invoices.c.status != "reversed", invoices.c.open_amount != expected)
    )
    return _all(work, statement)


def counts(work: UnitOfWork) -> dict[str, int]:
    """How many rows the ledger holds of each kind."""
    tables = {
        "entries": entries,
        "pools": pools,
        "orders": orders,
        "invoices": invoices,
        "payments": payments,
    }
    return {
        name: int(work.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
