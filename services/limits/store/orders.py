"""Orders and deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO
from services.limits.model import deliveries, orders
from services.limits.store.book import among_ids, book_of
from services.limits.store.documents import (
    DocumentKey,
    found_with_number,
    held_document,
    hold_documents,
    with_owners_locked,
)
from services.limits.store.order_days import TRADE_SINCE, is_counted
from services.limits.store.owned import seen
from services.limits.store.reservations import note_reservation
from services.limits.store.rows import Row, all_rows

_DELIVERIES = select(deliveries).where(among_ids(deliveries.c.order_id))
_BY_IDS = select(orders).where(among_ids(orders.c.id))


def read_orders(work: UnitOfWork, keys: Iterable[DocumentKey]) -> None:
    """Hold the orders with these keys."""
    hold_documents(work, "order", keys)


def order_of(work: UnitOfWork, source: str, company: str, order_no: str) -> Row | None:
    """An order by its full key; whoever changes it holds its customer's lock."""
    return held_document(work, "order", (source, company, order_no))


def find_orders(work: UnitOfWork, order_no: str, source: str | None, company: str | None) -> list[Row]:
    """Up to two orders with a number, narrowed by source and company where given."""
    return found_with_number(work, "order", order_no, {"source": source, "company": company})


def orders_with(work: UnitOfWork, where: Mapping[str, Any]) -> Select[Any]:
    """The caller's orders with these values, to be paged; `customer_id` is who ordered or who pays."""
    conditions = [seen(work, orders)]
    for name, value in where.items():
        if name == "customer_id":
            conditions.append(or_(orders.c.customer_id == value, orders.c.sold_to_id == value))
        else:
            conditions.append(orders.c["customer_id" if name == "payer_id" else name] == value)
    return select(orders).where(*conditions)


def save_order(work: UnitOfWork, order: Mapping[str, Any]) -> None:
    """Insert an order, or write every column of one that is there."""
    shelf = book_of(work).orders
    before = shelf.get(order["id"])
    if before is None:
        shelf.add(order)
    else:
        shelf.change(order["id"], order)
    note_reservation(work, before, order)


def add_delivery(work: UnitOfWork, delivery: Mapping[str, Any]) -> bool:
    """Insert a delivery; False when the order has one of that number already."""
    if find_delivery(work, delivery["order_id"], delivery["delivery_no"]) is not None:
        return False
    book_of(work).deliveries.add(delivery)
    return True


def find_delivery(work: UnitOfWork, order_id: UUID, delivery_no: str) -> Row | None:
    """A delivery of an order by its number."""
    book = book_of(work)
    book.fetch_ids("deliveries", [order_id], _DELIVERIES, book.deliveries)
    found = book.deliveries.find(("order_id",), order_id)
    return next((row for row in found if row["delivery_no"] == delivery_no), None)


def reverse_delivery(work: UnitOfWork, delivery_id: UUID, on: date) -> None:
    """Note that a delivery that is held was taken back."""
    book_of(work).deliveries.change(delivery_id, {"reversed_on": on})


def held_order(work: UnitOfWork, order_id: UUID) -> Row | None:
    """An order as this unit of work holds it; None for one that is not there yet."""
    return book_of(work).orders.get(order_id)


def held_orders(work: UnitOfWork, ids: Iterable[UUID]) -> list[Row]:
    """Orders by their ids, held. Locks their customers."""
    book, wanted = book_of(work), list(ids)

    def read(ids: list[UUID]) -> list[Row]:
        return all_rows(work, _BY_IDS, {"ids": ids})

    checked = partial(with_owners_locked, work, read)
    book.fetch("order-by-id", wanted, _BY_IDS, book.orders, lambda ids: {"ids": ids}, checked=checked)
    found = (book.orders.get(order_id) for order_id in wanted)
    return [row for row in found if row is not None]


def read_trade(work: UnitOfWork, customer_ids: Iterable[UUID], since: date) -> None:
    """Hold what these customers have ordered since a date, as the database has it."""
    totals: dict[UUID, dict[str, Row]] = work.remembered(f"trade:{since}", dict)
    missing = [customer_id for customer_id in dict.fromkeys(customer_ids) if customer_id not in totals]

    def take(rows: list[Row]) -> None:
        totals.update((customer_id, {}) for customer_id in missing)
        for row in rows:
            totals[row["customer_id"]][row["currency"]] = row

    if missing:
        book_of(work).ask(TRADE_SINCE, {"ids": missing, "since": since}, take)


def average_order_amount(work: UnitOfWork, customer_id: UUID, currency: str, since: date) -> Decimal | None:
    """The average amount of the orders that were taken since a date; None without any."""
    read_trade(work, [customer_id], since)
    totals: dict[UUID, dict[str, Row]] = work.remembered(f"trade:{since}", dict)
    read = totals[customer_id].get(currency)
    amount, count = (read["amount"], read["count"]) if read else (ZERO, 0)
    for row, sign in book_of(work).orders.changes_of(("customer_id",), customer_id):
        if row["currency"] == currency and row["order_date"] >= since and is_counted(row):
            amount += sign * row["amount"]
            count += sign
    return amount / count if count else None
