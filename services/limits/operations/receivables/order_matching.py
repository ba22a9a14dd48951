"""Which order an invoice or a credit note belongs to, whichever of them came first."""

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
from services.limits.operations.posting import bring_into
from services.limits.pools import segment_within


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


def move_invoiced(
    work: UnitOfWork, order: dict[str, Any], amount: Decimal, action: str, dated: date | None = None
) -> None:
    """Let so much more of an order be invoiced, or less, and bring its stages in line from a date on."""
    order["invoiced_total"] += amount
    restage(work, order, action, dated)


def match_order(work: UnitOfWork, order: dict[str, Any]) -> None:
    """Match the documents that named an order before it arrived; they count beside it no longer.

    One that named who ordered, and no payer, stays with that customer.
    """
    named = (order["source"], order["order_no"])
    owners = [owner for owner in (order["customer_id"], order["sold_to_id"]) if owner is not None]
    for invoice in [row for owner in owners for row in store.unmatched_invoices(work, owner, *named)]:
        if invoice["currency"] != order["currency"]:
            continue
        _take_in(work, order, ("invoice", invoice["invoice_no"]), invoice, _owed(work, invoice))
        store.update_invoice(work, invoice["id"], {name: invoice[name] for name in ("order_id", "segment")})
        if invoice["status"] != "reversed":
            order["invoiced_total"] += invoice["amount"]
    for note in [row for owner in owners for row in store.unmatched_credit_notes(work, owner, *named)]:
        if note["currency"] != order["currency"]:
            continue
        _take_in(work, order, ("credit_note", note["payment_no"]), note, -note["unallocated"])
        store.update_payment(work, note["id"], {name: note[name] for name in ("order_id", "segment")})
        if note["status"] != "reversed":
            order["invoiced_total"] -= note["amount"]


def _take_in(
    work: UnitOfWork,
    order: Mapping[str, Any],
    named: tuple[str, str],
    document: dict[str, Any],
    bound: Decimal,
) -> None:
    """Let a document belong to an order that has come, and bind what it binds in the order's segment."""
    document["order_id"] = order["id"]
    bring_into(work, segment_within(order, document["company"]), named, document, bound)


def _owed(work: UnitOfWork, invoice: Mapping[str, Any]) -> Decimal:
    """What is bound where an invoice is: what is open of it, and the bills that it was paid by."""
    rows = store.allocations_to(work, invoice["id"])
    paying = store.documents_by_id(work, "payment", [row["payment_id"] for row in rows])
    by_bill = [
        row["amount"] for row in rows if store.pending_bill_of(work, paying[row["payment_id"]]) is not None
    ]
    return sum(by_bill, start=Decimal(invoice["open_amount"]))
