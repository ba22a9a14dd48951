"""The values of the language: exact numbers within limits, dates, instants, texts; from JSON and to JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from services.common.expressions.catalogue import Catalogue
from services.common.expressions.problems import ITEMS_MAX, VALUE_LENGTH_MAX, refuse
from services.common.expressions.types import Type

# A number has at most 30 digits before the point and 20 after it. Every operation is computed with enough
# digits to be exact before it is rounded, half away from zero, to the 20th; a result that is larger is null.
PLACES = 20
LIMIT = Decimal(10) ** 30
CONTEXT = Context(
    prec=110,
    rounding=ROUND_HALF_UP,
    Emax=999_999,
    Emin=-999_999,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_QUANTUM = Decimal(1).scaleb(-PLACES)
NUMBER_TEXT = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,20})?")
_ANY_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
_DATE_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME_TEXT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_ZERO = Decimal(0)


def settle(value: Decimal) -> Decimal | None:
    """A result as a number of the language: rounded to 20 places, None beyond 10^30."""
    if -LIMIT < value < LIMIT:
        return CONTEXT.quantize(value, _QUANTUM)
    return None


def within(value: Decimal) -> Decimal | None:
    """A sum as a number of the language: it has no more places than its parts."""
    return value if -LIMIT < value < LIMIT else None


def canonical(value: Decimal) -> str:
    """A number as text: no exponent, no zeros at the end, no negative zero."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def date_of(text: str) -> date | None:
    """The date that `2026-01-31` writes; None for another form and for a day that does not exist."""
    if not _DATE_TEXT.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def instant_of(text: str) -> datetime | None:
    """The instant that `2026-01-31T08:00:00+08:00` writes, in UTC; None for another form."""
    if not _DATETIME_TEXT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number_of(value: Any) -> Decimal | None:
    """The number that JSON holds as text or as a number; None for what is none, or beyond the limits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < LIMIT else None
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, Decimal):
        return settle(value) if value.is_finite() else None
    if not isinstance(value, str) or len(value) > VALUE_LENGTH_MAX or not _ANY_NUMBER.fullmatch(value):
        return None
    return settle(Decimal(value))


def from_json(value: Any, wanted: Type, place: str = "") -> Any:
    """A value of JSON as a value of the language; `ExpressionError` names the place of what does not fit.

    Columns that were not declared stay out.
    """
    if value is None:
        return None
    if wanted.kind in ("list", "record") or isinstance(value, (list, Mapping)):
        return _holder(value, wanted, place)
    found = _SCALAR[wanted.kind](value)
    if found is None:
        raise refuse(
            0, "wrong_value", f"{place} 的值不是{wanted.shown}: {str(value)[:40]}", "检查这个字段的值"
        )
    return found


def record_from_json(values: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """A record of JSON as its fields declare it; what is no field stays out. Refuses as `from_json`.

    A field is read where its path says; one whose key has dots (`客户.年销售额`) may also stand in a record
    of its own.
    """
    return {
        key: from_json(_at(values, field.path) if field.path else _found(values, key), field.type, key)
        for key, field in catalogue.fields.items()
    }


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        values = values.get(step) if isinstance(values, Mapping) else None
    return values


def _found(values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    if key in values:
        return values[key]
    start, dot, rest = key.partition(".")
    return _found(values.get(start), rest) if dot else None


def _holder(value: Any, wanted: Type, place: str) -> Any:
    if isinstance(value, list) and wanted.kind in ("list", "any"):
        if len(value) > ITEMS_MAX:
            raise refuse(0, "list_too_large", f"{place} 最多 {ITEMS_MAX} 项", "减少明细的行数")
        return [from_json(item, wanted.of_items, f"{place}.{number}") for number, item in enumerate(value)]
    if isinstance(value, Mapping) and (wanted.kind in ("record", "any") or wanted.loose):
        columns = wanted.of_items.columns if wanted.loose else wanted.columns
        return {
            name: from_json(inner, columns.get(name, Type("any")), f"{place}.{name}")
            for name, inner in value.items()
            if not columns or name in columns
        }
    raise refuse(0, "wrong_value", f"{place} 的值不是{wanted.shown}", "检查这个字段的值")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= VALUE_LENGTH_MAX else None


def _any_scalar(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        return value
    return number_of(value) if isinstance(value, (int, float, Decimal)) else None


_SCALAR: dict[str, Callable[[Any], Any]] = {
    "number": number_of,
    "text": _text,
    "bool": lambda value: value if isinstance(value, bool) else None,
    "date": lambda value: date_of(value) if isinstance(value, str) else _as_date(value),
    "datetime": lambda value: instant_of(value) if isinstance(value, str) else _as_instant(value),
    "any": _any_scalar,
    "null": lambda value: None,
}


def _as_date(value: Any) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _as_instant(value: Any) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else None


def to_json(value: Any) -> Any:
    """A value of the language as JSON: numbers as decimal text, dates and instants in ISO 8601."""
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_json(inner) for name, inner in value.items()}
    return value


def instant_text(value: datetime) -> str:
    """An instant in UTC, with as many decimals of a second as it has."""
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "Z"


def kind_of(value: Any) -> str:
    """The name of a value's type."""
    if value is None:
        return "null"
    for python, name in _KINDS:
        if isinstance(value, python):
            return name
    return "any"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    ((int, Decimal), "number"),
    (str, "text"),
    (datetime, "datetime"),
    (date, "date"),
    (list, "list"),
    (Mapping, "record"),
)
