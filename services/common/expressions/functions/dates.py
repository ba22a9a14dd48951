"""Functions of dates and instants; what is beyond the years 1 to 9999 is null."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.common.expressions.functions.formats import unit_of
from services.common.expressions.functions.table import Literals, define, whole
from services.common.expressions.values import date_of
from services.common.expressions.world import Calendar, Run

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_DURATIONS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
SHIFT_MAX = 4_000_000
WORKDAYS_MAX = 10_000
_MONTHS_OF_ALL_YEARS = 12 * 10_000


def _local(run: Run, value: Any) -> Any:
    return run.world.local(value) if isinstance(value, datetime) else value


def day_of(run: Run, value: Any) -> date:
    """The local calendar day of a date or an instant."""
    found = _local(run, value)
    return found.date() if isinstance(found, datetime) else found


def shift_days(day: date, days: Decimal) -> date | None:
    """A date moved by whole days; None beyond the calendar."""
    count = whole(days)
    if abs(count) > SHIFT_MAX:
        return None
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return None


def _shift_months(day: date, months: int) -> date | None:
    """The same day so many months later, or that month's last day."""
    if abs(months) > _MONTHS_OF_ALL_YEARS:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@define("date", "TODAY() -> date", "业务日期。", "The business date.", "TODAY()", "#2026-03-15#", runs=True)
def _today(run: Run) -> date:
    return run.world.day()


@define(
    "date",
    "NOW() -> datetime",
    "当前时刻。",
    "This instant.",
    "NOW()",
    "#2026-03-15T02:30:00Z#",
    runs=True,
)
def _now(run: Run) -> datetime:
    return run.world.instant()


def _check_date(literals: Literals) -> tuple[int, str, str, str] | None:
    if any(not isinstance(part, Decimal) for part in literals):
        return None
    if _date(*literals) is None:
        shown = "-".join(str(whole(part))[:12] for part in literals)
        return 0, "invalid_date", f"日期不存在: {shown}", "检查年、月、日"
    return None


@define(
    "date",
    "DATE(year: number, month: number, day: number) -> date",
    "由年、月、日组成的日期; 不存在的日期为空。",
    "The date of a year, a month and a day; null for one that does not exist.",
    "DATE(2026, 1, 31)",
    "#2026-01-31#",
    check=_check_date,
)
def _date(year: Decimal, month: Decimal, day: Decimal) -> date | None:
    try:
        return date(whole(year), whole(month), whole(day))
    except (ValueError, OverflowError):
        return None


@define(
    "date",
    "DATEVALUE(value: text | date | datetime) -> date",
    '文本 "2026-01-31" 所写的日期, 或时刻在本地的日期; 不是日期则为空。',
    'The date that a text "2026-01-31" writes, or an instant\'s local date; null when it is none.',
    'DATEVALUE("2026-01-31")',
    "#2026-01-31#",
    runs=True,
)
def _datevalue(run: Run, value: Any) -> date | None:
    return date_of(value) if isinstance(value, str) else day_of(run, value)


@define(
    "date",
    "YEAR(date: date | datetime) -> number",
    "年份。",
    "The year.",
    "YEAR(#2026-01-31#)",
    "2026",
    runs=True,
)
def _year(run: Run, value: Any) -> Decimal:
    return Decimal(_local(run, value).year)


@define(
    "date",
    "QUARTER(date: date | datetime) -> number",
    "季度, 1 到 4。",
    "The quarter, 1 to 4.",
    "QUARTER(#2026-05-01#)",
    "2",
    runs=True,
)
def _quarter(run: Run, value: Any) -> Decimal:
    return Decimal((_local(run, value).month + 2) // 3)


@define(
    "date",
    "MONTH(date: date | datetime) -> number",
    "月份, 1 到 12。",
    "The month, 1 to 12.",
    "MONTH(#2026-01-31#)",
    "1",
    runs=True,
)
def _month(run: Run, value: Any) -> Decimal:
    return Decimal(_local(run, value).month)


@define(
    "date",
    "DAY(date: date | datetime) -> number",
    "一个月中的第几天。",
    "The day of the month.",
    "DAY(#2026-01-31#)",
    "31",
    runs=True,
)
def _day(run: Run, value: Any) -> Decimal:
    return Decimal(_local(run, value).day)


@define(
    "date",
    "HOUR(instant: datetime) -> number",
    "时刻在本地的小时, 0 到 23。",
    "The hour of an instant by the local clocks, 0 to 23.",
    "HOUR(#2026-01-31T00:30:00Z#)",
    "8",
    runs=True,
)
def _hour(run: Run, value: datetime) -> Decimal:
    return Decimal(run.world.local(value).hour)


@define(
    "date",
    "WEEKDAY(date: date | datetime) -> number",
    "星期几: 星期一为 1, 星期日为 7。",
    "The day of the week: Monday is 1, Sunday is 7.",
    "WEEKDAY(#2026-01-31#)",
    "6",
    runs=True,
)
def _weekday(run: Run, value: Any) -> Decimal:
    return Decimal(_local(run, value).isoweekday())


def _check_unit(literals: Literals) -> tuple[int, str, str, str] | None:
    unit = literals[2] if len(literals) > 2 else None
    if isinstance(unit, str) and unit_of(unit) is None:
        return 2, "bad_unit", f"未知的时间单位 {unit[:20]}", '"day"、"week"、"month"、"quarter"、"year"'
    return None


@define(
    "date",
    "DATEADD(date: D, count: number, unit?: text) -> D",
    "日期加上若干天 (默认)、周、月、季或年, 月末不越界; 时刻可加 minute、hour、day、week。单位无效则为空。",
    "A date plus days (by default), weeks, months, quarters or years, at most the month's last day; "
    "an instant plus "
    "minutes, hours, days or weeks. Null for another unit.",
    'DATEADD(#2026-01-31#, 1, "month")',
    "#2026-02-28#",
    check=_check_unit,
)
def _dateadd(value: Any, count: Decimal, unit: str = "day") -> Any:
    kind, number = unit_of(unit), whole(count)
    if isinstance(value, datetime):
        return _shift_instant(value, number, kind)
    if kind in _MONTHS:
        return _shift_months(value, number * _MONTHS[kind])
    return shift_days(value, Decimal(number * _DAYS[kind])) if kind in _DAYS else None


def _shift_instant(value: datetime, number: int, kind: str | None) -> datetime | None:
    if kind not in _DURATIONS:
        return None
    try:
        return value + _DURATIONS[kind] * number
    except OverflowError:
        return None


@define(
    "date",
    "DATEDIF(start: date, end: date, unit?: text) -> number",
    "两个日期之间满多少天 (默认)、周、月、季或年; 结束在前则为负。单位无效则为空。",
    "How many whole days (by default), weeks, months, quarters or years lie between two dates; "
    "negative when the "
    "end is before the start. Null for another unit.",
    'DATEDIF(#2026-01-31#, #2026-03-30#, "month")',
    "1",
    check=_check_unit,
)
def _datedif(start: date, end: date, unit: str = "day") -> Decimal | None:
    kind = unit_of(unit)
    sign = 1 if end >= start else -1
    first, last = min(start, end), max(start, end)
    if kind in _MONTHS:
        months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
        return Decimal(sign * (months // _MONTHS[kind]))
    return Decimal(sign * ((last - first).days // _DAYS[kind])) if kind in _DAYS else None


@define(
    "date",
    "DAYS(end: date, start: date) -> number",
    "从开始到结束的天数, 与 `结束 - 开始` 相同。",
    "The days from the start to the end, the same as `end - start`.",
    "DAYS(#2026-02-01#, #2026-01-31#)",
    "1",
)
def _days(end: date, start: date) -> Decimal:
    return Decimal((end - start).days)


@define(
    "date",
    "EDATE(date: date, months: number) -> date",
    "若干个月之后 (负数为之前) 的同一天, 月末不越界。",
    "The same day so many months later (or before), at most the month's last day.",
    "EDATE(#2024-02-29#, 12)",
    "#2025-02-28#",
)
def _edate(day: date, months: Decimal) -> date | None:
    return _shift_months(day, whole(months))


@define(
    "date",
    "EOMONTH(date: date, months?: number) -> date",
    "若干个月之后 (默认 0, 即当月) 的最后一天。",
    "The last day of the month so many months later (0 by default: the same month).",
    "EOMONTH(#2026-01-15#, 1)",
    "#2026-02-28#",
)
def _eomonth(day: date, months: Decimal = Decimal(0)) -> date | None:
    moved = _shift_months(day, whole(months))
    return moved and moved.replace(day=monthrange(moved.year, moved.month)[1])


@define(
    "date",
    "NETWORKDAYS(start: date, end: date) -> number",
    "两个日期之间 (含首尾) 的工作日数, 按节假日历; 结束在前则为负。",
    "The working days between two dates, both counted, by the holiday calendar; negative when the end is "
    "before.",
    "NETWORKDAYS(#2026-02-09#, #2026-02-15#)",
    "6",
    runs=True,
)
def _networkdays(run: Run, start: date, end: date) -> Decimal:
    first, last = min(start, end), max(start, end)
    return Decimal((1 if end >= start else -1) * _workdays(run.world.calendar, first, last))


def _workdays(calendar: Calendar, first: date, last: date) -> int:
    weeks, rest = divmod((last - first).days + 1, 7)
    count = weeks * 5 + sum((first.weekday() + day) % 7 < 5 for day in range(rest))
    closed = sum(first <= day <= last and day.weekday() < 5 for day in calendar.holidays - calendar.workdays)
    opened = sum(first <= day <= last and day.weekday() >= 5 for day in calendar.workdays)
    return count - closed + opened


@define(
    "date",
    "WORKDAY(start: date, count: number) -> date",
    "若干个工作日之后 (负数为之前) 的工作日, 按节假日历; 0 为当天。最多 10000 个工作日, 超出为空。",
    "The working day so many working days later (or before), by the holiday calendar; 0 is the day "
    "itself. Null "
    "beyond 10000 working days.",
    "WORKDAY(#2026-02-13#, 1)",
    "#2026-02-14#",
    runs=True,
)
def _workday(run: Run, start: date, count: Decimal) -> date | None:
    left = whole(count)
    if abs(left) > WORKDAYS_MAX:
        return None
    step = timedelta(days=1 if left > 0 else -1)
    day = start
    try:
        while left:
            day += step
            run.charge(1)
            if run.world.calendar.is_workday(day):
                left -= 1 if left > 0 else -1
    except OverflowError:
        return None
    return day
