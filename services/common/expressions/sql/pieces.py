"""The pieces of SQL expressions: limits, names for repeated values, safe readings of JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from services.common.expressions.problems import VALUE_LENGTH_MAX, ExpressionError, refuse
from services.common.expressions.types import Type
from services.common.expressions.values import LIMIT, PLACES

Sql = ColumnElement[Any]
Build = Callable[..., Sql]

SQL_TYPES: dict[str, TypeEngine[Any]] = {
    "number": Numeric(),
    "text": Text(),
    "date": Date(),
    "datetime": DateTime(timezone=True),
    "bool": Boolean(),
    "list": JSONB(),
    "record": JSONB(),
}
# Division is rounded at this place before it is rounded at the 20th: no quotient of two numbers of the
# language is nearer to a tie than that without being one.
_QUOTIENT_PLACES = 75
_MOST = f"{LIMIT:f}"
_ROOT_PLACES = 45
_DATES = ("0001-01-01", "9999-12-31")
# Seconds from 1970 to the begin of the year 1 and to the last microsecond of the year 9999.
_EPOCH_MIN, _EPOCH_MAX = -62_135_596_800, Decimal("253402300799.999999")
_NUMBER = r"^-?[0-9]{1,30}(\.[0-9]+)?$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)


def not_in_sql(at: int, what: str, suggestion: str) -> ExpressionError:
    """The refusal of what SQL cannot say."""
    return refuse(at, "not_in_sql", f"{what} 不能在数据库中计算", suggestion)


def sql_type(kind: Type) -> TypeEngine[Any]:
    """The SQL type of a type of the language."""
    return SQL_TYPES.get(kind.kind, Text())


def constant(value: Decimal | date | datetime | str | bool | int | None, kind: TypeEngine[Any]) -> Sql:
    """A value as a literal of a known type."""
    return cast(null() if value is None else literal(value), kind)


def number(value: int | Decimal) -> Sql:
    """A number as a literal."""
    return constant(value, Numeric())


def missing(kind: str) -> Sql:
    """Null of a type."""
    return cast(null(), SQL_TYPES.get(kind, Text()))


def let(values: Sequence[Sql], build: Build) -> Sql:
    """`build(*names)`, each value computed once however often its name is used.

    Without this, nested expressions that mention an operand twice would double with every level.
    """
    if all(_is_simple(value) for value in values):
        return build(*values)
    labels = [value.label(f"v{place}") for place, value in enumerate(values)]
    # OFFSET 0 keeps the planner from putting the value in the place of its name again.
    inner = select(*labels).correlate_except(None).offset(literal_column("0")).lateral()
    return select(build(*inner.c)).correlate_except(inner).scalar_subquery()


def _is_simple(value: Sql) -> bool:
    inner = getattr(value, "clause", value)
    return isinstance(inner, (BindParameter, ColumnClause)) or (
        hasattr(value, "table") and not hasattr(value, "clause")
    )


class _Written(FunctionElement[Any]):
    """SQL that is written out in one go: SQLAlchemy's compiler recurses, and cannot go as deep."""

    template = "{}"
    inherit_cache = True


class _Clamped(_Written):
    template = f"nullif(nullif(greatest(least({{}}, {_MOST}), -{_MOST}), {_MOST}), -{_MOST})"
    type = Numeric()
    inherit_cache = True


class _Settled(_Written):
    template = _Clamped.template.format(f"round({{}}, {PLACES})")
    type = Numeric()
    inherit_cache = True


class _Quotient(_Written):
    template = f"(round({{}}, {_QUOTIENT_PLACES}) / nullif({{}}, 0))"
    type = Numeric()
    inherit_cache = True


@compiles(_Written)
def _write(element: _Written, compiler: SQLCompiler, **options: Any) -> str:
    return element.template.format(*[compiler.process(part, **options) for part in element.clauses])


def clamped(value: Sql) -> Sql:
    """A number within the limits; null beyond them."""
    return _Clamped(value)


def settled(value: Sql) -> Sql:
    """A result as a number of the language: rounded to 20 places, null beyond the limits."""
    return _Settled(value)


def quotient(left: Sql, right: Sql) -> Sql:
    """One number by another, not yet rounded to 20 places; null by zero."""
    return _Quotient(left, right)


def precise(value: Sql) -> Sql:
    """A number with so many places that functions which follow their argument's precision have enough."""
    return func.round(value, _ROOT_PLACES, type_=Numeric())


def moved_days(day: Sql, days: Sql) -> Sql:
    """A date moved by so many days; null beyond the years 1 to 9999."""

    def build(one: Sql, count: Sql) -> Sql:
        least, most = (literal_column(f"DATE '{end}'").op("-", return_type=Integer())(one) for end in _DATES)
        return case((count.between(least, most), one.op("+")(count)), else_=missing("date"))

    return let([day, days], build)


def moved_months(day: Sql, months: Sql) -> Sql:
    """The same day so many months later, or that month's last day; null beyond the years 1 to 9999."""

    def build(one: Sql, count: Sql) -> Sql:
        number_of_month = func.date_part("year", one) * 12 + func.date_part("month", one) - 1
        exists = (number_of_month + count).between(12, 12 * 10_000 - 1)
        moved = cast(one.op("+")(func.make_interval(0, count, type_=Interval())), Date())
        return case((exists, moved), else_=missing("date"))

    return let([day, months], build)


def moved_minutes(moment: Sql, minutes: Sql) -> Sql:
    """An instant moved by so many minutes; null beyond the years 1 to 9999."""

    def build(one: Sql, count: Sql) -> Sql:
        exists = (func.date_part("epoch", one) + count * 60).between(_EPOCH_MIN, _EPOCH_MAX)
        moved = one.op("+")(cast(count, Double()).op("*")(literal_column("INTERVAL '1 minute'", Interval())))
        return case((exists, cast(moved, DateTime(timezone=True))), else_=missing("datetime"))

    return let([moment, minutes], build)


def bounded(value: Sql) -> Sql:
    """A text within the limits; null for one that is too long."""
    return let(
        [value], lambda text: case((func.char_length(text) <= VALUE_LENGTH_MAX, text), else_=missing("text"))
    )


def whole(value: Sql, low: int, high: int) -> Sql:
    """A number without its decimals as an SQL integer, not below `low` nor above `high`."""
    if isinstance(value, BindParameter) or isinstance(getattr(value, "clause", None), BindParameter):
        given = getattr(value, "clause", value).value
        return constant(max(low, min(high, int(given))), Integer())
    return let(
        [value],
        lambda found: cast(
            case((found > high, number(high)), (found < low, number(low)), else_=func.trunc(found)), Integer()
        ),
    )


def date_from_text(text: Sql) -> Sql:
    """The date that a text writes; null for another form and for a day that does not exist."""
    return let(
        [text], lambda found: case((_valid(found, _DATE, "date"), cast(found, Date())), else_=missing("date"))
    )


def _valid(text: Sql, pattern: str, kind: str) -> Sql:
    return and_(text.op("~")(pattern), func.pg_input_is_valid(text, kind))


def from_jsonb(value: Sql, kind: Type) -> Sql:
    """What a JSONB value holds, as a type of the language; null for what is of another type."""
    if kind.kind in ("list", "record"):
        return case(
            (func.jsonb_typeof(value) == ("array" if kind.kind == "list" else "object"), value),
            else_=missing("list"),
        )
    text = value.op("#>>", return_type=Text())(literal_column("'{}'"))
    wanted = sql_type(kind)
    conditions: dict[str, Sql] = {
        "number": text.op("~")(_NUMBER),
        "date": _valid(text, _DATE, "date"),
        "datetime": _valid(text, _INSTANT, "timestamptz"),
        "bool": func.jsonb_typeof(value) == "boolean",
        "text": func.jsonb_typeof(value) == "string",
    }
    condition = conditions.get(kind.kind)
    if condition is None:
        return text
    found = (
        func.round(cast(text, Numeric()), PLACES, type_=Numeric())
        if kind.kind == "number"
        else cast(text, wanted)
    )
    return case((condition, found), else_=missing(kind.kind))
