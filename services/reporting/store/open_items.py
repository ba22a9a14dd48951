"""What is open of each invoice on a date, instalment by instalment, and what was paid of each and when."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, cast, func, literal, select
from sqlalchemy.types import Integer

from services.reporting.model import fact_allocation, fact_instalment, fact_invoice, ledger_settings

_BUCKETS = ((0, "current"), (30, "1-30"), (60, "31-60"), (90, "61-90"), (180, "91-180"))
_LAST_BUCKET = ">180"


def open_items(on: date) -> Any:
    """Invoices, each of their instalments by itself, with what was open of each at the end of a date.

    `due_amount` is the amount without what credit notes and write-offs took off, the last instalments
    first; `late_amount` is what is open without what is disputed, where that is not overdue.
    """
    taken_off = func.sum(fact_allocation.c.amount).filter(fact_allocation.c.kind != "payment")
    paid = (
        select(
            fact_allocation.c.invoice_id,
            func.sum(fact_allocation.c.amount).label("paid"),
            taken_off.label("taken_off"),
        )
        .where(fact_allocation.c.allocated_on <= on)
        .group_by(fact_allocation.c.invoice_id)
        .subquery("paid")
    )
    part = fact_instalment.c
    open_of_all = fact_invoice.c.amount - func.coalesce(paid.c.paid, 0)
    open_amount = func.least(part.amount, func.greatest(open_of_all - part.later, 0))
    open_before = func.greatest(open_of_all - part.later - part.amount, 0)
    spared = case((_disputes_are_overdue(), 0), else_=fact_invoice.c.disputed)
    due_before = fact_invoice.c.amount - part.later - part.amount
    due_of_all = fact_invoice.c.amount - func.coalesce(paid.c.taken_off, 0)
    return (
        select(
            fact_invoice.c.id,
            fact_invoice.c.customer_id,
            fact_invoice.c.invoice_no,
            fact_invoice.c.currency,
            fact_invoice.c.invoice_date,
            part.amount,
            part.due_date,
            open_amount.label("open_amount"),
            _within(due_of_all - due_before, part.amount).label("due_amount"),
            (open_amount - _within(spared - open_before, open_amount)).label("late_amount"),
        )
        .select_from(
            fact_invoice.join(fact_instalment, part.invoice_id == fact_invoice.c.id).outerjoin(
                paid, paid.c.invoice_id == fact_invoice.c.id
            )
        )
        .where(fact_invoice.c.reversed.is_(False), fact_invoice.c.invoice_date <= on)
        .subquery("items")
    )


def _within(amount: ColumnElement[Any], most: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.least(most, func.greatest(amount, 0))


def _disputes_are_overdue() -> ColumnElement[bool]:
    return func.coalesce(select(ledger_settings.c.disputes_are_overdue).scalar_subquery(), True)


def bucket_of(due: ColumnElement[Any], on: date) -> ColumnElement[Any]:
    """The aging bucket of a due date on a date."""
    days = cast(literal(on) - due, Integer)
    return case(*((days <= last, name) for last, name in _BUCKETS), else_=_LAST_BUCKET)


def shares() -> Any:
    """What took off which instalment, and when: in the order of their dates, the first falls on the first."""
    running = func.sum(fact_allocation.c.amount).over(
        partition_by=fact_allocation.c.invoice_id,
        order_by=(fact_allocation.c.allocated_on, fact_allocation.c.payment_id),
    )
    taken = select(fact_allocation, running.label("upto")).subquery("taken")
    part = fact_instalment.c
    part_ends = fact_invoice.c.amount - part.later
    ends = func.least(taken.c.upto, part_ends)
    begins = func.greatest(taken.c.upto - taken.c.amount, part_ends - part.amount)
    return (
        select(
            fact_invoice.c.customer_id,
            fact_invoice.c.currency,
            fact_invoice.c.invoice_date,
            part.due_date,
            taken.c.kind,
            taken.c.allocated_on,
            (ends - begins).label("amount"),
        )
        .select_from(
            taken.join(fact_invoice, fact_invoice.c.id == taken.c.invoice_id).join(
                fact_instalment, part.invoice_id == taken.c.invoice_id
            )
        )
        .where(fact_invoice.c.reversed.is_(False), ends > begins)
        .subquery("shares")
    )
