"""Which order an invoice or a credit note belongs to; one that came before its order waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.operations.accounts import require_customer, require_parties
from services.limits.operations.orders import restage


def owner_named(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Whose a new invoice or credit note is, locked: the payer that it names, else that of its order, else
    the customer."""
    customer, payer = require_parties(work, received)
    if payer is None:
        order = order_named(work, received, customer["id"])
        payer = customer if order is None else require_customer(work, order["customer_id"])
    store.lock_customers(work, [payer["id"]])
    return payer


def order_named(work: UnitOfWork, named: Mapping[str, Any], customer_id: UUID) -> dict[str, Any] | None:
    """The order that a document names, if it is there, in the document's currency, and this customer ordered
    it or pays it."""
    if not named.get("order_no"):
        return None
    order = store.order_of(work, named["source"], named["company"], named["order_no"])
    if order is None:
        found = store.find_orders(work, named["order_no"], None, None)
        if len(found) == 1:
            order = store.order_of(work, found[0]["source"], found[0]["company"], named["order_no"])
    if order is None or order["currency"] != named["currency"]:
        return None
    return order if customer_id in (order["customer_id"], order["sold_to_id"]) else None


def order_matched(work: UnitOfWork, document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The order to which a document was matched, whoever pays it by now. Locks its customer."""
    found = store.held_orders(work, [document["order_id"]]) if document["order_id"] else []
    return found[0] if found else None


def move_invoiced(
    work: UnitOfWork, order: dict[str, Any], amount: Decimal, action: str, dated: date | None = None
) -> None:
    """Let so much more of an order be invoiced, or less, and bring its stages in line from a date on."""
    order["invoiced_total"] += amount
    restage(work, order, action, dated)
