"""Whose documents are: those of the customer, whose copy names salesperson and department."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, or_, select

from services.common.db import UnitOfWork
from services.common.errors import CreditError
from services.common.scopes import Facts, is_visible, of_customers, require_visible, visible_through
from services.limits import rights
from services.limits.model import customers, orders
from services.limits.store.accounts import find_customer

OWNED = of_customers(rights.ORDERS.scope_of_records, customers)
_OF_DOCUMENT = ("amount", "currency")
# Whoever reaches one of these reaches the document: who owes it, and who ordered it.
_PARTIES = ("customer_id", "sold_to_id")


def seen(work: UnitOfWork, table: Table) -> ColumnElement[bool]:
    """The documents of a table that the right of this call reaches."""
    own = {name: table.c[name] for name in _OF_DOCUMENT if name in table.c}
    parties = [customers.c.id == table.c[name] for name in _PARTIES if name in table.c]
    return visible_through(work, OWNED, or_(*parties), own)


def require_customer_seen(
    work: UnitOfWork, customer: Mapping[str, Any], missing: CreditError, document: Mapping[str, Any]
) -> None:
    """Raise `missing` unless the right of this call reaches a customer, with what a document says."""
    require_visible(work, OWNED, customer, missing, **_said_by(document))


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of a customer (by id or code), or of an order with its customer."""
    try:
        customer, document = find_customer(work, UUID(key), None), None
    except ValueError:
        customer, document = find_customer(work, None, key), None
    if customer is None:
        statement = select(orders).where(orders.c.order_no == key).limit(1)
        document = work.execute(statement).mappings().first()
        customer = find_customer(work, document["customer_id"], None) if document else None
    if customer is None:
        return None
    return OWNED.facts(customer, **_said_by(dict(document or {})))


def is_owner_seen(work: UnitOfWork, owner: Mapping[str, Any]) -> bool:
    """Whether the right of this call reaches all that a salesperson or a department owns."""
    return is_visible(work, OWNED, owner)


def is_seen(work: UnitOfWork, customer_id: UUID, document: Mapping[str, Any]) -> bool:
    """Whether the right of this call reaches a document of a customer; asks nothing where it reaches all."""
    if work.caller.clauses_of(work.right) is None:
        return True
    parties = [customer_id, document.get("sold_to_id")]
    return any(_reaches(work, one, document) for one in parties if one is not None)


def _reaches(work: UnitOfWork, customer_id: UUID, document: Mapping[str, Any]) -> bool:
    customer = find_customer(work, customer_id, None)
    return customer is not None and is_visible(work, OWNED, customer, **_said_by(document))


def _said_by(document: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions may read of a document beside its customer."""
    return {name: document[name] for name in _OF_DOCUMENT if document.get(name) is not None}
