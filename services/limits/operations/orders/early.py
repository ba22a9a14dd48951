"""What came before its order: invoices and credit notes that named it belong to it, and count beside it no
longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.ledger import ZERO
from services.limits.operations.posting import bring_into
from services.limits.pools import segment_within


def foresee(work: UnitOfWork, keys: Iterable[tuple[str, str, str]], customer_ids: Sequence[UUID]) -> None:
    """Hold what came before the orders with these keys (`read_arriving`), and names these customers.

    They are locked. Locks the documents that wait.
    """
    early = [key for key in keys if store.is_named_before(work, key)]
    if early:
        with store.together(work):
            store.read_unmatched(work, [(source, number) for source, _, number in early], customer_ids)
            store.read_waiting(work, "order", [store.key_of_order(*key) for key in early])


def is_early(work: UnitOfWork, order: Mapping[str, Any]) -> bool:
    """Whether anything came before an order that is not there yet."""
    return store.is_named_before(work, (order["source"], order["company"], order["order_no"]))


def invoiced_before(work: UnitOfWork, order: dict[str, Any]) -> Decimal:
    """How much of an order was invoiced before it came, less what credit notes took back of it."""
    invoices, notes = (store.unmatched(work, kind, order) for kind in ("invoice", "credit_note"))
    return _counted(invoices) - _counted(notes)


def _counted(rows: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((row["amount"] for row in rows if row["status"] != "reversed"), ZERO)


def match_order(work: UnitOfWork, order: dict[str, Any]) -> bool:
    """Match the documents that named an order before it arrived; returns whether there were any.

    They count in `order` then, which is not saved. One that named who ordered, and no payer, stays with that
    customer.
    """
    invoices, notes = (store.unmatched(work, kind, order) for kind in ("invoice", "credit_note"))
    for invoice in invoices:
        _take_in(work, order, ("invoice", invoice["invoice_no"]), invoice, _owed(work, invoice))
        store.update_invoice(work, invoice["id"], {name: invoice[name] for name in ("order_id", "segment")})
    for note in notes:
        _take_in(work, order, ("credit_note", note["payment_no"]), note, -note["unallocated"])
        store.update_payment(work, note["id"], {name: note[name] for name in ("order_id", "segment")})
    order["invoiced_total"] += _counted(invoices) - _counted(notes)
    return bool(invoices or notes)


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
