"""What pays invoices, payments and credit notes alike: recorded, matched, assigned anew, and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, invalid_field
from services.common.ids import new_id
from services.limits import store
from services.limits.events.receivables import money_event, money_view
from services.limits.ledger import ZERO, Stages
from services.limits.operations import carriers
from services.limits.operations.accounts import (
    cure_freezes,
    lock_customers_of,
    read_accounts,
    tell_accounts,
)
from services.limits.operations.aging import tell_aged
from services.limits.operations.orders import positive_amount
from services.limits.operations.over_limit import is_over_limit
from services.limits.operations.posting import post
from services.limits.operations.receivables.documents import require_document, same_or_conflict
from services.limits.operations.receivables.matching import (
    allocate_named,
    cover_oldest,
    free_allocations,
    money_answer,
    tell_allocated,
    tell_money,
)
from services.limits.operations.receivables.order_matching import owner_named

_WORDS = {"payment": "收款", "credit_note": "红字发票"}
Wanted = list[tuple[str, Decimal]]


def foresee_money(work: UnitOfWork, kind: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new payments or credit notes will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    keys = [(item["source"], item["company"], item[f"{kind}_no"]) for item in items]
    named = [
        (item["payer_id"] or item["customer_id"], part["invoice_no"])
        for item in items
        for part in item["allocations"] or ()
    ]
    with store.together(work):
        store.read_payments(work, keys, kind)
        store.read_named_invoices(work, [(owner, number) for owner, number in named if owner is not None])
        if any(item["allocations"] is None for item in items):
            store.read_open_invoices(work, customer_ids)
        store.read_matchable(work, customer_ids)
        read_accounts(work, customer_ids)
        carriers.foresee(work, customer_ids)


def known_money(
    work: UnitOfWork, kind: str, received: Mapping[str, Any]
) -> tuple[UUID, dict[str, Any] | None]:
    """The customer of what was received, locked, and the document if it was recorded before.

    `Conflict` where that has another content.
    """
    customer = owner_named(work, received)
    existing = store.document_of(work, kind, received["source"], received["company"], received[f"{kind}_no"])
    if existing is not None:
        same_or_conflict(existing, received, customer["id"], kind)
    return customer["id"], existing


def add_money(
    work: UnitOfWork, kind: str, customer_id: UUID, received: Mapping[str, Any], on: date, **columns: Any
) -> dict[str, Any]:
    """Insert a payment or a credit note, and post what it takes off from a date on; `columns` are its own."""
    money = {
        "id": new_id(),
        "kind": kind,
        "payment_no": received[f"{kind}_no"],
        **{name: received[name] for name in ("source", "company", "amount", "currency")},
        "customer_id": customer_id,
        "segment": received["company"],
        "unallocated": received["amount"],
        **columns,
        "status": "recorded",
        "recorded_at": work.now,
        "free_since": on,
    }
    store.add_payment(work, money)
    _post(work, kind, money, -money["amount"], on)
    return money


def match_money(work: UnitOfWork, money: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Let what was just recorded pay what it is for, and what is due first; answers how it stands then."""
    touched = allocate_named(work, money, wanted)
    touched |= cover_oldest(work, money["customer_id"], money["currency"])
    money = held_money(work, money)
    tell_money(work, "recorded", money)
    tell_allocated(work, touched - {money["id"]})
    cure_freezes(work, money["customer_id"])
    return {"status": "recorded", **money_answer(work, money)}


def reallocate_money(
    work: UnitOfWork, kind: str, received: Mapping[str, Any], *, keeps_named: bool
) -> dict[str, Any]:
    """Take back what a payment or a credit note is for, and assign it anew.

    The customer's exposure does not move, but what a segment holds may rise: that is flagged. With
    `keeps_named` only what nobody assigned is taken back. What is named then is paid, and the rest covers
    what is due first. `Invalid` when more is named than there is.
    """
    money = require_money(work, kind, received)
    rows = store.allocations_of(work, money["id"])
    taken_back = [row for row in rows if row["automatic"] or not keeps_named]
    kept = sum((row["amount"] for row in rows if row not in taken_back), ZERO)
    wanted = wanted_allocations({**received, "amount": money["amount"] - kept, "currency": money["currency"]})
    paid = [row["invoice_id"] for row in taken_back if row["invoice_id"] is not None]
    free_allocations(work, taken_back)
    touched = allocate_named(work, held_money(work, money), wanted)
    touched |= cover_oldest(work, money["customer_id"], money["currency"])
    money = held_money(work, money)
    concerned = [money, *store.documents_by_id(work, "invoice", paid).values()]
    over_limit = any(is_over_limit(work, document) for document in concerned)
    tell_money(work, "allocated", money, over_limit=over_limit)
    tell_allocated(work, touched - {money["id"]})
    cure_freezes(work, money["customer_id"])
    tell_aged(work, money["customer_id"])
    tell_accounts(work, [money["customer_id"]])
    return {"status": "allocated", **money_answer(work, money), "over_limit": over_limit}


def require_money(work: UnitOfWork, kind: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """A payment or a credit note that was not taken back. Locks its customer."""
    money = require_document(work, kind, received)
    if money["status"] == "reversed":
        raise Conflict(f"{_WORDS[kind]}已冲销", code="already_reversed")
    return money


def take_back(work: UnitOfWork, money: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """Take one back that is held: what it paid is open again, and exposure rises by its amount.

    It has happened, so it is done whatever the limit says, and flagged where it is over it.
    """
    kind, customer_id = money["kind"], money["customer_id"]
    free_allocations(work, store.allocations_of(work, money["id"]))
    money.update(status="reversed", unallocated=ZERO)
    store.update_payment(work, money["id"], {"status": "reversed", "unallocated": ZERO})
    _post(work, f"reverse_{kind}", money, money["amount"])
    over_limit = is_over_limit(work, money)
    money_event(work, "reversed", money, [], reason=reason, over_limit=over_limit)
    tell_allocated(work, cover_oldest(work, customer_id, money["currency"]))
    tell_aged(work, customer_id)
    tell_accounts(work, [customer_id])
    return {"status": "reversed", kind: money_view(money), "over_limit": over_limit}


def wanted_allocations(received: Mapping[str, Any]) -> Wanted:
    """What is named, as (invoice number, amount); `Invalid` when it is more than `amount`, or named twice."""
    wanted = [
        (part["invoice_no"], positive_amount(part["amount"], received["currency"]))
        for part in received.get("allocations") or ()
    ]
    if sum((amount for _, amount in wanted), ZERO) > received["amount"]:
        raise invalid_field("allocations", "allocations_exceed", "核销合计大于收款金额")
    if len({number for number, _ in wanted}) != len(wanted):
        raise invalid_field("allocations", "allocation_twice", "同一发票出现两次")
    return wanted


def held_money(work: UnitOfWork, money: Mapping[str, Any]) -> dict[str, Any]:
    """A payment or a credit note as the unit of work has it by now."""
    return store.documents_by_id(work, "payment", [money["id"]])[money["id"]]


def _post(
    work: UnitOfWork, action: str, money: Mapping[str, Any], receivable: Decimal, on: date | None = None
) -> None:
    numbered = {**money, f"{money['kind']}_no": money["payment_no"]}
    post(work, action, money["kind"], numbered, Stages(receivable=receivable), on)
