"""Answering a question: parts are summed by the database, measures computed from them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import invalid_field
from services.common.field_rights import require_seen
from services.common.money import format_amount
from services.reporting.semantics import DIMENSIONS, MEASURES, ZERO, refused_pairs
from services.reporting.store import facts as store

_WINDOW_DAYS = 365
_NOTHING = "—"


def answer(work: UnitOfWork, received: Mapping[str, Any], *, only: UUID | None = None) -> dict[str, Any]:
    """Rows of dimension values, currency and measures; amounts are never added across currencies.

    With `only`, of one customer.
    """
    measures, dimensions = tuple(received["measures"]), _dimensions(received)
    _check(measures, dimensions, received)
    require_seen(work.caller, "reports", (*measures, *dimensions, *received["filters"]))
    as_of = received.get("as_of") or store.current_date(work) or work.local_date
    start = received.get("date_from") or as_of - timedelta(days=_WINDOW_DAYS - 1)
    question = store.Question(dimensions, _filters(received["filters"]), as_of, start, only)
    rows = _rows(work, measures, question, Decimal((as_of - start).days + 1))
    rows = _sorted(rows, received.get("sort"), measures, dimensions)[: int(received["limit"])]
    shown = [_shown(row, measures, dimensions) for row in rows]
    result: dict[str, Any] = {
        "as_of": as_of,
        "measures": [
            {"key": key, "label": MEASURES[key].label, "unit": MEASURES[key].unit} for key in measures
        ],
        "dimensions": [{"key": key, "label": DIMENSIONS[key].label} for key in dimensions],
        "rows": shown,
    }
    if received.get("pivot"):
        result["pivot"] = pivot(shown, received["pivot"], measures)
    return result


def pivot(
    rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any], measures: Sequence[str]
) -> dict[str, Any]:
    """Rows turned into `{"columns", "rows": [{"key", "currency", "cells": {column: {measure}}}]}`."""
    across = list(wanted.get("columns") or ())
    down = list(wanted.get("rows") or ())
    columns = list(dict.fromkeys(_label(row, across) for row in rows))
    table: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (*(row[name] for name in down), row["currency"])
        line = table.setdefault(
            key, {"key": {name: row[name] for name in down}, "currency": row["currency"], "cells": {}}
        )
        line["cells"][_label(row, across)] = {name: row[name] for name in measures}
    return {"columns": sorted(columns, key=_column_order), "rows": list(table.values())}


_BUCKET_ORDER = ("current", "1-30", "31-60", "61-90", "91-180", ">180")


def _column_order(label: str) -> tuple[int, str]:
    return (_BUCKET_ORDER.index(label), "") if label in _BUCKET_ORDER else (len(_BUCKET_ORDER), label)


def _label(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return " / ".join(str(row[name]) for name in names)


def _dimensions(received: Mapping[str, Any]) -> tuple[str, ...]:
    turned = received.get("pivot") or {}
    if not isinstance(turned, Mapping) or not all(
        isinstance(turned.get(side) or [], list) for side in ("rows", "columns")
    ):
        raise invalid_field("pivot", "pivot", "pivot 应为 {rows: [...], columns: [...]}")
    named = [*received["dimensions"], *(turned.get("rows") or ()), *(turned.get("columns") or ())]
    return tuple(dict.fromkeys(str(name) for name in named))


def _check(measures: Sequence[str], dimensions: Sequence[str], received: Mapping[str, Any]) -> None:
    if not measures:
        raise invalid_field("measures", "required", "至少需要一个指标")
    for field, keys, known in (("measures", measures, MEASURES), ("dimensions", dimensions, DIMENSIONS)):
        for place, key in enumerate(keys):
            if key not in known:
                raise invalid_field(f"{field}.{place}", "unknown", f"未知的{_WORDS[field]} {key}")
    for key in received["filters"]:
        if key not in DIMENSIONS:
            raise invalid_field(f"filters.{key}", "unknown", f"未知的维度 {key}")
    wrong = refused_pairs(tuple(measures), (*dimensions, *received["filters"]))
    if wrong:
        measure, dimension = wrong[0]
        text = f"指标 {MEASURES[measure].label} 不能按 {DIMENSIONS[dimension].label} 划分"
        raise invalid_field("dimensions", "not_combinable", text)


_WORDS = {"measures": "指标", "dimensions": "维度"}


def _filters(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        key: tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)
        for key, value in given.items()
    }


def _rows(
    work: UnitOfWork, measures: Sequence[str], question: store.Question, window_days: Decimal
) -> list[dict[str, Any]]:
    parts = {part for key in measures for part in MEASURES[key].parts} - {"window_days"}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    uncounted: dict[tuple[Any, ...], Decimal] = {}
    for part in sorted(parts):
        for row in store.part_rows(work, part, question):
            key = tuple(row[name] for name in question.dimensions)
            if part == "customers":
                uncounted[key] = Decimal(row["value"])
                continue
            line = found.setdefault((*key, row["currency"]), {})
            line[part] = Decimal(row["value"])
    _add_customers(found, uncounted)
    rows = []
    for key, sums in found.items():
        figures = {**dict.fromkeys(parts, ZERO), **sums, "window_days": window_days}
        values = {name: MEASURES[name].compute(figures) for name in measures}
        rows.append({**dict(zip(question.dimensions, key, strict=False)), "currency": key[-1], **values})
    return rows


def _add_customers(
    found: dict[tuple[Any, ...], dict[str, Any]], counted: Mapping[tuple[Any, ...], Decimal]
) -> None:
    """Customers are counted whatever their currency: each count stands once, in the group's first row."""
    for key, count in counted.items():
        lines = [full for full in found if full[:-1] == key]
        line = found[min(lines, key=str)] if lines else found.setdefault((*key, None), {})
        line["customers"] = count


def _sorted(
    rows: list[dict[str, Any]], sort: str | None, measures: Sequence[str], dimensions: Sequence[str]
) -> list[dict[str, Any]]:
    if sort is None:
        return sorted(rows, key=lambda row: tuple(str(row[name]) for name in (*dimensions, "currency")))
    name = sort.removeprefix("-")
    if name not in (*measures, *dimensions):
        raise invalid_field("sort", "unknown", f"不能按 {name} 排序")
    known = [row for row in rows if row[name] is not None]
    rest = [row for row in rows if row[name] is None]
    return sorted(known, key=lambda row: row[name], reverse=sort.startswith("-")) + rest


def _shown(row: Mapping[str, Any], measures: Sequence[str], dimensions: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: row[name] if row[name] is not None else _NOTHING for name in dimensions}
    shown["currency"] = row["currency"]
    for name in measures:
        shown[name] = value_text(row[name], MEASURES[name].unit, row["currency"])
    return shown


def value_text(value: Decimal | None, unit: str, currency: str | None) -> Any:
    """A figure as answered: counts as numbers, amounts as decimal text in their currency."""
    if value is None:
        return None
    if unit == "count":
        return int(value)
    return format_amount(value, currency) if unit == "amount" and currency else f"{value:f}"


def month_frequency(orders: Sequence[Mapping[str, Any]], on: date) -> Decimal | None:
    """Orders a month, over the months from the first order to a date."""
    if not orders:
        return None
    year, month = (int(part) for part in str(orders[0]["month"]).split("-"))
    months = max(1, (on.year - year) * 12 + on.month - month + 1)
    return (Decimal(sum(int(row["orders"]) for row in orders)) / months).quantize(Decimal("0.01"))
