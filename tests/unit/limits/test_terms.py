"""Payment terms make due dates; the parts of an amount always sum to the whole."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.limits.terms import CASH_TERM, Share, Term, due_columns, term_of, term_view

_WHOLE = Decimal("100.00")


@pytest.mark.parametrize(
    ("term", "base", "due"),
    [
        (Term("net", 30), date(2026, 1, 31), date(2026, 3, 2)),
        (Term("net", 0), date(2026, 1, 31), date(2026, 1, 31)),
        (CASH_TERM, date(2026, 1, 31), date(2026, 1, 31)),
        (Term("monthly", 0), date(2028, 2, 1), date(2028, 2, 29)),
        (Term("monthly", 15), date(2026, 1, 31), date(2026, 2, 15)),
        (Term("monthly", 60), date(2026, 11, 2), date(2027, 1, 29)),
    ],
)
def test_a_term_makes_one_date_from_the_invoices(term: Term, base: date, due: date) -> None:
    assert term.due_dates(base, _WHOLE, "CNY") == [(due, _WHOLE)]
    assert due_columns(term.due_dates(base, _WHOLE, "CNY")) == {
        "due_date": due,
        "last_due_date": due,
        "instalments": None,
    }


def test_instalments_fall_due_one_by_one_and_those_of_one_day_together() -> None:
    shares = (Share(Decimal(30), 0), Share(Decimal(30), 60), Share(Decimal(20), 30), Share(Decimal(20), 60))
    due = Term("instalments", 0, shares).due_dates(date(2026, 3, 2), Decimal("99.99"), "CNY")
    assert due == [
        (date(2026, 3, 2), Decimal("30.00")),
        (date(2026, 4, 1), Decimal("20.00")),
        (date(2026, 5, 1), Decimal("49.99")),
    ]
    assert due_columns(due)["instalments"][2] == {"due_date": "2026-05-01", "amount": "49.99"}


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 400)), min_size=1, max_size=12),
    st.integers(1, 10**12),
    st.sampled_from([("JPY", 0), ("CNY", 2), ("KWD", 3)]),
)
def test_parts_are_positive_ordered_and_sum_to_the_whole(
    shares: list[tuple[int, int]], units: int, currency: tuple[str, int]
) -> None:
    amount = Decimal(units).scaleb(-currency[1])
    term = Term("instalments", 0, tuple(Share(Decimal(percent), days) for percent, days in shares))
    due = term.due_dates(date(2026, 3, 2), amount, currency[0])
    assert sum(part for _, part in due) == amount
    assert all(part > 0 for _, part in due)
    assert sorted({on for on, _ in due}) == [on for on, _ in due]
    assert due[-1][0] <= date(2026, 3, 2) + timedelta(days=term.longest_days)


@pytest.mark.parametrize(
    "term",
    [
        CASH_TERM,
        Term("monthly", 15),
        Term("instalments", 0, (Share(Decimal("33.3333"), 0), Share(Decimal("66.6667"), 45))),
    ],
)
def test_a_term_is_read_as_it_was_kept(term: Term) -> None:
    assert term_of(term_view(term), None) == term
    assert term_of(None, 30) == Term("net", 30)
    assert term_of(None, None) is None
