"""The rules about rules: what a definition must be, when it fires, and how customers are graded. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.common.errors import Invalid, invalid_field
from services.common.expressions import (
    ExpressionError,
    Field,
    Fields,
    check,
    evaluate,
    field,
    parse,
    record_from_json,
    to_text,
)

_AMOUNT, _SHARE = "金额", "比例"
_CURRENCY = field("currency", "text", "币种", "currency")
_LIMIT = field("limit", "number", "授信额度", "credit limit", _AMOUNT)
_EXPOSURE = field("exposure", "number", "已占用", "exposure", _AMOUNT)
_UTILISATION = field("utilisation", "number", "额度使用率", "utilisation", _SHARE)
_OVERDUE = field("overdue_amount", "number", "逾期金额", "overdue amount", _AMOUNT)


def _facts(*known: Field) -> Fields:
    return Fields({each.key: each for each in known})


# The facts that a rule may read, by what it is asked at.
TRIGGERS: dict[str, Fields] = {
    "order_check": _facts(
        field("amount", "number", "订单金额", "order amount", _AMOUNT),
        field("increase", "number", "新增占用", "increase of the exposure", _AMOUNT),
        _CURRENCY,
        _LIMIT,
        _EXPOSURE,
        field("available", "number", "可用额度", "available", _AMOUNT),
        _UTILISATION,
        field("utilisation_after", "number", "下单后使用率", "utilisation with the order", _SHARE),
        field("frozen", "bool", "已冻结", "frozen"),
        _OVERDUE,
        field("overdue_items", "number", "逾期笔数", "overdue items", "笔"),
        field("average_order_90d", "number", "近90天平均订单", "average order of 90 days", _AMOUNT),
    ),
    "overdue": _facts(
        field("max_days_overdue", "number", "最长逾期天数", "days overdue", "天"), _OVERDUE, _CURRENCY
    ),
    "utilisation": _facts(_UTILISATION, _EXPOSURE, _LIMIT, field("state", "text", "额度状态", "limit state")),
}
STRENGTHS = ("ignore", "warn", "approve", "block")
ACTIONS = ("mail", "notify", "todo", "freeze")

GRADES = ((85, "A"), (70, "B"), (50, "C"), (30, "D"))
_FULL_SCORE = 100
_LATE_POINTS_MAX = 40
_ON_TIME_POINTS = 60


def checked_definition(received: Mapping[str, Any]) -> dict[str, Any]:
    """A rule's definition with its condition as a checked tree; `Invalid` names every place at fault.

    The condition comes as text or as a tree; both are kept, and the facts that it reads.
    """
    trigger = received.get("trigger")
    if trigger not in TRIGGERS:
        _refuse("trigger", f"触发类型应为 {', '.join(TRIGGERS)}")
    if received.get("strength", "warn") not in STRENGTHS:
        _refuse("strength", f"控制强度应为 {', '.join(STRENGTHS)}")
    for place, action in enumerate(received.get("actions") or ()):
        if not isinstance(action, Mapping) or action.get("kind") not in ACTIONS:
            _refuse(f"actions.{place}.kind", f"动作类型应为 {', '.join(ACTIONS)}")
    condition = received.get("condition")
    try:
        tree = parse(condition) if isinstance(condition, str) else condition
        checked = check(tree, TRIGGERS[str(trigger)], "bool")
        text = to_text(checked.tree)
    except ExpressionError as problem:
        errors = [{"field": "condition", **error} for error in problem.errors]
        raise Invalid(f"条件有误: {problem}", code="condition", errors=errors) from problem
    return {**received, "condition": checked.tree, "condition_text": text, "reads": checked.reads}


def fires(definition: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a rule's condition is true for these facts; unknown facts make it false."""
    return evaluate(definition["condition"], facts) is True


def given_facts(trigger: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a trigger from JSON, null where not given; `Invalid` names one of another type."""
    try:
        return record_from_json(received, TRIGGERS[trigger])
    except ExpressionError as problem:
        raise Invalid(f"事实有误: {problem}", code="facts", errors=problem.errors) from problem


@dataclass(frozen=True)
class Behaviour:
    """How a customer has paid. `amount_days_late` is Σ amount × days late."""

    paid: Decimal = Decimal(0)
    paid_on_time: Decimal = Decimal(0)
    amount_days_late: Decimal = Decimal(0)
    max_days_overdue: int = 0


def score(behaviour: Behaviour) -> tuple[int, list[str]]:
    """Points from 0 to 100 and why, from behaviour alone; who has not paid yet stands in the middle.

    60 points for the share paid on time (DOMAIN.md: on-time rate), up to 40 less the weighted average days
    late, and less the days by which the oldest open item is overdue now.
    """
    if not behaviour.paid:
        points = Decimal(60)
        reasons = ["尚无付款记录"]
    else:
        on_time = behaviour.paid_on_time / behaviour.paid
        late = behaviour.amount_days_late / behaviour.paid
        points = on_time * _ON_TIME_POINTS + max(Decimal(0), _LATE_POINTS_MAX - late)
        reasons = [f"按期付款率 {on_time * 100:.0f}%", f"加权平均逾期 {late:.1f} 天"]
    if behaviour.max_days_overdue:
        points -= min(behaviour.max_days_overdue, 60)
        reasons.append(f"当前最长逾期 {behaviour.max_days_overdue} 天")
    return max(0, min(_FULL_SCORE, int(points))), reasons


def grade_of(points: int) -> str:
    """The grade of a score: A from 85, B from 70, C from 50, D from 30, else E."""
    return next((grade for least, grade in GRADES if points >= least), "E")


def _refuse(field: str, message: str) -> None:
    raise invalid_field(field, "rule", message)
