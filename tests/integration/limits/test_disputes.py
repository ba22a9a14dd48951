"""What is disputed is overdue like the rest, unless it is set otherwise; exposure never moves by it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.common.ids import new_id
from services.common.paging import ListInput
from services.limits import schema
from services.limits.operations import receivables
from tests.integration.limits.conftest import Ledger, key


@pytest.fixture
def late(ledger: Ledger) -> Ledger:
    """An invoice of 100.00 that is three days late."""
    ledger.grant("500.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I", "100.00", due="2026-03-02"))
    ledger.open_date(date(2026, 3, 5))
    return ledger


def _spare_disputes(ledger: Ledger, *, are_overdue: bool = False) -> None:
    assert ledger.configure(disputes_are_overdue=are_overdue)["disputes_are_overdue"] is are_overdue


def _open(ledger: Ledger, amount: str | None = None) -> str:
    received = load(schema.NewDispute(), {"invoice_no": "I", "amount": amount, "reason": "质量问题"})
    return str(ledger.do(receivables.open_dispute, received)["dispute"]["id"])


def _resolve(ledger: Ledger, dispute_id: str) -> dict[str, Any]:
    received = load(schema.DisputeKey(), {"dispute_id": dispute_id, "resolution": "已协商"})
    answer: dict[str, Any] = ledger.do(receivables.resolve_dispute, received)
    return answer


def _overdue(ledger: Ledger) -> tuple[str, int]:
    found = ledger.account()["overdue"]
    return found["amount"], found["max_days"]


def test_a_dispute_alone_delays_nothing(late: Ledger) -> None:
    _open(late)
    assert _overdue(late) == ("100.00", 3)
    assert late.exposure() == ("0.00", "0.00", "100.00")


def test_where_it_is_so_set_what_is_disputed_is_not_overdue_until_it_is_resolved(late: Ledger) -> None:
    _spare_disputes(late)
    dispute = _open(late, "60.00")
    assert _overdue(late) == ("40.00", 3)
    rest = _open(late, "40.00")
    assert _overdue(late) == ("0.00", 0)
    assert late.exposure() == ("0.00", "0.00", "100.00")
    aged = len(late.events("customer_aged"))
    assert _resolve(late, dispute)["invoice"]["disputed"] == "40.00"
    assert _overdue(late) == ("60.00", 3)
    assert [told["overdue_amount"] for told in late.events("customer_aged")[aged:]] == ["60.00"]
    with pytest.raises(Conflict):
        _resolve(late, dispute)
    _resolve(late, rest)
    assert _overdue(late) == ("100.00", 3)
    assert late.differences() == []


def test_a_new_day_ages_only_what_is_not_disputed(late: Ledger) -> None:
    _spare_disputes(late)
    _open(late, "60.00")
    aged = len(late.events("customer_aged"))
    late.open_date(date(2026, 3, 6))
    items = late.events("customer_aged")[aged]["items"]
    assert [(item["open_amount"], item["days_overdue"]) for item in items] == [("40.00", 4)]


def test_a_change_of_the_setting_holds_at_once_for_those_who_dispute(late: Ledger) -> None:
    _open(late)
    told = len(late.events("account_changed"))
    _spare_disputes(late)
    assert late.events("account_changed")[told]["account"]["overdue"]["amount"] == "0.00"
    _spare_disputes(late, are_overdue=True)
    assert late.events("account_changed")[told + 1]["account"]["overdue"]["amount"] == "100.00"
    assert late.events("customer_aged")[-1]["overdue_amount"] == "100.00"
    assert len(late.events("ledger_settings_changed")) == 2


def test_nobody_disputes_more_than_is_open(late: Ledger) -> None:
    _open(late, "60.00")
    for amount in ("40.01", "100.01"):
        with pytest.raises(Invalid):
            _open(late, amount)
    with pytest.raises(NotFound):
        _resolve(late, str(new_id()))


def test_an_invoice_that_is_paid_or_taken_back_leaves_nothing_disputed(late: Ledger) -> None:
    _spare_disputes(late)
    _open(late, "60.00")
    late.do(receivables.record_payment, late.payment("P", "70.00"))
    assert _overdue(late) == ("0.00", 0)
    late.do(receivables.reverse_invoice, key("I"))
    items = late.do(receivables.list_disputes, load(ListInput(), {}))["items"]
    assert [(item["status"], item["resolution"]) for item in items] == [("resolved", "发票已冲销")]
    assert late.differences() == []
