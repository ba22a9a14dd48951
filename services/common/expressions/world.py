"""What an evaluation may know besides its record: the time, the holidays and the other forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from services.common.expressions.problems import STEPS_MAX, refuse

# `lookup(form, column, value, wanted)`: the `wanted` column of the record of a form whose `column` is
# `value`.
Lookup = Callable[[str, str, Any, str], Any]
_SATURDAY = 6


@dataclass(frozen=True)
class Calendar:
    """The working days: Monday to Friday without `holidays`, and the weekend days that are `workdays`
    (调休).
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        """Whether people work on that day."""
        if day in self.workdays:
            return True
        return day.isoweekday() < _SATURDAY and day not in self.holidays


@dataclass(frozen=True)
class World:
    """The surroundings of an evaluation; what is not given makes the functions that need it an error.

    `now` is aware; `today` is the business date, by default the day of `now` in `zone` (an IANA name).
    """

    now: datetime | None = None
    today: date | None = None
    zone: str = "Asia/Shanghai"
    calendar: Calendar = field(default_factory=Calendar)
    lookup: Lookup | None = None

    def instant(self) -> datetime:
        """This instant in UTC."""
        if self.now is None:
            raise refuse(0, "no_clock", "这里没有当前时间, 不能使用 NOW", "改为读取一个时刻字段")
        return self.now.astimezone(UTC)

    def day(self) -> date:
        """The business date."""
        if self.today is not None:
            return self.today
        if self.now is None:
            raise refuse(0, "no_clock", "这里没有当前日期, 不能使用 TODAY", "改为读取一个日期字段")
        return self.local(self.now).date()

    def local(self, moment: datetime) -> datetime:
        """An instant as the clocks of the zone show it."""
        return moment.astimezone(_zone(self.zone))


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)


class Run:
    """One evaluation: its world, and the steps that it has left."""

    __slots__ = ("steps", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps = STEPS_MAX

    def charge(self, steps: int) -> None:
        """Use up steps; `ExpressionError` when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise refuse(0, "too_many_steps", f"计算超过 {STEPS_MAX} 步", "减少明细的行数或公式的循环")
