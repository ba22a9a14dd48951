"""Business hours: when so many hours of work after (or before) an instant are over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.common.expressions import Calendar

_DAYS_MAX = 4_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingTime:
    """The working days, the hours of each, and the zone whose clocks count; no hours: around the clock."""

    calendar: Calendar
    hours: Sequence[tuple[time, time]]
    zone: str

    def after(self, start: datetime, hours: Decimal) -> datetime:
        """The instant at which so many hours of work after `start` are over."""
        left = _span(hours)
        for begins, ends in self._spans(start.astimezone(ZoneInfo(self.zone)).date(), 1):
            if ends <= start:
                continue
            begins = max(begins, start)
            if ends - begins >= left:
                return begins + left
            left -= ends - begins
        return start + _span(hours)

    def before(self, end: datetime, hours: Decimal) -> datetime:
        """The instant from which so many hours of work are left until `end`."""
        left = _span(hours)
        for begins, ends in self._spans(end.astimezone(ZoneInfo(self.zone)).date(), -1):
            if begins >= end:
                continue
            ends = min(ends, end)
            if ends - begins >= left:
                return ends - left
            left -= ends - begins
        return end - _span(hours)

    def _spans(self, day: date, step: int) -> Iterator[tuple[datetime, datetime]]:
        """The spans of work from a day on, or backwards; given up after years without any."""
        zone = ZoneInfo(self.zone)
        spans: list[tuple[time, time | None]] = [*sorted(self.hours)] or [(time.min, None)]
        for number in range(_DAYS_MAX):
            here = day + step * number * _DAY
            if not self.calendar.is_workday(here):
                continue
            for begins, ends in spans[::step]:
                first = datetime.combine(here, begins, zone).astimezone(ZoneInfo("UTC"))
                last = datetime.combine(here + _DAY, time.min, zone) if ends is None else None
                last = last or datetime.combine(here, ends or time.min, zone)
                yield first, last.astimezone(ZoneInfo("UTC"))


def _span(hours: Decimal) -> timedelta:
    return timedelta(microseconds=int(hours * 3_600_000_000))
