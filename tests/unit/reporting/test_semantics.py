"""The formulae of DOMAIN.md, with its vectors."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.reporting.semantics import (
    DIMENSIONS,
    MEASURES,
    cei,
    dso,
    ratio,
    refused_pairs,
    weighted_days_late,
)


@pytest.mark.parametrize(("days", "expected"), [(365, "121.67"), (183, "61.00"), (283, "94.33")])
def test_days_sales_outstanding(days: int, expected: str) -> None:
    assert dso(Decimal(50_000), Decimal(150_000), days) == Decimal(expected)


def test_nothing_to_divide_by_is_unknown_not_zero() -> None:
    assert dso(Decimal(1), Decimal(0), 30) is None
    assert ratio(Decimal(1), Decimal(0)) is None
    assert weighted_days_late(Decimal(0), Decimal(0)) is None
    assert cei(Decimal(0), Decimal(0), Decimal(0), Decimal(0)) is None


def test_collecting_everything_that_fell_due_is_an_index_of_100() -> None:
    assert cei(Decimal(100), Decimal(50), Decimal(30), Decimal(30)) == Decimal(100)


def test_a_limit_by_aging_bucket_has_no_meaning() -> None:
    assert refused_pairs(("credit_limit", "receivable_open"), ("aging_bucket",)) == [
        ("credit_limit", "aging_bucket")
    ]
    assert not refused_pairs(tuple(MEASURES), ("region", "grade"))
    assert "aging_bucket" in DIMENSIONS
