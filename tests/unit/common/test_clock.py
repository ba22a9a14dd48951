"""The clock: instants in UTC, and the business date of a place."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.clock import FixedClock, SystemClock, as_utc, business_date, day_start

ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "America/Santiago", "Australia/Lord_Howe"]


def test_the_system_clock_tells_an_aware_instant_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-03-01T15:59:59+00:00", "Asia/Shanghai", "2026-03-01"),
        ("2026-03-01T16:00:00+00:00", "Asia/Shanghai", "2026-03-02"),
        ("2026-03-01T10:00:00+00:00", "Pacific/Kiritimati", "2026-03-02"),
        ("2026-03-08T06:59:59+00:00", "America/New_York", "2026-03-08"),
        ("2026-11-01T03:59:59+00:00", "America/New_York", "2026-10-31"),
        ("2028-02-28T16:00:00+00:00", "Asia/Shanghai", "2028-02-29"),
        ("2028-02-29T16:00:00+00:00", "Asia/Shanghai", "2028-03-01"),
        ("2026-12-31T16:00:00+00:00", "Asia/Shanghai", "2027-01-01"),
    ],
)
def test_the_business_date_is_the_calendar_day_of_the_zone(instant: str, zone: str, day: str) -> None:
    clock = FixedClock(datetime.fromisoformat(instant))
    assert clock.today(zone) == date.fromisoformat(day)


@given(st.dates(date(1971, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_a_day_starts_at_its_first_instant(day: date, zone: str) -> None:
    start = day_start(day, zone)
    assert business_date(start, zone) == day
    assert business_date(start - timedelta(microseconds=1), zone) < day


def test_a_day_whose_midnight_does_not_exist_starts_an_hour_later() -> None:
    assert day_start(date(2026, 9, 6), "America/Santiago") == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_a_fixed_clock_stands_still_until_it_is_moved() -> None:
    clock = FixedClock(datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2026, 1, 2, tzinfo=UTC)
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_moment_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        as_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - the very thing that is refused
