"""An invoice without a due date falls due by its customer's term, instalment by instalment."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.common.errors import Invalid
from services.limits.operations import receivables
from tests.integration.limits.conftest import OTHER, Ledger, key

_THIRDS = {
    "kind": "instalments",
    "parts": [{"percent": "30", "days": 0}, {"percent": "30", "days": 10}, {"percent": "40", "days": 40}],
}


def _due(ledger: Ledger, number: str, amount: str = "100.00", **more: Any) -> dict[str, Any]:
    received = ledger.invoice(number, amount, due=None, **more)
    found: dict[str, Any] = ledger.do(receivables.record_invoice, received)["invoice"]
    return found


@pytest.mark.parametrize(
    ("granted", "due", "days"),
    [
        ({"term_days": 30}, "2026-04-01", 30),
        ({"term": {"kind": "net", "days": 45}}, "2026-04-16", 45),
        ({"term": {"kind": "monthly", "days": 15}}, "2026-04-15", 15),
        ({"term": {"kind": "cash"}}, "2026-03-02", 0),
        ({}, "2026-03-02", None),
    ],
)
def test_one_date_by_the_term_in_force(
    ledger: Ledger, granted: dict[str, Any], due: str, days: int | None
) -> None:
    ledger.grant("1000.00", **{"term_days": None, **granted})
    found = _due(ledger, "I")
    assert (found["due_date"].isoformat(), found["instalments"]) == (due, [])
    assert ledger.account()["payment_term_days"] == days


def test_a_named_due_date_wins_and_who_has_no_limit_pays_cash(ledger: Ledger) -> None:
    ledger.grant("1000.00", term_days=30)
    named = ledger.do(receivables.record_invoice, ledger.invoice("I", "1.00", due="2026-12-31"))["invoice"]
    assert named["due_date"].isoformat() == "2026-12-31"
    assert _due(ledger, "J", customer_id=str(OTHER))["due_date"].isoformat() == "2026-03-02"


def test_the_term_of_the_invoices_date_counts_and_before_the_first_limit_the_present_one(
    ledger: Ledger,
) -> None:
    ledger.grant("1000.00", term_days=10)
    ledger.open_date(date(2026, 3, 5))
    ledger.grant("1000.00", term_days=20)
    assert _due(ledger, "I", invoice_date="2026-03-04")["due_date"].isoformat() == "2026-03-14"
    assert _due(ledger, "J", invoice_date="2026-03-05")["due_date"].isoformat() == "2026-03-25"
    assert _due(ledger, "K", invoice_date="2026-02-01")["due_date"].isoformat() == "2026-02-21"


def test_a_raise_keeps_the_term_and_a_new_one_replaces_it(ledger: Ledger) -> None:
    ledger.grant("1000.00", term=_THIRDS, term_days=None)
    raised = ledger.grant("1.00", change="raise", reason="旺季", term_days=None)
    assert (raised["grant"]["term"], raised["grant"]["term_days"]) == (_THIRDS, 40)
    raised = ledger.grant("1.00", change="raise", reason="旺季", term_days=15)
    assert raised["grant"]["term"] == {"kind": "net", "days": 15}
    assert raised["account"]["payment_term"] == {"kind": "net", "days": 15}


@pytest.mark.parametrize(
    ("term", "code"),
    [
        ({"kind": "weekly"}, "term_kind_unknown"),
        ({"kind": "net"}, "term_days"),
        ({"kind": "cash", "days": 3}, "term_days"),
        ({"kind": "instalments"}, "term_parts"),
        ({"kind": "monthly", "days": 3, "parts": []}, "term_parts"),
        ({"kind": "instalments", "parts": []}, "term_parts"),
        ({"kind": "instalments", "parts": [{"percent": "99", "days": 0}]}, "term_percents"),
        ({"kind": "net", "days": -1}, "out_of_range"),
    ],
)
def test_a_term_that_makes_no_sense_is_refused_by_name(ledger: Ledger, term: Any, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ledger.grant("1000.00", term=term, term_days=None)
    assert {error["code"] for error in refusal.value.errors} == {code}
    assert all(error["field"].startswith("term") for error in refusal.value.errors)


def test_instalments_are_late_one_by_one_and_money_covers_what_is_due_first(ledger: Ledger) -> None:
    ledger.grant("1000.00", term=_THIRDS, term_days=None)
    invoice = _due(ledger, "I")
    due = [(part["due_date"].isoformat(), part["amount"]) for part in invoice["instalments"]]
    assert due == [("2026-03-02", "30.00"), ("2026-03-12", "30.00"), ("2026-04-11", "40.00")]
    ledger.open_date(date(2026, 3, 13))
    assert ledger.account()["overdue"] == {"amount": "60.00", "max_days": 11}
    aged = ledger.events("customer_aged")[-1]["items"]
    assert [(item["open_amount"], item["days_overdue"]) for item in aged] == [("30.00", 11), ("30.00", 1)]
    ledger.do(receivables.record_payment, ledger.payment("P", "45.00"))
    assert ledger.account()["overdue"] == {"amount": "15.00", "max_days": 1}
    ledger.do(receivables.record_payment, ledger.payment("Q", "15.00"))
    assert ledger.account()["overdue"]["amount"] == "0.00"
    ledger.do(receivables.reverse_payment, key("P"))
    assert ledger.account()["overdue"] == {"amount": "45.00", "max_days": 11}
    assert ledger.differences() == []


@pytest.mark.parametrize("order", [("I", "J", "P"), ("P", "J", "I"), ("J", "P", "I"), ("I", "P", "J")])
def test_an_invoice_due_between_two_instalments_is_paid_between_them(
    ledger: Ledger, order: tuple[str, ...]
) -> None:
    ledger.grant("1000.00", term=_THIRDS, term_days=None)
    documents = {
        "I": (receivables.record_invoice, ledger.invoice("I", "100.00", due=None)),
        "J": (receivables.record_invoice, ledger.invoice("J", "50.00", due="2026-03-20")),
        "P": (receivables.record_payment, ledger.payment("P", "120.00")),
    }
    for name in order:
        ledger.do(*documents[name])
    assert ledger.open_amounts() == {"I": ("30.00", "open"), "J": ("0.00", "paid")}
    assert ledger.differences() == []
