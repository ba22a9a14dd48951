"""The rules that the product ships with, as ordinary, editable data (DOMAIN.md)."""

from __future__ import annotations

from typing import Any

from services.common.db import UnitOfWork
from services.risk_rules import operations, store

_DUNNING_TEXT = (
    "客户 {customer_name} ({customer_code}) 截至 {business_date} 共有逾期款 {overdue_amount} {currency}, "
    "最长逾期 {max_days_overdue} 天。\n\n{item_lines}\n"
)

SEEDS: tuple[dict[str, Any], ...] = (
    {
        "key": "order-credit-check",
        "name": "订单信用检查",
        "trigger": "order_check",
        "condition": "available < increase",
        "strength": "block",
        "explains": "limit_exceeded",
        "message": "可用额度不足, 可申请信用特批或先收回逾期款",
        "actions": [],
    },
    {
        "key": "unusual-order",
        "name": "异常交易",
        "trigger": "order_check",
        "condition": "amount > 3 * average_order_90d",
        "strength": "warn",
        "message": "订单金额超过该客户近 90 天平均订单的 3 倍",
        "actions": [],
    },
    {
        "key": "utilisation-80",
        "name": "额度预警",
        "trigger": "utilisation",
        "condition": "utilisation > 80%",
        "strength": "warn",
        "actions": [
            {
                "kind": "notify",
                "to": ["sales_owner", "role:risk_analyst"],
                "subject": "额度预警: {customer_name}",
                "body": "客户 {customer_name} 的额度使用率已达 {utilisation_percent}。",
            }
        ],
    },
    {
        # An order is refused; an invoice, a delivery or a reversal has happened, and somebody must know.
        "key": "over-limit",
        "name": "超限提醒",
        "trigger": "utilisation",
        "condition": 'OR(exposure > limit, AND(exposure > 0, OR(state = "unset", state = "expired")))',
        "strength": "warn",
        "actions": [
            {
                "kind": "notify",
                "to": ["sales_owner", "role:risk_analyst"],
                "subject": "超限提醒: {customer_name}",
                "body": "客户 {customer_name} ({customer_code}) 的敞口 {exposure} 已超过授信额度。",
            }
        ],
    },
    {
        "key": "overdue-7-days",
        "name": "逾期超过 7 天催收",
        "trigger": "overdue",
        "condition": "max_days_overdue > 7",
        "strength": "warn",
        "actions": [
            {
                "kind": "mail",
                "to": ["sales_owner", "role:finance"],
                "subject": "逾期催收: {customer_name} 已逾期 {max_days_overdue} 天",
                "body": _DUNNING_TEXT,
            },
            {
                "kind": "todo",
                "assignee": "sales_owner",
                "title": "催收 {customer_name}: 逾期 {overdue_amount} {currency}",
                "due_days": 3,
            },
        ],
    },
    {
        "key": "overdue-30-days",
        "name": "逾期超过 30 天冻结",
        "trigger": "overdue",
        "condition": "max_days_overdue > 30",
        "strength": "block",
        "actions": [
            {
                "kind": "freeze",
                "source": "rule:overdue-30-days",
                "reason": "逾期超过 30 天 (最长 {max_days_overdue} 天)",
                "cure": {"field": "max_days_overdue", "at_most": 30},
            }
        ],
    },
)


def seed(work: UnitOfWork) -> None:
    """Make and publish the shipped rules that are missing; what somebody edited stays as it is."""
    for rule in SEEDS:
        if store.find_rule(work, rule["key"]) is None:
            operations.create_rule(work, {"active": True, "message": None, "explains": None, **rule})
            operations.publish_rule(work, rule["key"])
