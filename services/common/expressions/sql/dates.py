"""Functions of dates and instants in SQL; TODAY, NOW and the holidays are those of the time of compiling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import array

from services.common.expressions import literals
from services.common.expressions.functions.dates import SHIFT_MAX, WORKDAYS_MAX
from services.common.expressions.functions.formats import unit_of
from services.common.expressions.sql.pieces import (
    Sql,
    constant,
    date_from_text,
    let,
    missing,
    moved_days,
    moved_minutes,
    moved_months,
    not_in_sql,
    number,
    whole,
)
from services.common.expressions.typed import Typed

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

Make = Callable[["Compiler", Typed], Sql]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60}
_MONTHS_MAX = 120_001
_SATURDAY = 6


def _moment(compiler: Compiler, node: Typed) -> Sql:
    """A date, or an instant as the local clocks show it."""
    value = compiler.value(node, "date")
    return compiler.local(value) if node.type.kind == "datetime" else value


def _part(name: str) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        found = func.date_part(name, _moment(compiler, node.args[0]))
        return cast(found, Numeric())

    return make


def _today(compiler: Compiler, node: Typed) -> Sql:
    return constant(compiler.world.day(), Date())


def _now(compiler: Compiler, node: Typed) -> Sql:
    return constant(compiler.world.instant(), DateTime(timezone=True))


def _date(compiler: Compiler, node: Typed) -> Sql:
    year, month, day = (whole(compiler.value(part, "number"), 0, 10_000) for part in node.args)

    def padded(value: Sql, digits: int) -> Sql:
        return func.lpad(cast(value, Text()), digits, "0", type_=Text())

    def build(years: Sql, months: Sql, days: Sql) -> Sql:
        written = func.concat_ws("-", padded(years, 4), padded(months, 2), padded(days, 2), type_=Text())
        exists = and_(years.between(1, 9999), months.between(1, 12), days.between(1, 31))
        return case((exists, date_from_text(written)), else_=missing("date"))

    return let([year, month, day], build)


def _datevalue(compiler: Compiler, node: Typed) -> Sql:
    (inner,) = node.args
    value = compiler.value(inner, "text")
    if inner.type.kind == "datetime":
        return compiler.local_date(value)
    return value if inner.type.kind == "date" else date_from_text(value)


def _unit(node: Typed) -> str | None:
    if len(node.args) < 3:
        return "day"
    written = literals.constant(node.args[2])
    if not isinstance(written, str):
        raise not_in_sql(node.args[2].at, "不是常量的时间单位", '写作 "day"、"month" 等')
    return unit_of(written)


def _dateadd(compiler: Compiler, node: Typed) -> Sql:
    value, count = compiler.value(node.args[0], "date"), compiler.value(node.args[1], "number")
    unit = _unit(node)
    if node.args[0].type.kind == "datetime":
        if unit not in _MINUTES:
            return missing("datetime")
        minutes = func.trunc(count, type_=Numeric()) * number(_MINUTES[unit])
        return moved_minutes(value, minutes)
    if unit in _MONTHS:
        return moved_months(value, whole(count, -_MONTHS_MAX, _MONTHS_MAX) * _MONTHS[unit])
    if unit in _DAYS:
        return moved_days(value, whole(count, -SHIFT_MAX, SHIFT_MAX) * _DAYS[unit])
    return missing("date")


def _datedif(compiler: Compiler, node: Typed) -> Sql:
    unit = _unit(node)
    if unit not in _MONTHS and unit not in _DAYS:
        return missing("number")

    def build(start: Sql, end: Sql) -> Sql:
        unknown = or_(start.is_(None), end.is_(None))
        forward = _span(start, end, unit)
        return case((unknown, missing("number")), (end >= start, forward), else_=-_span(end, start, unit))

    return let(compiler.values(node.args[:2], "date"), build)


def _span(first: Sql, last: Sql, unit: str) -> Sql:
    """How many whole units lie between a date and a later one."""
    if unit in _DAYS:
        days = cast(last.op("-", return_type=Integer())(first), Numeric())
        return func.floor(days / number(_DAYS[unit]), type_=Numeric())

    def months(day: Sql) -> Sql:
        return cast(func.date_part("year", day) * 12 + func.date_part("month", day), Numeric())

    early = case((func.date_part("day", last) < func.date_part("day", first), number(1)), else_=number(0))
    return func.floor((months(last) - months(first) - early) / number(_MONTHS[unit]), type_=Numeric())


def _days(compiler: Compiler, node: Typed) -> Sql:
    end, start = compiler.values(node.args, "date")
    return cast(end.op("-", return_type=Integer())(start), Numeric())


def _months_argument(compiler: Compiler, node: Typed) -> Sql:
    given = compiler.value(node.args[1], "number") if len(node.args) > 1 else number(0)
    return whole(given, -_MONTHS_MAX, _MONTHS_MAX)


def _edate(compiler: Compiler, node: Typed) -> Sql:
    return moved_months(compiler.value(node.args[0], "date"), _months_argument(compiler, node))


def _eomonth(compiler: Compiler, node: Typed) -> Sql:
    first = func.date_trunc("month", cast(_edate(compiler, node), DateTime()))
    return cast(first.op("+")(literal_column("INTERVAL '1 month - 1 day'", Interval())), Date())


# --- working days ----------------------------------------------------------------------------------------


def _dates(days: frozenset[date]) -> Sql:
    return cast(array([constant(day, Date()) for day in sorted(days)]), ARRAY(Date()))


def _is_workday(compiler: Compiler, day: Sql) -> Sql:
    calendar = compiler.world.calendar
    weekday = and_(func.date_part("isodow", day) < _SATURDAY, ~(day == func.any(_dates(calendar.holidays))))
    return or_(day == func.any(_dates(calendar.workdays)), weekday)


def _networkdays(compiler: Compiler, node: Typed) -> Sql:
    def build(start: Sql, end: Sql) -> Sql:
        unknown = or_(start.is_(None), end.is_(None))
        count = let([func.least(start, end, type_=Date()), func.greatest(start, end, type_=Date())], between)
        return case((unknown, missing("number")), (end >= start, count), else_=-count)

    def between(first: Sql, last: Sql) -> Sql:
        calendar = compiler.world.calendar
        days = cast(last.op("-")(first), Integer()) + 1
        begin = cast(func.date_part("isodow", first), Integer()) - 1
        step = func.generate_series(0, days % 7 - 1).table_valued("value").render_derived()
        rest = select(func.count()).select_from(step).where((begin + step.c.value) % 7 < _SATURDAY - 1)
        closed = frozenset(
            day for day in calendar.holidays - calendar.workdays if day.isoweekday() < _SATURDAY
        )
        opened = frozenset(day for day in calendar.workdays if day.isoweekday() >= _SATURDAY)
        count = days // 7 * 5 + rest.correlate_except(step).scalar_subquery()
        return cast(count - _among(closed, first, last) + _among(opened, first, last), Numeric())

    return let(compiler.values(node.args, "date"), build)


def _among(days: frozenset[date], first: Sql, last: Sql) -> Sql:
    each = func.unnest(_dates(days)).table_valued("value").render_derived()
    query = select(func.count()).select_from(each).where(each.c.value.between(first, last))
    found: Sql = query.correlate_except(each).scalar_subquery()
    return found


def _workday(compiler: Compiler, node: Typed) -> Sql:
    holidays = len(compiler.world.calendar.holidays)

    def build(start: Sql, count: Sql) -> Sql:
        # Of seven days five are worked on; holidays and a week are the reserve.
        reach = func.abs(count) * 7 / 5 + holidays + 7
        step = func.generate_series(1, cast(reach, Integer())).table_valued("value").render_derived()
        day = moved_days(start, step.c.value * cast(func.sign(count), Integer()))
        query = (
            select(day.label("day"))
            .select_from(step)
            .where(_is_workday(compiler, day))
            .order_by(step.c.value)
        )
        nth = query.correlate_except(step).offset(func.abs(count) - 1).limit(1).scalar_subquery()
        return case(
            (func.abs(count) > WORKDAYS_MAX, missing("date")),
            (count == 0, start),
            (start.is_not(None), nth),
        )

    count = whole(compiler.value(node.args[1], "number"), -WORKDAYS_MAX - 1, WORKDAYS_MAX + 1)
    return let([compiler.value(node.args[0], "date"), count], build)


CALLS: dict[str, Make] = {
    "TODAY": _today,
    "NOW": _now,
    "DATE": _date,
    "DATEVALUE": _datevalue,
    "YEAR": _part("year"),
    "QUARTER": _part("quarter"),
    "MONTH": _part("month"),
    "DAY": _part("day"),
    "HOUR": _part("hour"),
    "WEEKDAY": _part("isodow"),
    "DATEADD": _dateadd,
    "DATEDIF": _datedif,
    "DAYS": _days,
    "EDATE": _edate,
    "EOMONTH": _eomonth,
    "NETWORKDAYS": _networkdays,
    "WORKDAY": _workday,
}
