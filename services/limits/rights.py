"""What may be allowed on credit, orders and receivables; how far it reaches goes by the customer."""

from __future__ import annotations

from services.common.expressions import Field, field
from services.common.rights import OF_CUSTOMER, Action, GuardedField, Resource, actions, scope_fields

_DOCUMENT = (field("amount", "number", "金额", "Amount"), field("currency", "text", "币种", "Currency"))


def _amount(*also: str) -> tuple[GuardedField, ...]:
    return (GuardedField("amount", "金额", "Amount", "amount", also=also),)


def _resource(
    key: str,
    label_zh: str,
    label_en: str,
    has: tuple[Action, ...],
    scope: tuple[Field, ...] = (*OF_CUSTOMER, *_DOCUMENT),
    fields: tuple[GuardedField, ...] | None = None,
    whole: tuple[str, ...] = (),
) -> Resource:
    guarded = _amount() if fields is None else fields
    shown = ("customers", "credit")
    return Resource(key, label_zh, label_en, has, guarded, scope_fields(*scope), shown, whole)


_EXPOSURE = ("exposure", "credit_used", "needed", "reserved", "delivered", "receivable")
_UTILISATION = ("utilisation", "utilisation_percent")
_OVERDUE = (
    *("overdue", "overdue_amount", "overdue_rate", "max_days_overdue", "open_amount", "late_amount"),
    "item_lines",
)
CREDIT = _resource(
    "credit",
    "信用账户",
    "Credit accounts",
    actions(
        "read", "grant", "freeze", "unfreeze", "verify", "settings", rates=("维护汇率", "Exchange rates")
    ),
    scope=OF_CUSTOMER,
    whole=("verify", "settings", "rates"),
    fields=(
        GuardedField("limit", "额度", "Limit", "amount", also=("limit", "credit_limit")),
        GuardedField("exposure", "占用", "Exposure", "amount", also=_EXPOSURE),
        GuardedField("amount", "授予与担保金额", "Granted amount", "amount", also=("credit_history",)),
        GuardedField(
            "available",
            "可用额度",
            "Available",
            "amount",
            also=("available", "credit_available", "would_pass_if"),
        ),
        GuardedField("utilisation", "使用率", "Utilisation", "amount", also=_UTILISATION),
        GuardedField("overdue", "逾期", "Overdue", "amount", also=_OVERDUE),
    ),
)
ORDERS = _resource(
    "orders",
    "订单",
    "Orders",
    actions("read", "check", "create", "change", "release"),
    fields=_amount("order_amount"),
)
DELIVERIES = _resource("deliveries", "交货", "Deliveries", actions("create", "reverse"))
INVOICES = _resource(
    "invoices",
    "发票",
    "Invoices",
    actions("read", "create", "reverse"),
    fields=_amount("invoice_amount", "receivable_open"),
)
PAYMENTS = _resource(
    "payments",
    "收款",
    "Payments",
    actions("read", "create", "allocate", "reverse"),
    fields=_amount("payment_amount"),
)
CREDIT_NOTES = _resource("credit_notes", "红字通知", "Credit notes", actions("read", "create", "reverse"))
WRITE_OFFS = _resource("write_offs", "核销坏账", "Write-offs", actions("read", "create", "reverse"))
OVERRIDES = _resource("overrides", "信用特批", "Overrides", actions("read", "grant", "reverse"))
DISPUTES = _resource("disputes", "争议", "Disputes", actions("read", "open", "resolve"))
DECISIONS = _resource("decisions", "信用决策", "Credit decisions", actions("read"))
RESOURCES = (
    *(CREDIT, ORDERS, DELIVERIES, INVOICES, PAYMENTS, CREDIT_NOTES, WRITE_OFFS, DISPUTES, DECISIONS),
    OVERRIDES,
)
