"""Money covers the first instalment first; a dispute may spare what is late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.limits.open_items import Part, invoice_status, overdue_parts, parts_of

_DAYS = [date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)]


def _open_total(parts: Iterable[Part]) -> Decimal:
    return sum((part.open_amount for part in parts), Decimal(0))


def _invoice(open_amount: str, disputed: str = "0", *parts: str) -> dict[str, Any]:
    instalments = [
        {"due_date": day.isoformat(), "amount": part} for day, part in zip(_DAYS, parts, strict=False)
    ]
    return {
        "amount": sum(map(Decimal, parts), Decimal(0)) or Decimal(90),
        "open_amount": Decimal(open_amount),
        "disputed": Decimal(disputed),
        "due_date": _DAYS[0],
        "instalments": instalments or None,
    }


def test_an_invoice_without_instalments_is_one_part() -> None:
    assert parts_of(_invoice("40")) == [Part(_DAYS[0], Decimal(90), Decimal(40))]


@pytest.mark.parametrize(
    ("open_amount", "left"),
    [("90", (20, 30, 40)), ("75", (5, 30, 40)), ("70", (0, 30, 40)), ("40", (0, 0, 40)), ("1", (0, 0, 1))],
)
def test_what_is_open_is_what_was_to_be_paid_last(open_amount: str, left: tuple[int, ...]) -> None:
    parts = parts_of(_invoice(open_amount, "0", "20", "30", "40"))
    assert tuple(part.open_amount for part in parts) == left
    assert [part.due_date for part in parts] == _DAYS


def test_only_parts_past_their_date_are_overdue() -> None:
    invoice = _invoice("90", "0", "20", "30", "40")
    assert overdue_parts(invoice, _DAYS[0], disputes_are_overdue=True) == []
    late = overdue_parts(invoice, _DAYS[2], disputes_are_overdue=True)
    assert [(part.due_date, part.open_amount) for part in late] == [(_DAYS[0], 20), (_DAYS[1], 30)]


@given(st.integers(0, 90), st.integers(0, 90))
def test_a_dispute_spares_its_amount_the_earliest_first(open_amount: int, disputed: int) -> None:
    invoice = _invoice(str(open_amount), str(disputed), "20", "30", "40")
    on = date(2026, 3, 1)
    every = overdue_parts(invoice, on, disputes_are_overdue=True)
    spared = overdue_parts(invoice, on, disputes_are_overdue=False)
    assert _open_total(spared) == max(0, _open_total(every) - disputed)
    if spared:
        assert spared[-1] == every[-1] or len(spared) == 1


def test_the_status_follows_from_what_is_open_and_what_was_given_up() -> None:
    found = [invoice_status(Decimal(left), Decimal(off)) for left, off in ((1, 0), (1, 9), (0, 0), (0, 9))]
    assert found == ["open", "open", "paid", "written_off"]
