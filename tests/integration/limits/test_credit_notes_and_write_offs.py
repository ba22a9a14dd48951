"""Credit notes and write-offs take off what is to be paid; taken back, it is to be paid again."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.limits import schema
from services.limits.operations import batches, receivables
from tests.integration.limits.conftest import CUSTOMER, Ledger, key


@pytest.fixture
def owing(ledger: Ledger) -> Ledger:
    """A customer who owes two invoices of 60.00, of a limit of 100.00."""
    ledger.grant("100.00")
    ledger.do(receivables.record_invoice, ledger.invoice("old", "60.00", due="2026-03-02"))
    ledger.do(receivables.record_invoice, ledger.invoice("new", "60.00", due="2026-04-01"))
    ledger.open_date(date(2026, 3, 3))
    return ledger


def test_a_credit_note_pays_the_invoice_that_it_names_and_then_the_oldest(owing: Ledger) -> None:
    answer = owing.do(receivables.record_credit_note, owing.credit_note("C1", "70.00", invoice_no="new"))
    assert answer["status"] == "recorded"
    assert owing.open_amounts() == {"old": ("50.00", "open"), "new": ("0.00", "paid")}
    assert owing.exposure() == ("0.00", "0.00", "50.00")
    assert owing.account()["overdue"]["amount"] == "50.00"
    assert [told["credit_note"]["credit_note_no"] for told in owing.events("credit_note_recorded")] == ["C1"]
    assert owing.events("payment_recorded") == []
    assert owing.differences() == []


def test_a_credit_note_again_changes_nothing_and_a_payment_may_have_its_number(owing: Ledger) -> None:
    note = owing.credit_note("X1", "10.00")
    owing.do(receivables.record_credit_note, note)
    assert owing.do(receivables.record_credit_note, note)["status"] == "duplicate"
    with pytest.raises(Conflict):
        owing.do(receivables.record_credit_note, owing.credit_note("X1", "11.00"))
    assert owing.do(receivables.record_payment, owing.payment("X1", "20.00"))["status"] == "recorded"
    assert owing.exposure() == ("0.00", "0.00", "90.00")
    owing.do(receivables.reverse_credit_note, key("X1"))
    assert owing.exposure() == ("0.00", "0.00", "100.00")
    assert _listed(owing, "payment") == [("X1", "20.00", "recorded")]
    assert _listed(owing, "credit_note") == [("X1", "10.00", "reversed")]
    assert owing.differences() == []


def test_a_reversed_credit_note_opens_what_it_paid_and_is_flagged_over_the_limit(owing: Ledger) -> None:
    owing.do(receivables.record_credit_note, owing.credit_note("C1", "60.00", invoice_no="old"))
    assert owing.account()["overdue"]["amount"] == "0.00"
    answer = owing.do(receivables.reverse_credit_note, key("C1"))
    assert answer["over_limit"] is True
    assert owing.events("credit_note_reversed")[0]["over_limit"] is True
    assert owing.open_amounts()["old"] == ("60.00", "open")
    assert owing.account()["overdue"]["amount"] == "60.00"
    with pytest.raises(Conflict):
        owing.do(receivables.reverse_credit_note, key("C1"))
    assert owing.differences() == []


def test_a_write_off_gives_up_a_part_or_the_rest_and_is_claimed_again(owing: Ledger) -> None:
    part = owing.do(receivables.record_write_off, owing.write_off("old", amount="20.00", write_off_no="W1"))
    assert (part["invoice"]["open_amount"], part["invoice"]["written_off"]) == ("40.00", "20.00")
    again = owing.do(receivables.record_write_off, owing.write_off("old", amount="20.00", write_off_no="W1"))
    assert again["status"] == "duplicate"
    owing.do(receivables.record_write_off, owing.write_off("old"))
    assert owing.open_amounts()["old"] == ("0.00", "written_off")
    assert owing.exposure() == ("0.00", "0.00", "60.00")
    assert owing.account()["overdue"]["amount"] == "0.00"
    answer = owing.do(receivables.reverse_write_off, key("W1"))
    assert answer["invoice"]["open_amount"] == "20.00"
    assert owing.exposure() == ("0.00", "0.00", "80.00")
    with pytest.raises(Conflict):
        owing.do(receivables.reverse_write_off, key("W1"))
    assert owing.differences() == []


def test_more_than_is_open_is_not_written_off_and_money_never_pays_what_was_given_up(owing: Ledger) -> None:
    with pytest.raises(Invalid) as refusal:
        owing.do(receivables.record_write_off, owing.write_off("old", amount="60.01"))
    assert refusal.value.errors[0]["code"] == "more_than_open"
    with pytest.raises(NotFound):
        owing.do(receivables.record_write_off, owing.write_off("none"))
    owing.do(receivables.record_write_off, owing.write_off("old", amount="50.00"))
    named = {"allocations": [{"invoice_no": "old", "amount": "60.00"}]}
    owing.do(receivables.record_payment, owing.payment("P1", "60.00", **named))
    assert owing.open_amounts() == {"old": ("0.00", "written_off"), "new": ("10.00", "open")}
    assert owing.exposure() == ("0.00", "0.00", "10.00")
    assert owing.differences() == []


def test_an_invoice_that_is_taken_back_takes_its_write_offs_with_it(owing: Ledger) -> None:
    owing.do(receivables.record_write_off, owing.write_off("old", amount="20.00", write_off_no="W1"))
    owing.do(receivables.reverse_invoice, key("old"))
    assert owing.exposure() == ("0.00", "0.00", "60.00")
    with pytest.raises(Conflict):
        owing.do(receivables.reverse_write_off, key("W1"))
    assert owing.differences() == []


def test_batches_of_both_stand_each_item_alone_and_tell_the_account_once(owing: Ledger) -> None:
    told = len(owing.events("account_changed"))
    note = {"customer_id": str(CUSTOMER), "currency": "CNY", "credit_note_date": "2026-03-02"}
    amounts = ("5.00", "-1", "6.00")
    notes = [{**note, "credit_note_no": f"C{n}", "amount": amount} for n, amount in enumerate(amounts)]
    record, foresee = receivables.record_credit_note_locked, receivables.foresee_credit_notes
    assert _batch(owing, notes, schema.NewCreditNote(), record, foresee) == ["recorded", "error", "recorded"]
    items = [{"invoice_no": number, "reason": "坏账", "amount": "9.00"} for number in ("old", "none", "new")]
    record, foresee = receivables.record_write_off_locked, receivables.foresee_write_offs
    assert _batch(owing, items, schema.NewWriteOff(), record, foresee) == ["recorded", "error", "recorded"]
    assert owing.exposure() == ("0.00", "0.00", "91.00")
    assert len(owing.events("account_changed")) == told + 2
    assert owing.differences() == []


def _batch(ledger: Ledger, items: list[dict[str, Any]], shape: Any, record: Any, foresee: Any) -> list[str]:
    answer = ledger.do(batches.run_batch, items, partial(load, shape), record, foresee)
    return [result["status"] for result in answer["results"]]


def _listed(ledger: Ledger, kind: str) -> list[tuple[str, str, str]]:
    found = ledger.do(receivables.list_documents, kind, {"where": {f"{kind}_no": "X1"}})["items"]
    return [(item[f"{kind}_no"], item["amount"], item["status"]) for item in found]
