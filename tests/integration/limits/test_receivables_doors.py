"""Through the real doors: every document once per key, by those who may, and reports equal to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.limits.trading import BOSS, NOBODY, Trade, trading
from tests.support.doors import Door
from tests.support.postgres import DatabaseServer


@pytest.fixture(scope="module")
def door(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One ledger for the module; every test has a customer of its own."""
    with trading(database_server, tmp_path_factory.mktemp("trading")) as opened:
        yield opened


@pytest.fixture
def trade(door: Door) -> Iterator[Trade]:
    """A customer with a limit of 1,000.00; the ledger finds nothing wrong afterwards."""
    yield Trade(door, "1000.00")
    assert door.ask("limits", "verify", {}, BOSS)["differences"] == []


def test_reports_follow_credit_notes_and_write_offs_to_the_cent(trade: Trade) -> None:
    trade.record("invoice", "I1", "600.00", due_date="2026-03-02")
    trade.record("credit_note", "C1", "100.00", invoice_no=trade.number("I1"))
    assert trade.exposure() == ("0.00", "0.00", "500.00")
    written_off = {"invoice_no": trade.number("I1"), "amount": "200.00", "reason": "破产"}
    number = trade.ask("record_write_off", **written_off)["write_off"]["write_off_no"]
    assert trade.exposure() == ("0.00", "0.00", "300.00")
    trade.record("payment", "P1", "300.00")
    assert trade.exposure() == ("0.00", "0.00", "0.00")
    figures = trade.measure("payments", "payment_amount", "receivable_open", "on_time_rate")[0]
    assert (figures["payments"], figures["payment_amount"]) == (1, "300.00")
    assert (figures["receivable_open"], figures["on_time_rate"]) == ("0.00", "1.0000")
    trade.ask("reverse_write_off", number=number)
    trade.ask("reverse_credit_note", number=trade.number("C1"))
    assert trade.exposure() == ("0.00", "0.00", "300.00")
    trade.ask("reverse_invoice", number=trade.number("I1"))
    assert trade.exposure() == ("0.00", "0.00", "-300.00")


def test_reports_follow_bills_to_the_cent(trade: Trade) -> None:
    def bill(number: str) -> dict[str, Any]:
        named = {"number": trade.number(number), "due_date": "2026-06-30"}
        return {"method": "acceptance_bill", "bill": named}

    for number in ("1", "2", "3"):
        trade.record("invoice", f"I{number}", "100.00")
        trade.record("payment", f"P{number}", "100.00", **bill(f"B{number}"))
    assert trade.exposure() == ("0.00", "0.00", "300.00")
    trade.ask("honour_bill", number=trade.number("B1"))
    assert trade.exposure() == ("0.00", "0.00", "200.00")
    trade.ask("dishonour_bill", number=trade.number("B2"))
    assert trade.exposure() == ("0.00", "0.00", "200.00")
    trade.ask("reverse_payment", number=trade.number("P3"))
    assert trade.exposure() == ("0.00", "0.00", "200.00")
    trade.ask("dishonour_bill", number=trade.number("B1"))
    assert trade.exposure() == ("0.00", "0.00", "300.00")


def test_reports_age_each_instalment_by_itself(trade: Trade) -> None:
    parts = [{"percent": "30", "days": 0}, {"percent": "30", "days": 25}, {"percent": "40", "days": 90}]
    grant = {"customer_id": trade.customer_id, "amount": "1000.00", "currency": "CNY"}
    # In force on the day of the invoice.
    trade.ask("grant_credit", **grant, valid_from="2026-02-01", term={"kind": "instalments", "parts": parts})
    trade.record("invoice", "I1", "100.00", invoice_date="2026-02-01")
    trade.record("payment", "P1", "10.00", paid_at="2026-02-01")
    assert trade.overdue() == ("50.00", "50.00")
    mine = {"customer": trade.customer_id[:8]}
    rows = trade.measure("receivable_open", "invoices", dimensions=["aging_bucket"], filters=mine)
    found = {row["aging_bucket"]: (row["receivable_open"], row["invoices"]) for row in rows}
    assert found == {"1-30": ("50.00", 1), "current": ("40.00", 1)}
    trade.record("payment", "P2", "40.00", paid_at="2026-02-26")
    figures = trade.measure("on_time_rate", "weighted_days_late", "invoices", filters=mine)[0]
    assert (figures["on_time_rate"], figures["invoices"]) == ("0.5000", 1)
    # 10 on the day, 20 of the first part 25 days late, 20 of the second on its day.
    assert figures["weighted_days_late"] == "10.00"
    assert trade.exposure() == ("0.00", "0.00", "50.00")


def test_reports_follow_returns_and_what_is_beyond_the_horizon(trade: Trade) -> None:
    trade.record("order", "O1", "400.00", delivery_date="2026-12-31")
    order = {"order_no": trade.number("O1")}
    trade.ask("deliver_order", **order, delivery_no="D1", amount="150.00")
    trade.ask("return_delivery", **order, return_no="R1", amount="50.00")
    assert trade.exposure() == ("300.00", "100.00", "0.00")
    trade.ask("change_ledger_settings", horizon_days=10)
    account = trade.ask("get_credit_account", customer_id=trade.customer_id)
    assert (account["available"], account["exposure"]["beyond_horizon"]) == ("900.00", "300.00")
    trade.ask("reverse_delivery", **order, delivery_no="D1")
    assert trade.exposure() == ("400.00", "0.00", "0.00")
    trade.ask("change_ledger_settings", horizon_days=None)


def test_a_dispute_lifts_the_freeze_that_it_cures_at_once_and_reports_show_it(trade: Trade) -> None:
    trade.ask("change_ledger_settings", disputes_are_overdue=False)
    trade.record("invoice", "I1", "100.00", due_date="2026-02-20", invoice_date="2026-02-01")
    fired = {"kind": "freeze", "source": "rule", "reason": "逾期", "cure": {"at_most": 0}}
    told = {"customer_id": trade.customer_id, "actions": [fired], "episode": "E"}
    trade.door.tell("risk_rules", "rule_fired", trade.customer_id, told)
    trade.door.settle()
    assert trade.ask("get_credit_account", customer_id=trade.customer_id)["frozen"] is True
    assert trade.overdue() == ("100.00", "100.00")
    disputed = {"invoice_no": trade.number("I1"), "reason": "少货"}
    dispute = trade.ask("open_dispute", **disputed)["dispute"]
    assert trade.ask("get_credit_account", customer_id=trade.customer_id)["frozen"] is False
    assert trade.overdue() == ("0.00", "0.00")
    trade.ask("resolve_dispute", dispute_id=dispute["id"])
    assert trade.overdue() == ("100.00", "100.00")
    trade.ask("change_ledger_settings", disputes_are_overdue=True)


@pytest.mark.parametrize(
    ("method", "received"),
    [
        ("record_credit_note", {"credit_note_no": "K", "amount": "7.00", "currency": "CNY"}),
        ("record_write_off", {"amount": "7.00", "reason": "坏账"}),
    ],
)
def test_one_key_is_one_document_and_another_body_is_refused(
    trade: Trade, method: str, received: dict[str, str]
) -> None:
    trade.record("invoice", "I1", "50.00")
    dated = {"customer_id": trade.customer_id, "credit_note_date": "2026-03-02"}
    named = {"invoice_no": trade.number("I1")}
    received = {**received, **(named if method == "record_write_off" else dated)}
    if "credit_note_no" in received:
        received["credit_note_no"] = trade.number("K")
    key = f"{trade.customer_id}-{method}"
    first = trade.ask(method, key=key, **received)
    assert trade.ask(method, key=key, **received) == first
    assert trade.exposure() == ("0.00", "0.00", "43.00")
    refusal = trade.door.refused("limits", method, {**received, "amount": "8.00"}, BOSS, key)
    assert refusal.status == 409


@pytest.mark.parametrize(
    ("method", "received"),
    [
        ("reallocate_payment", {"number": "P"}),
        ("allocate_payment", {"number": "P"}),
        ("reverse_credit_note", {"number": "C"}),
        ("record_write_off", {"invoice_no": "I", "reason": "坏账"}),
        ("reverse_write_off", {"number": "W"}),
        ("honour_bill", {"number": "B"}),
        ("dishonour_bill", {"number": "B"}),
        ("open_dispute", {"invoice_no": "I", "reason": "少货"}),
        ("resolve_dispute", {"dispute_id": "018f0000-0000-7000-8000-0000000000ff"}),
        ("return_delivery", {"order_no": "O", "return_no": "R", "amount": "1.00"}),
        ("reverse_delivery", {"order_no": "O", "delivery_no": "D"}),
    ],
)
def test_who_may_not_is_refused(trade: Trade, method: str, received: dict[str, str]) -> None:
    assert trade.refused(method, NOBODY, **received).status == 403
    assert trade.refused(method, **received).status == 404
