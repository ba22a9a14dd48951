"""The functions of the language: one table, each with its types, its meaning and an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

_DIGITS_MAX = 12
CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Function:
    """One function. `least` and `most` arguments (None: any number); `returns` a type or "same"."""

    name: str
    least: int
    most: int | None
    returns: str
    example: str
    result: str
    apply: Callable[..., Any]


def _if(condition: Any, then: Any, otherwise: Any = None) -> Any:
    return then if condition is True else otherwise


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _numbers(values: tuple[Any, ...]) -> list[Decimal]:
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    return [value for value in flat if isinstance(value, Decimal)]


def _sum(*values: Any) -> Decimal:
    return sum(_numbers(values), Decimal(0))


def _min(*values: Any) -> Decimal | None:
    return min(_numbers(values), default=None)


def _max(*values: Any) -> Decimal | None:
    return max(_numbers(values), default=None)


def _round(value: Any, digits: Any = Decimal(0)) -> Decimal | None:
    if value is None or digits is None:
        return None
    places = max(-_DIGITS_MAX, min(_DIGITS_MAX, int(digits)))
    rounded = CONTEXT.quantize(value, Decimal(1).scaleb(-places))
    return rounded + 0


def _abs(value: Any) -> Decimal | None:
    return None if value is None else abs(value)


def _contains(text: Any, part: Any) -> bool:
    return text is not None and part is not None and part in text


def _len(value: Any) -> Decimal:
    return Decimal(0 if value is None else len(value))


def _dateadd(day: Any, days: Any) -> date | None:
    if day is None or days is None:
        return None
    try:
        moved: date = day + timedelta(days=int(days))
    except OverflowError:
        return None
    return moved


def _isempty(value: Any) -> bool:
    return value is None or value == "" or value == []


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("IF", 2, 3, "same", 'IF(1 < 2, "是", "否")', "是", _if),
        Function("COALESCE", 1, None, "same", "COALESCE(null, 3)", "3", _coalesce),
        Function("ISEMPTY", 1, 1, "bool", 'ISEMPTY("")', "TRUE", _isempty),
        Function("SUM", 1, None, "number", "SUM(1, 2, 3)", "6", _sum),
        Function("MIN", 1, None, "number", "MIN(3, 2)", "2", _min),
        Function("MAX", 1, None, "number", "MAX(3, 2)", "3", _max),
        Function("ROUND", 1, 2, "number", "ROUND(2.345, 2)", "2.35", _round),
        Function("ABS", 1, 1, "number", "ABS(0 - 3)", "3", _abs),
        Function("CONTAINS", 2, 2, "bool", 'CONTAINS("信用额度", "额度")', "TRUE", _contains),
        Function("LEN", 1, 1, "number", 'LEN("信用")', "2", _len),
        Function("DATEADD", 2, 2, "date", "", "", _dateadd),
    )
}
