"""Time as a value that is passed in: the instant in UTC, and the calendar day of a place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What tells the time; handed to whoever needs it, so that tests and replays can hold it."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        ...

    def today(self, zone: str) -> date:
        """The calendar day of this instant in a time zone (IANA name)."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return datetime.now(UTC)

    def today(self, zone: str) -> date:
        """The calendar day of this instant in a time zone (IANA name)."""
        return business_date(self.now(), zone)


class FixedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, moment: datetime) -> None:
        self._moment = as_utc(moment)

    def now(self) -> datetime:
        """The instant at which this clock stands, in UTC."""
        return self._moment

    def today(self, zone: str) -> date:
        """The calendar day of that instant in a time zone (IANA name)."""
        return business_date(self._moment, zone)

    def set(self, moment: datetime) -> None:
        """Put the clock to another instant."""
        self._moment = as_utc(moment)

    def advance(self, duration: timedelta) -> None:
        """Move the clock on by a duration of elapsed time (a change to summer time does not bend it)."""
        self._moment += duration


def as_utc(moment: datetime) -> datetime:
    """The same instant in UTC; `ValueError` for one without a time zone, which is no instant."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC)


def business_date(moment: datetime, zone: str) -> date:
    """The calendar day of an instant in a time zone (IANA name)."""
    return as_utc(moment).astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: str) -> datetime:
    """The first instant of a calendar day in a time zone, in UTC.

    Where summer time begins at midnight, the day starts at its first existing instant.
    """
    local = ZoneInfo(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=local).astimezone(UTC)
    while start.astimezone(local).date() < day:
        start += timedelta(minutes=1)
    return start
