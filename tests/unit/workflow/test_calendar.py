"""Business hours: over nights, weekends, holidays and worked weekends, forwards and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.expressions import Calendar
from services.workflow.calendar import WorkingTime

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = [(time(9), time(12)), (time(13), time(18))]
# National Day 2026, and the Saturday that is worked for it.
CALENDAR = Calendar(frozenset(date(2026, 10, day) for day in range(1, 8)), frozenset({date(2026, 10, 10)}))
WORK = WorkingTime(CALENDAR, HOURS, "Asia/Shanghai")


def at(day: int, hour: int, minute: int = 0, month: int = 10) -> datetime:
    """An instant by the clocks of Shanghai in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(12, 9), "1", at(12, 10)),
        (at(12, 11, 30), "1", at(12, 13, 30)),
        (at(12, 17), "2", at(13, 10)),
        (at(12, 3), "0.5", at(12, 9, 30)),
        (at(16, 17), "2", at(19, 10)),
        (at(9, 17), "2", at(10, 10)),
        (at(30, 17, month=9), "2", at(8, 10)),
        (at(3, 12), "8", at(8, 18)),
    ],
)
def test_hours_of_work_are_counted(start: datetime, hours: str, end: datetime) -> None:
    assert WORK.after(start, Decimal(hours)) == end


@given(st.integers(0, 365 * 24 * 60), st.decimals("0.1", "200", places=2))
def test_so_many_hours_before_the_end_it_was_the_start_or_no_work_lay_between(
    minutes: int, hours: Decimal
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = WORK.after(start, hours)
    assert end > start
    back = WORK.before(end, hours)
    assert WORK.after(back, hours) == end
    assert back >= start - timedelta(seconds=1)


def test_without_hours_every_hour_of_a_working_day_counts() -> None:
    around = WorkingTime(Calendar(), [], "Asia/Shanghai")
    assert around.after(at(12, 20), Decimal(6)) == at(13, 2)
    assert around.after(at(16, 20), Decimal(6)) == at(19, 2)
