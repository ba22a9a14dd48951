"""Credit notes: they take off what is to be paid, of the invoice that they name, else of the oldest due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
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
from services.limits.operations.receivables.order_matching import move_invoiced, order_matched, order_named
from services.limits.pools import segment_within

KIND = "credit_note"


def record_credit_note(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record a credit note, matched like a payment; freezes whose cause is gone end at once.

    Answers `{"status": recorded | duplicate, "credit_note", "allocations"}`.
    """
    answer = record_credit_note_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["credit_note"]["customer_id"]])
    return answer


def foresee_credit_notes(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new credit notes will ask for. Locks their customers."""
    foresee_money(work, KIND, [_naming_its_invoice(item) for item in items])


def record_credit_note_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer_id, existing = known_money(work, KIND, received)
    if existing is not None:
        return {"status": "duplicate", **money_answer(work, existing)}
    wanted = wanted_allocations(_naming_its_invoice(received))
    order = order_named(work, received, customer_id)
    columns = {
        "paid_at": received["credit_note_date"],
        "method": KIND,
        "reason": received["reason"],
        "order_no": received["order_no"],
        "segment": segment_within(order, received["company"]),
        "order_id": order["id"] if order else None,
    }
    on = dates.effective_date(work, received["credit_note_date"], order)
    credit_note = add_money(work, KIND, customer_id, received, on, **columns)
    if order is not None:
        move_invoiced(work, order, -credit_note["amount"], "credit_note", on)
    return match_money(work, credit_note, wanted)


def reallocate_credit_note(
    work: UnitOfWork, received: Mapping[str, Any], *, keeps_named: bool = False
) -> dict[str, Any]:
    """Take back what a credit note is for, and assign it anew (`reallocate_money`)."""
    return reallocate_money(work, KIND, received, keeps_named=keeps_named)


def reverse_credit_note(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take a credit note back: what it took off is to be paid again, and exposure rises by its amount."""
    credit_note = require_money(work, KIND, received)
    order = order_matched(work, credit_note)
    if order is not None:
        move_invoiced(work, order, credit_note["amount"], "reverse_credit_note")
    return take_back(work, credit_note, received.get("reason"))


def _naming_its_invoice(received: Mapping[str, Any]) -> dict[str, Any]:
    """What was received, with all of it named for the one invoice that it is for."""
    if not received["invoice_no"]:
        return dict(received)
    amount = format_amount(received["amount"], received["currency"])
    return {**received, "allocations": [{"invoice_no": received["invoice_no"], "amount": amount}]}
