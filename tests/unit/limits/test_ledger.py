"""The pure rules of the ledger: stages that always add up, limits, states, verdicts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.limits.ledger import (
    Grant,
    Guarantee,
    Limit,
    account_state,
    aging_bucket,
    limit_dates,
    limit_on,
    order_stages,
)

ON = date(2026, 3, 2)
amounts = st.decimals(min_value=0, max_value=10**9, places=2)


def _grant(amount: str | None, kind: str = "base", **more: date | None) -> Grant:
    figure = None if amount is None else Decimal(amount)
    return Grant(kind, figure, "CNY", more.get("start") or ON, more.get("end"))


@given(amounts, amounts, amounts, st.booleans())
def test_stages_are_never_negative_and_hold_at_least_what_was_delivered(
    amount: Decimal, delivered: Decimal, invoiced: Decimal, is_open: bool
) -> None:
    stages = order_stages(amount, delivered, invoiced, is_open=is_open)
    assert stages.reserved >= 0
    assert stages.delivered >= 0
    whole = stages.total + invoiced
    assert whole == max(amount if is_open else Decimal(0), delivered, invoiced)


@given(st.lists(amounts, max_size=4), st.lists(amounts, max_size=4), amounts)
def test_the_order_of_documents_does_not_matter(
    deliveries: list[Decimal], invoices: list[Decimal], amount: Decimal
) -> None:
    ends = set()
    steps = [("d", part) for part in deliveries[:2]] + [("i", part) for part in invoices[:2]]
    for arranged in permutations(steps):
        totals = {"d": Decimal(0), "i": Decimal(0)}
        for kind, part in arranged:
            totals[kind] += part
        ends.add(order_stages(amount, totals["d"], totals["i"], is_open=True))
    assert len(ends) == 1


def test_a_guarantee_raises_the_limit_by_its_accepted_share() -> None:
    limit = limit_on(ON, [_grant("100000")], [Guarantee(Decimal(50_000), "CNY", Decimal(50), ON)])
    assert (limit.available(Decimal(0)), limit.guaranteed) == (Decimal(125_000), Decimal(25_000))


@pytest.mark.parametrize(
    ("currency", "value", "percent", "accepted"),
    [
        ("CNY", "0.03", "50", "0.01"),
        ("JPY", "101", "33.3", "33"),
        ("KWD", "1.001", "10", "0.100"),
        ("CNY", "99.99", "100", "99.99"),
    ],
)
def test_a_guarantee_counts_in_whole_units_of_its_currency(
    currency: str, value: str, percent: str, accepted: str
) -> None:
    assert Guarantee(Decimal(value), currency, Decimal(percent), ON).accepted == Decimal(accepted)


@pytest.mark.parametrize(
    ("start", "end", "released", "counts"),
    [
        (0, None, None, True),
        (0, 0, None, True),
        (1, None, None, False),
        (-9, -1, None, False),
        (-9, None, 0, False),
        (-9, None, 1, True),
    ],
)
def test_a_guarantee_counts_from_its_first_day_to_its_last_or_its_release(
    start: int, end: int | None, released: int | None, counts: bool
) -> None:
    def day(offset: int | None) -> date | None:
        return None if offset is None else ON + timedelta(days=offset)

    first = day(start) or ON
    guarantee = Guarantee(Decimal(10), "CNY", Decimal(100), first, day(end), day(released))
    assert limit_on(ON, [_grant("5")], [guarantee]).amount == (15 if counts else 5)


def test_a_guarantee_alone_is_no_credit() -> None:
    assert limit_on(ON, [], [Guarantee(Decimal(10), "CNY", Decimal(100), ON)]).state == "unset"


def test_the_dates_on_which_a_limit_changes_are_known_before() -> None:
    grants = [_grant("5", end=ON + timedelta(days=3)), _grant("7", start=ON + timedelta(days=2))]
    guarantee = Guarantee(Decimal(10), "CNY", Decimal(100), ON, ON + timedelta(days=6))
    assert [(day - ON).days for day in limit_dates(ON, grants, [guarantee])] == [2, 4, 7]


@pytest.mark.parametrize(
    ("grants", "state"),
    [
        ([], "unset"),
        ([_grant("0")], "zero"),
        ([_grant("5")], "amount"),
        ([_grant(None)], "unlimited"),
        ([_grant("5", end=ON - timedelta(days=1), start=ON - timedelta(days=9))], "expired"),
    ],
)
def test_every_state_of_a_limit_is_explicit(grants: list[Grant], state: str) -> None:
    limit = limit_on(ON, grants)
    assert limit.state == state
    assert account_state(limit, Decimal(0), frozen=True) == "frozen"


def test_exposure_above_the_limit_is_over_limit() -> None:
    assert account_state(Limit("amount", Decimal(5)), Decimal(6), frozen=False) == "over-limit"


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-5, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (180, "91-180"),
        (181, ">180"),
    ],
)
def test_aging_buckets_begin_the_day_after_the_due_date(days: int, bucket: str) -> None:
    assert aging_bucket(ON - timedelta(days=days), ON) == bucket
