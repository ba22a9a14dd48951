"""The check of an order, and the documented credit decision that every check leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.common.money import format_amount
from services.limits import ledger, store
from services.limits.ledger import Check, Verdict
from services.limits.operations import check_rules, dates, horizon
from services.limits.operations.accounts import currency_of, later_limits, limit_of, read_accounts

_AVERAGE_DAYS = 90


def check_of(
    work: UnitOfWork, order: Mapping[str, Any], pool: Mapping[str, Any] | None, increase: Decimal
) -> Check:
    on = dates.today(work)
    rows = store.grants_of(work, order["customer_id"])
    currency = order["currency"]
    mine = any(row["currency"] == currency for row in rows)
    limit_currency = currency if mine or not rows else currency_of(rows, {}, on, work.base_currency)
    limited_in = currency if mine else limit_currency
    exposure = pool["reserved"] + pool["delivered"] + pool["receivable"] if pool else Decimal(0)
    exposure -= horizon.beyond(work, order["customer_id"], currency)
    return Check(
        increase=horizon.counted(work, order, increase),
        binds=increase,
        currency=currency,
        limit=limit_of(work, order["customer_id"], limited_in, on),
        limit_currency=limit_currency,
        exposure=exposure,
        freezes=store.open_freezes(work, order["customer_id"]),
        overdue=store.overdue_items(work, order["customer_id"], currency, on),
        later=partial(later_limits, work, order["customer_id"], limited_in, on),
    )


def judge(work: UnitOfWork, check: Check, order: Mapping[str, Any]) -> tuple[Verdict, list[dict[str, Any]]]:
    if max(check.increase, check.binds) <= 0:
        # Nothing more is bound: there is nothing to check.
        return Verdict("reserved"), []
    reasons, rules = check_rules.evaluate(work, check, order, average_asked(work, order))
    return ledger.judge(check, reasons), rules


def foresee(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Hold what the checks of these customers' orders read."""
    read_accounts(work, customer_ids)
    if check_rules.reads_average(work):
        store.read_trade(work, customer_ids, _averaged_since(work))


def _averaged_since(work: UnitOfWork) -> date:
    return dates.today(work) - timedelta(days=_AVERAGE_DAYS)


def average_asked(work: UnitOfWork, order: Mapping[str, Any]) -> Callable[[], Decimal | None]:
    """The customer's 90-day average order, asked of the database only by a rule that reads it."""

    def average() -> Decimal | None:
        since = _averaged_since(work)
        return store.average_order_amount(work, order["customer_id"], order["currency"], since)

    return average


def document(
    work: UnitOfWork,
    order: Mapping[str, Any],
    action: str,
    check: Check,
    verdict: Verdict,
    rules: list[dict[str, Any]],
    result: str,
) -> dict[str, Any]:
    decision = documented(work, order, action, check, verdict, rules, result)
    store.add_decision(work, decision)
    return decision


def documented(
    work: UnitOfWork,
    order: Mapping[str, Any],
    action: str,
    check: Check,
    verdict: Verdict,
    rules: list[dict[str, Any]],
    result: str,
) -> dict[str, Any]:
    currency = check.currency

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else format_amount(amount, currency)

    reasons = [
        {**reason.to_dict(), "needed": text(reason.needed), "available": text(reason.available)}
        for reason in verdict.reasons
    ]
    would_pass_if = {
        name: text(value) if isinstance(value, Decimal) else value
        for name, value in verdict.would_pass_if.items()
    }
    return {
        "id": new_id(),
        "customer_id": order["customer_id"],
        "order_no": order["order_no"],
        "source": order["source"],
        "company": order["company"],
        "action": action,
        "result": result,
        "amount": order["amount"],
        "currency": currency,
        "reasons": reasons,
        "would_pass_if": would_pass_if,
        "inputs": {
            "increase": text(check.increase),
            "binds": text(check.binds),
            "limit": text(check.limit.amount),
            "guaranteed": text(check.limit.guaranteed),
            "limit_state": check.limit.state,
            "exposure": text(check.exposure),
            "available": text(check.limit.available(check.exposure)),
            "frozen": bool(check.freezes),
            "overdue_items": len(check.overdue),
        },
        "rules": rules,
        "business_date": dates.today(work),
        "decided_at": work.now,
        "decided_by": work.caller.actor,
    }


def decision_view(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A documented credit decision as callers see it."""
    return {**decision, "amount": format_amount(decision["amount"], decision["currency"])}
