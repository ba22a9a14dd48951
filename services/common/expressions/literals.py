"""Literals: what their values may be, and texts that stand where a date belongs."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.common.expressions.problems import TEXT_LENGTH_MAX, Problem, error
from services.common.expressions.trees import Tree, position
from services.common.expressions.typed import Typed
from services.common.expressions.types import ANY, BOOL, DATE, DATETIME, NULL, NUMBER, TEXT, Type
from services.common.expressions.values import NUMBER_TEXT, date_of, instant_of

_DIGITS = re.compile(r"-?0*([0-9]*)(?:\.([0-9]+))?")


def typed(tree: Tree, errors: list[Problem]) -> Typed:
    """A literal with its type; what cannot be its value becomes an error."""
    value, kind, at = tree["value"], tree["type"], position(tree)
    problem = _problem(value, kind, at)
    if problem is not None:
        errors.append(problem)
        return Typed(ANY, at)
    return Typed(_TYPES[kind], at, value=value)


_TYPES = {"number": NUMBER, "text": TEXT, "bool": BOOL, "null": NULL, "date": DATE, "datetime": DATETIME}


def _problem(value: Any, kind: str, at: int) -> Problem | None:
    if kind == "number" and isinstance(value, str):
        return _number_problem(value, at)
    if kind == "date" and isinstance(value, str):
        found = date_of(value)
        return None if found else error(at, "invalid_date", f"日期不存在: {value[:40]}", "写作 #2026-01-31#")
    if kind == "datetime" and isinstance(value, str):
        example = "写作 #2026-01-31T08:00:00+08:00#"
        return None if instant_of(value) else error(at, "invalid_date", f"时刻不存在: {value[:40]}", example)
    if kind == "text" and isinstance(value, str):
        too_long = len(value) > TEXT_LENGTH_MAX
        return error(at, "too_long", f"文本最多 {TEXT_LENGTH_MAX} 个字符", "缩短文本") if too_long else None
    if (kind == "bool" and isinstance(value, bool)) or (kind == "null" and value is None):
        return None
    return error(at, "malformed", "常量的值与类型不符", "数字、日期在树中写作文本")


def _number_problem(value: str, at: int) -> Problem | None:
    if NUMBER_TEXT.fullmatch(value):
        return None
    matched = _DIGITS.fullmatch(value)
    if matched is None:
        return error(at, "malformed", f"不是数字: {value[:40]}", "数字如 1234.5")
    if len(matched.group(1)) > 30:
        return error(at, "number_too_large", "数字超出 10^30", "使用更小的数字")
    return error(at, "number_too_long", "数字最多 30 位整数、20 位小数", "减少数字的位数")


def as_date(found: Typed, wanted: Type, errors: list[Problem]) -> Typed:
    """A literal text where a date or an instant is wanted, as that; everything else as it is."""
    if not found.is_literal or found.type.kind != "text" or wanted.kind not in ("date", "datetime"):
        return found
    # Beside an instant a date means the whole local day, so it stays a date.
    for kind, read in ((DATE, date_of), (DATETIME, instant_of)):
        if read(found.value) is not None:
            return Typed(kind, found.at, value=found.value)
    errors.append(error(found.at, "invalid_date", f"日期不存在: {found.value[:40]}", "写作 #2026-01-31#"))
    return Typed(wanted, found.at)


def constant(found: Typed) -> Any:
    """The value of a literal in Python; None for null and for what is no literal."""
    return value_of(found.type.kind, found.value) if found.is_literal else None


def value_of(kind: str, value: Any) -> Decimal | date | datetime | str | bool | None:
    """The value of a literal's JSON in Python."""
    if kind == "number" and value is not None:
        return Decimal(value)
    if kind == "date" and value is not None:
        return date_of(value)
    if kind == "datetime" and value is not None:
        return instant_of(value)
    found: str | bool | None = value
    return found
