"""Payments: what was received is recorded, matched, and gives the limit back at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.receivables.bills import receive_bill, require_free_number, void_bill
from services.limits.operations.receivables.matching import money_answer
from services.limits.operations.receivables.money import (
    add_money,
    foresee_money,
    known_money,
    match_money,
    reallocate_money,
    require_money,
    take_back,
    wanted_allocations,
)

KIND = "payment"


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
    foresee_money(work, KIND, items)


def record_payment_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer_id, existing = known_money(work, KIND, received)
    if existing is not None:
        return {"status": "duplicate", **money_answer(work, existing)}
    wanted = wanted_allocations(received)
    require_free_number(work, received)
    columns = {"paid_at": received["paid_at"], "method": received["method"]}
    on = dates.effective_date(work, received["paid_at"])
    payment = add_money(work, KIND, customer_id, received, on, **columns)
    if received["bill"]:
        receive_bill(work, payment, received, on)
    return match_money(work, payment, wanted)


def reallocate_payment(
    work: UnitOfWork, received: Mapping[str, Any], *, keeps_named: bool = False
) -> dict[str, Any]:
    """Take back what a payment is for, and assign it anew (`reallocate_money`)."""
    return reallocate_money(work, KIND, received, keeps_named=keeps_named)


def reverse_payment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take a payment back: what it paid is open again, and exposure rises by its amount."""
    payment = require_money(work, KIND, received)
    void_bill(work, payment, received.get("reason"))
    return take_back(work, payment, received.get("reason"))
