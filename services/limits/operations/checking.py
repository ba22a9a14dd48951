"""The check of an order, and the documented credit decision that every check leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.common.money import EXACT, ceiling, floor, format_amount
from services.common.paging import page
from services.common.strict_json import Plain
from services.limits import deciding, store
from services.limits.deciding import Amount, Check, PoolCheck, Verdict
from services.limits.ledger import OverdueItem
from services.limits.model import decisions
from services.limits.operations import carriers, check_rules, dates, exchange, horizon, override_uses
from services.limits.operations.accounts import read_accounts
from services.limits.operations.filters import wanted_columns
from services.limits.rates import ONE, RateMissing

_AVERAGE_DAYS = 90
_FILTERS = ("order_no", "result", "source", "company")


def check_of(work: UnitOfWork, order: Mapping[str, Any], increase: Decimal) -> Check:
    """What an order, as it is to be, is judged on: `increase` is what it would bind more."""
    counted = horizon.counted(work, order, increase)
    payer = order["customer_id"]
    return Check(
        increase=counted,
        binds=increase,
        currency=order["currency"],
        pools=carriers.pool_checks(work, order, counted, increase),
        freezes=store.open_freezes(work, payer),
        overdue=_overdue(work, order),
        whitelisted=store.lock_customers(work, [payer])[payer]["whitelisted"],
        overrides=override_uses.usable(work, order),
    )


def _overdue(work: UnitOfWork, order: Mapping[str, Any]) -> list[OverdueItem]:
    """What the customer owes too late, in the order's currency; what has no rate to it is left out."""
    on, customer_id, target = dates.today(work), order["customer_id"], order["currency"]
    currencies = {target, *(row["currency"] for row in store.customer_pools(work, customer_id))}
    late = {each: store.overdue_items(work, customer_id, each, on) for each in currencies}
    rates = exchange.rates_for(work, {target, *(each for each, items in late.items() if items)})
    found = []
    for each, items in late.items():
        try:
            rate = rates.between(each, target) if items else ONE
        except RateMissing:
            continue
        found += [replace(item, open_amount=EXACT.multiply(item.open_amount, rate)) for item in items]
    return found


def judge(work: UnitOfWork, check: Check, order: Mapping[str, Any]) -> tuple[Verdict, list[dict[str, Any]]]:
    if max(check.increase, check.binds) <= 0:
        # Nothing more is bound: there is nothing to check.
        return Verdict("reserved"), []
    reasons, rules = check_rules.evaluate(work, check, order, average_asked(work, order))
    return deciding.judge(check, reasons), rules


def foresee(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Hold what the checks of these customers' orders read."""
    read_accounts(work, customer_ids)
    carriers.foresee(work, customer_ids)
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
    return {
        "id": new_id(),
        "customer_id": order["customer_id"],
        "order_no": order["order_no"],
        "source": order["source"],
        "company": order["company"],
        "action": action,
        "result": result,
        "amount": order["amount"],
        "currency": check.currency,
        "reasons": [reason.to_dict() for reason in verdict.reasons],
        "would_pass_if": verdict.would_pass_if,
        "inputs": _inputs(check, order, verdict),
        "rules": rules,
        "business_date": dates.today(work),
        "decided_at": work.now,
        "decided_by": work.caller.actor,
    }


def _inputs(check: Check, order: Mapping[str, Any], verdict: Verdict) -> Plain:
    """What was judged, as the decision keeps it."""
    return Plain.of(
        {
            "increase": Amount(check.increase, check.currency).text,
            "binds": Amount(check.binds, check.currency).text,
            **_figures(check.own),
            "pools": [{"pool": pool.name, **_figures(pool)} for pool in check.pools],
            "frozen": bool(check.freezes),
            **({"whitelisted": True} if check.whitelisted else {}),
            "overdue_items": len(check.overdue),
            **_override(check, verdict),
            **({"sold_to_id": order["sold_to_id"]} if order["sold_to_id"] else {}),
        }
    )


def _override(check: Check, verdict: Verdict) -> dict[str, Any]:
    """The special approval that let the order pass, and how much of it was left before."""
    if verdict.override is None:
        return {}
    left = Amount(verdict.override.left, check.currency).text
    return {"override": {"id": str(verdict.override.id), "left": left}}


def _figures(pool: PoolCheck) -> dict[str, Any]:
    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else Amount(amount, pool.currency).text

    available = None if pool.missing else pool.available
    rates = {each: f"{rate:f}" for each, rate in sorted(pool.rates.items())}
    return {
        "currency": pool.currency,
        "limit": text(pool.limit.amount),
        "guaranteed": text(pool.limit.guaranteed),
        "limit_state": pool.limit.state,
        "exposure": text(ceiling(pool.exposure, pool.currency)),
        "available": None if available is None else text(floor(available, pool.currency)),
        **({"rates": rates} if rates else {}),
        **({"rates_missing": list(pool.missing)} if pool.missing else {}),
    }


def decision_view(decision: Mapping[str, Any]) -> Plain:
    """A documented credit decision as callers see it."""
    return Plain.of({**decision, "amount": format_amount(decision["amount"], decision["currency"])})


def list_decisions(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of documented credit decisions, newest first."""
    return page(
        work,
        store.decisions_with(work, wanted_columns(received["where"], _FILTERS)),
        received,
        sort={"decided_at": decisions.c.decided_at},
        key=decisions.c.id,
        default_sort="-decided_at",
        to_item=decision_view,
    )
