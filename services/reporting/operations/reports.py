"""What can be done with reports: dashboards, profiles, the model, and the comparison with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Forbidden, Invalid, NotFound
from services.common.field_rights import concealed_names, require_seen
from services.common.ids import new_id
from services.common.money import format_amount
from services.reporting.operations import queries
from services.reporting.semantics import DIMENSIONS, MEASURES, refused_pairs
from services.reporting.store import facts as store
from services.reporting.store.totals import exposure_totals

_STAGES = ("reserved", "delivered", "receivable")
_FAULTS_MAX = 200


def describe_model(work: UnitOfWork) -> dict[str, Any]:
    """The measures and dimensions that can be asked for, and which do not go together."""
    pairs = refused_pairs(tuple(MEASURES), tuple(DIMENSIONS))
    return {
        "measures": [{"key": each.key, "label": each.label, "unit": each.unit} for each in MEASURES.values()],
        "dimensions": [
            {"key": each.key, "label": each.label, "kind": each.kind} for each in DIMENSIONS.values()
        ],
        "not_combinable": [{"measure": measure, "dimension": dimension} for measure, dimension in pairs],
    }


def query(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a question; see `queries.answer`."""
    return queries.answer(work, received)


# --- dashboards ------------------------------------------------------------------------------------------


def list_dashboards(work: UnitOfWork) -> dict[str, Any]:
    """Every dashboard's definition."""
    return {"items": store.all_dashboards(work), "next": None}


def save_dashboard(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a dashboard, or replace the one of that key; every widget's question is tried first."""
    keys = [widget.get("key") for widget in received["widgets"]]
    if len(set(map(str, keys))) != len(keys) or not all(isinstance(key, str) and key for key in keys):
        raise Invalid("每个组件需要一个唯一的 key", code="widget_key")
    for widget in received["widgets"]:
        _widget_data(work, widget, None)
    kept = store.find_dashboard(work, received["key"])
    dashboard = {
        "id": kept["id"] if kept else new_id(),
        "key": received["key"],
        "title": received["title"],
        "widgets": list(received["widgets"]),
        "version": kept["version"] + 1 if kept else 1,
        "author": work.caller.actor,
    }
    store.save_dashboard(work, dashboard, new=kept is None)
    return dashboard


def dashboard_data(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A dashboard with the data of each widget."""
    dashboard = store.find_dashboard(work, received["dashboard"])
    if dashboard is None:
        raise NotFound("没有这个看板")
    return {
        "key": dashboard["key"],
        "title": dashboard["title"],
        "as_of": store.current_date(work) or work.local_date,
        "widgets": [
            {
                **{name: widget.get(name) for name in ("key", "type", "title")},
                **_shown_data(work, widget, received["customer_id"]),
            }
            for widget in dashboard["widgets"]
        ],
    }


def _shown_data(work: UnitOfWork, widget: Mapping[str, Any], customer: str | None) -> dict[str, Any]:
    """A widget's data; one that asks for what the caller may not see says so, and the others show."""
    try:
        return {"data": _widget_data(work, widget, customer)}
    except Forbidden as refusal:
        return {"data": None, "problem": {"code": refusal.code, "detail": refusal.detail}}


def _widget_data(work: UnitOfWork, widget: Mapping[str, Any], customer: str | None) -> Any:
    source = widget.get("source", "query")
    if source == "monthly_limits":
        require_seen(work.caller, "reports", ("credit_limit", "credit_used"))
        return [
            _monthly(row) for row in store.monthly_limits(work, store.current_date(work) or work.local_date)
        ]
    if source == "profile":
        return None if customer is None else profile(work, customer)
    if source != "query" or not isinstance(widget.get("query"), Mapping):
        raise Invalid(f"组件 {widget.get('key')} 的数据来源未知", code="widget_source")
    asked = {"dimensions": [], "filters": {}, "limit": 1_000, **widget["query"]}
    if customer is not None:
        found = store.find_customer(work, customer)
        if found is None:
            raise NotFound("没有这个客户")
        return queries.answer(work, asked, only=found["customer_id"])
    return queries.answer(work, asked)


def _monthly(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    amounts = {name: format_amount(row[name], currency) for name in ("credit_limit", "credit_used")}
    return {"month": row["month"], "currency": currency, **amounts}


# --- the 360° profile ------------------------------------------------------------------------------------


def profile(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Everything about one customer: account, history, how often they order, how they pay."""
    customer = store.find_customer(work, key)
    if customer is None:
        raise NotFound("没有这个客户")
    on = store.current_date(work) or work.local_date
    found = store.profile_rows(work, customer["customer_id"], on)
    orders = found["orders"]
    count = sum(int(row["orders"]) for row in orders)
    unseen = concealed_names(work.caller, "reports")
    measures = ["receivable_open", "overdue_amount", "on_time_rate", "weighted_days_late", "dso"]
    measures = [measure for measure in measures if measure not in unseen]
    behaviour = _behaviour(work, measures, customer["customer_id"])
    return {
        "customer": customer,
        "business_date": on,
        "account": _account_view(found["account"]),
        "orders": {
            "count": count,
            "per_month": queries.month_frequency(orders, on),
            "average_value": _averages(orders),
            "by_month": [{**row, "amount": format_amount(row["amount"], row["currency"])} for row in orders],
        },
        "behaviour": behaviour,
        "open_items": [_item_view(row) for row in found["open_items"]],
        "credit_history": found["grants"],
        "freezes": found["freezes"],
    }


def _behaviour(work: UnitOfWork, measures: Sequence[str], customer: UUID) -> list[dict[str, Any]]:
    """How a customer pays, by the measures that the caller may see."""
    if not measures:
        return []
    question = {"measures": measures, "dimensions": [], "filters": {}, "limit": 20}
    rows: list[dict[str, Any]] = queries.answer(work, question, only=customer)["rows"]
    return rows


def _account_view(account: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if account is None:
        return None
    currency = account["currency"]
    amounts = ("credit_limit", "reserved", "delivered", "receivable", "available")
    return {
        **account,
        **{
            name: None if account[name] is None else format_amount(account[name], currency)
            for name in amounts
        },
    }


def _averages(orders: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    sums: dict[str, tuple[Decimal, int]] = {}
    for row in orders:
        amount, count = sums.get(row["currency"], (Decimal(0), 0))
        sums[row["currency"]] = (amount + row["amount"], count + int(row["orders"]))
    return {currency: format_amount(amount / count, currency) for currency, (amount, count) in sums.items()}


def _item_view(item: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {name: format_amount(item[name], item["currency"]) for name in ("amount", "open_amount")}
    return {**item, **amounts}


# --- the ledger ------------------------------------------------------------------------------------------


def totals(work: UnitOfWork) -> dict[str, Any]:
    """Exposure by customer and currency, from the facts."""
    return {"items": exposure_totals(work)}


def verify(work: UnitOfWork, ledger: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare with what the ledger says of every customer and currency: `{"checked", "faults"}`."""
    told = {(row["customer_id"], row["currency"]): row for row in ledger}
    own = {(row["customer_id"], row["currency"]): row for row in exposure_totals(work)}
    faults = []
    for key in sorted({*told, *own}):
        for stage in _STAGES:
            expected = Decimal(str(told[key][stage])) if key in told else Decimal(0)
            found = Decimal(str(own[key][stage])) if key in own else Decimal(0)
            if expected != found:
                faults.append(f"客户 {key[0]} {key[1]} {stage}: 额度账 {expected}, 报表 {found}")
    return {"checked": len({*told, *own}), "faults": faults[:_FAULTS_MAX]}


def verify_roots(work: UnitOfWork, ledger: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the roots that were told with those that the ledger has now: `{"checked", "faults"}`."""
    told = store.roots(work)
    now = {row["date"]: row["root"] for row in ledger}
    faults = [
        f"营业日期 {day}: 报表保存的根 {told.get(day)}, 额度账现在的根 {now.get(day)}"
        for day in sorted({*told, *now})
        if told.get(day) != now.get(day)
    ]
    return {"checked": len({*told, *now}), "faults": faults[:_FAULTS_MAX]}
