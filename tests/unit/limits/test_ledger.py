"""The pure rules of the ledger: stages that always add up, limits, states, verdicts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.limits.ledger import (
    Check,
    Grant,
    Limit,
    account_state,
    aging_bucket,
    judge,
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
    limit = limit_on(ON, [_grant("100000")], [(Decimal(50_000), Decimal("0.5"))])
    assert limit.available(Decimal(0)) == Decimal(125_000)


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


@given(amounts, amounts, amounts)
def test_an_order_passes_exactly_when_it_is_within_what_is_available(
    limit: Decimal, exposure: Decimal, increase: Decimal
) -> None:
    granted = limit_on(ON, [_grant(str(limit))])
    verdict = judge(Check(increase, "CNY", granted, "CNY", exposure))
    assert (verdict.result == "reserved") == (increase <= limit - exposure)


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
