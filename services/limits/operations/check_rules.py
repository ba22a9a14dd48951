"""The published order-check rules, evaluated in the transaction of the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from services.common import expressions
from services.common.db import UnitOfWork
from services.common.money import EXACT, floor
from services.limits import store
from services.limits.deciding import STRENGTHS, Amount, Check, Reason

# The core reason that a rule may put its own words to, and the strength that it cannot weaken.
_LIMIT_REASON = "limit_exceeded"


def evaluate(
    work: UnitOfWork, check: Check, order: Mapping[str, Any], average: Callable[[], Decimal | None]
) -> tuple[list[Reason], list[dict[str, Any]]]:
    """The reasons that the rules in force add, and which rules (key, version, fired) were asked.

    The rule on the available limit adds nothing: the limit itself is code.
    """
    rules = work.remembered("active_rules", lambda: store.active_rules(work))
    conditions = work.remembered(
        "active_conditions",
        lambda: [expressions.compile_tree(rule["definition"]["condition"]) for rule in rules],
    )
    facts = _facts(check, order)
    if reads_average(work):
        facts["average_order_90d"] = _in_limit_currency(check, average())
    reasons, asked = [], []
    for rule, condition in zip(rules, conditions, strict=True):
        definition = rule["definition"]
        fired = condition(facts) is True
        asked.append({"key": rule["key"], "version": rule["version"], "fired": fired})
        strength = definition.get("strength", "warn")
        if not fired or strength == "ignore" or definition.get("explains") == _LIMIT_REASON:
            continue
        reasons.append(
            Reason(
                code=rule["key"],
                message=definition.get("message") or definition.get("name") or rule["key"],
                strength=strength if strength in STRENGTHS else "warn",
                needed=Amount(check.increase, check.currency),
                available=None
                if facts["available"] is None
                else Amount(floor(facts["available"], check.own.currency), check.own.currency),
                rule=rule["key"],
            )
        )
    return reasons, asked


def _after(exposure: Decimal, increase: Decimal | None) -> Decimal:
    return EXACT.add(exposure, increase or Decimal(0))


def _in_limit_currency(check: Check, amount: Decimal | None) -> Decimal | None:
    return None if amount is None or check.own.missing else amount * check.own.rate


def reads_average(work: UnitOfWork) -> bool:
    """Whether a rule in force asks for the customer's average order."""
    rules = work.remembered("active_rules", lambda: store.active_rules(work))
    return any("average_order_90d" in rule["definition"].get("reads", ()) for rule in rules)


def _facts(check: Check, order: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions read; every amount in the currency of the customer's limit, so that they compare.

    Without a rate to that currency amounts are unknown.
    """
    own = check.own
    limit = own.limit.amount

    def known(amount: Decimal | None) -> Decimal | None:
        return None if own.missing or amount is None else amount

    exposure, increase = known(own.exposure), known(own.increase)
    return {
        "amount": known(EXACT.multiply(order["amount"], own.rate)),
        "increase": increase,
        "currency": check.currency,
        "limit": limit,
        "exposure": exposure,
        "available": known(own.available),
        "utilisation": exposure / limit if limit and exposure is not None else None,
        "utilisation_after": _after(exposure, increase) / limit if limit and exposure is not None else None,
        "frozen": bool(check.freezes),
        "overdue_amount": known(EXACT.multiply(check.overdue_amount, own.rate)),
        "overdue_items": len(check.overdue),
        "average_order_90d": None,
    }
