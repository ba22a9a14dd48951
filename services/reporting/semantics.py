"""What can be asked: measures, dimensions, which go together, and the formulae (DOMAIN.md). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from services.common.expressions import Fields, field

ZERO = Decimal(0)
_RATIO = Decimal("0.0001")
_DAYS = Decimal("0.01")

Parts = Mapping[str, Decimal]


@dataclass(frozen=True)
class Measure:
    """One figure. `parts` are the sums it is made of; `unit` is count, amount, ratio or days."""

    key: str
    label: str
    unit: str
    parts: tuple[str, ...]
    compute: Callable[[Parts], Decimal | None]


@dataclass(frozen=True)
class Dimension:
    """One way to split figures. `kind` is customer (an attribute), date, or item (an open invoice)."""

    key: str
    label: str
    kind: str


def ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    """part ÷ whole with four decimals; None where there is no whole."""
    return (part / whole).quantize(_RATIO, ROUND_HALF_UP) if whole else None


def dso(open_amount: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """Open receivables ÷ credit sales in the window × days in the window, two decimals."""
    return (open_amount / sales * days).quantize(_DAYS, ROUND_HALF_UP) if sales else None


def weighted_days_late(amount_days: Decimal, amount: Decimal) -> Decimal | None:
    """Σ(amount × days late) ÷ Σ amount, two decimals."""
    return (amount_days / amount).quantize(_DAYS, ROUND_HALF_UP) if amount else None


def cei(opening: Decimal, sales: Decimal, closing_total: Decimal, closing_current: Decimal) -> Decimal | None:
    """(opening AR + sales − closing total AR) ÷ (opening AR + sales − closing current AR) × 100."""
    collectable = opening + sales - closing_current
    if not collectable:
        return None
    return ((opening + sales - closing_total) / collectable * 100).quantize(_DAYS, ROUND_HALF_UP)


def _plain(part: str) -> Callable[[Parts], Decimal | None]:
    return lambda parts: parts[part]


def plain(key: str, label: str, unit: str) -> Measure:
    """A measure that is one sum."""
    return Measure(key, label, unit, (key,), _plain(key))


MEASURES: Mapping[str, Measure] = {
    measure.key: measure
    for measure in (
        plain("customers", "客户数", "count"),
        plain("credit_limit", "授信总额度", "amount"),
        plain("credit_used", "已用额度", "amount"),
        plain("credit_available", "可用额度", "amount"),
        Measure(
            "utilisation",
            "额度使用率",
            "ratio",
            ("credit_used", "credit_limit"),
            lambda p: ratio(p["credit_used"], p["credit_limit"]),
        ),
        plain("orders", "订单数", "count"),
        plain("order_amount", "订单金额", "amount"),
        plain("invoices", "发票数", "count"),
        plain("invoice_amount", "发票金额", "amount"),
        plain("payments", "收款笔数", "count"),
        plain("payment_amount", "收款金额", "amount"),
        plain("receivable_open", "应收未清", "amount"),
        plain("overdue_amount", "逾期金额", "amount"),
        Measure(
            "overdue_rate",
            "逾期率",
            "ratio",
            ("overdue_amount", "receivable_open"),
            lambda p: ratio(p["overdue_amount"], p["receivable_open"]),
        ),
        Measure(
            "dso",
            "应收周转天数",
            "days",
            ("receivable_open", "window_sales", "window_days"),
            lambda p: dso(p["receivable_open"], p["window_sales"], int(p["window_days"])),
        ),
        Measure(
            "best_possible_dso",
            "最佳应收周转天数",
            "days",
            ("receivable_open", "overdue_amount", "window_sales", "window_days"),
            lambda p: dso(
                p["receivable_open"] - p["overdue_amount"], p["window_sales"], int(p["window_days"])
            ),
        ),
        Measure(
            "weighted_days_late",
            "加权平均逾期天数",
            "days",
            ("amount_days_late", "allocated_amount"),
            lambda p: weighted_days_late(p["amount_days_late"], p["allocated_amount"]),
        ),
        Measure(
            "on_time_rate",
            "回款及时率",
            "ratio",
            ("paid_on_time", "fallen_due"),
            lambda p: ratio(p["paid_on_time"], p["fallen_due"]),
        ),
        Measure(
            "cei",
            "收款效率指数",
            "ratio",
            ("opening_receivable", "window_sales", "receivable_open", "overdue_amount"),
            lambda p: cei(
                p["opening_receivable"],
                p["window_sales"],
                p["receivable_open"],
                p["receivable_open"] - p["overdue_amount"],
            ),
        ),
    )
}
DIMENSIONS: Mapping[str, Dimension] = {
    dimension.key: dimension
    for dimension in (
        Dimension("customer", "客户", "customer"),
        Dimension("grade", "信用等级", "customer"),
        Dimension("region", "地区", "customer"),
        Dimension("salesperson", "销售负责人", "customer"),
        Dimension("department", "部门", "customer"),
        Dimension("credit_status", "信用状态", "customer"),
        Dimension("aging_bucket", "账龄区间", "item"),
        Dimension("month", "月", "date"),
        Dimension("quarter", "季度", "date"),
        Dimension("year", "年", "date"),
    )
}
# Which dimension kinds each part can be split by, beside the customer's attributes.
DATED_PARTS = frozenset(
    {"orders", "order_amount", "invoices", "invoice_amount", "payments", "payment_amount", "receivable_open"}
    | {"overdue_amount", "paid_on_time", "fallen_due", "amount_days_late", "allocated_amount"}
)
ITEM_PARTS = frozenset({"receivable_open", "overdue_amount", "invoices", "invoice_amount"})


def refused_pairs(measures: tuple[str, ...], dimensions: tuple[str, ...]) -> list[tuple[str, str]]:
    """The (measure, dimension) pairs that have no meaning, e.g. a limit by aging bucket."""
    wrong = []
    for key in measures:
        parts = set(MEASURES[key].parts) - {"window_days"}
        for dimension in dimensions:
            kind = DIMENSIONS[dimension].kind
            if (kind == "date" and not parts <= DATED_PARTS) or (kind == "item" and not parts <= ITEM_PARTS):
                wrong.append((key, dimension))
    return wrong


def catalogue() -> Fields:
    """The dimensions and measures as expressions read them: filters and computed figures."""
    of_dimensions = (field(each.key, "text", each.label) for each in DIMENSIONS.values())
    of_measures = (field(each.key, "number", each.label, unit=each.unit) for each in MEASURES.values())
    return Fields({each.key: each for each in (*of_dimensions, *of_measures)})
