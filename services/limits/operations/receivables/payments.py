"""Payments: what was received is recorded, matched, and gives the limit back at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid
from services.common.ids import new_id
from services.limits import events, store
from services.limits.ledger import Stages
from services.limits.operations.accounts import (
    cure_freezes,
    lock_customers_of,
    read_accounts,
    require_customer,
    tell_accounts,
)
from services.limits.operations.orders import positive_amount
from services.limits.operations.over_limit import is_over_limit
from services.limits.operations.posting import post
from services.limits.operations.receivables.documents import require_document, same_or_conflict
from services.limits.operations.receivables.matching import (
    allocate_named,
    cover_oldest,
    free_allocations,
    payment_answer,
    tell_allocated,
    tell_payment,
)


def record_payment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record a payment, match it as its payer says, else to the oldest due; the rest stays on account.

    Freezes whose cause is paid end in this very transaction. Answers `{"status": recorded | duplicate,
    "payment", "allocations"}`.
    """
    answer = record_payment_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["payment"]["customer_id"]])
    return answer


def foresee_payments(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new payments will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    store.read_payments(work, [(item["source"], item["company"], item["payment_no"]) for item in items])
    named = [
        (item["customer_id"], part["invoice_no"]) for item in items for part in item["allocations"] or ()
    ]
    store.read_named_invoices(work, [(owner, number) for owner, number in named if owner is not None])
    if any(item["allocations"] is None for item in items):
        store.read_open_invoices(work, customer_ids)
    store.read_matchable(work, customer_ids)
    read_accounts(work, customer_ids)


def record_payment_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer = require_customer(work, received.get("customer_id"), received.get("customer_code"))
    store.lock_customers(work, [customer["id"]])
    existing = store.document_of(
        work, "payment", received["source"], received["company"], received["payment_no"]
    )
    if existing is not None:
        same_or_conflict(existing, received, customer["id"], "payment")
        return {"status": "duplicate", **payment_answer(work, existing)}
    wanted = wanted_allocations(received)
    payment = {
        "id": new_id(),
        **{name: received[name] for name in ("source", "company", "payment_no", "amount", "currency")},
        "customer_id": customer["id"],
        "unallocated": received["amount"],
        "paid_at": received["paid_at"],
        "method": received["method"],
        "status": "recorded",
        "recorded_at": work.now,
    }
    store.add_payment(work, payment)
    post(work, "payment", "payment", payment, Stages(receivable=-payment["amount"]))
    touched = allocate_named(work, payment, wanted or ())
    touched |= cover_oldest(work, customer["id"], payment["currency"])
    payment = store.documents_by_id(work, "payment", [payment["id"]])[payment["id"]]
    tell_payment(work, "payment_recorded", payment)
    tell_allocated(work, touched - {payment["id"]})
    cure_freezes(work, customer["id"])
    return {"status": "recorded", **payment_answer(work, payment)}


def reverse_payment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take a payment back: what it paid is open again, and exposure rises by its amount."""
    payment = require_document(work, "payment", received)
    if payment["status"] == "reversed":
        raise Conflict("收款已冲销", code="already_reversed")
    free_allocations(work, store.allocations_of(work, payment["id"]))
    payment.update(status="reversed", unallocated=Decimal(0))
    store.update_payment(work, payment["id"], {"status": "reversed", "unallocated": Decimal(0)})
    post(work, "reverse_payment", "payment", payment, Stages(receivable=payment["amount"]))
    events.payment_event(work, "payment_reversed", payment, [], reason=received.get("reason"))
    tell_allocated(work, cover_oldest(work, payment["customer_id"], payment["currency"]))
    tell_accounts(work, [payment["customer_id"]])
    over_limit = is_over_limit(work, payment["customer_id"], payment["currency"])
    return {"status": "reversed", "payment": events.payment_view(payment), "over_limit": over_limit}


def wanted_allocations(received: Mapping[str, Any]) -> list[tuple[str, Decimal]] | None:
    if received.get("allocations") is None:
        return None
    wanted = [
        (part["invoice_no"], positive_amount(part["amount"], received["currency"]))
        for part in received["allocations"]
    ]
    if sum((amount for _, amount in wanted), Decimal(0)) > received["amount"]:
        error = {"field": "allocations", "code": "allocations_exceed", "message": "核销合计大于收款金额"}
        raise Invalid("核销合计大于收款金额", code="allocations_exceed", errors=[error])
    if len({number for number, _ in wanted}) != len(wanted):
        error = {"field": "allocations", "code": "allocation_twice", "message": "同一发票出现两次"}
        raise Invalid("同一发票出现两次", code="allocation_twice", errors=[error])
    return wanted
