"""A payment by acceptance bill pays its invoice at once; the exposure stays until the bill is honoured."""

from __future__ import annotations

from datetime import date
from typing import Any

import eventlet
import pytest

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.limits import schema
from services.limits.operations import receivables
from tests.integration.limits.conftest import Ledger, key

_METHOD = {"method": "acceptance_bill"}


@pytest.fixture
def billed(ledger: Ledger) -> Ledger:
    """An overdue invoice of 80.00, of a limit of 100.00, paid by a bill due in June."""
    ledger.grant("100.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I", "80.00", due="2026-03-02"))
    ledger.open_date(date(2026, 3, 5))
    ledger.do(receivables.record_payment, _payment(ledger, "P", "80.00", "B/1"))
    return ledger


def _payment(ledger: Ledger, number: str, amount: str, bill: str) -> dict[str, Any]:
    return ledger.payment(number, amount, bill={"number": bill, "due_date": "2026-06-30"}, **_METHOD)


def _bill(number: str = "B/1") -> dict[str, Any]:
    return load(schema.BillKey(), {"number": number})


def test_the_invoice_is_paid_and_the_exposure_stays_until_the_bill_is_honoured(billed: Ledger) -> None:
    assert billed.open_amounts()["I"] == ("0.00", "paid")
    assert billed.account()["overdue"]["amount"] == "0.00"
    assert billed.exposure() == ("0.00", "0.00", "80.00")
    answer = billed.do(receivables.honour_bill, _bill())
    assert (answer["bill"]["status"], answer["bill"]["settled_on"].isoformat()) == ("honoured", "2026-03-05")
    assert billed.exposure() == ("0.00", "0.00", "0.00")
    with pytest.raises(Conflict):
        billed.do(receivables.honour_bill, _bill())
    assert [len(billed.events(f"bill_{name}")) for name in ("received", "honoured")] == [1, 1]
    assert billed.differences() == []


def test_a_dishonoured_bill_opens_the_invoice_by_the_same_exposure_and_it_is_overdue_at_once(
    billed: Ledger,
) -> None:
    aged = len(billed.events("customer_aged"))
    answer = billed.do(receivables.dishonour_bill, _bill())
    assert (answer["status"], answer["over_limit"]) == ("dishonoured", False)
    assert billed.exposure() == ("0.00", "0.00", "80.00")
    assert billed.open_amounts()["I"] == ("80.00", "open")
    assert billed.account()["overdue"] == {"amount": "80.00", "max_days": 3}
    assert [told["overdue_amount"] for told in billed.events("customer_aged")[aged:]] == ["80.00"]
    for settle in (receivables.dishonour_bill, receivables.honour_bill):
        with pytest.raises(Conflict):
            billed.do(settle, _bill())
    with pytest.raises(Conflict):
        billed.do(receivables.reverse_payment, key("P"))
    assert billed.differences() == []


def test_a_bill_that_was_honoured_and_is_charged_back_raises_the_exposure_and_is_flagged(
    billed: Ledger,
) -> None:
    billed.do(receivables.honour_bill, _bill())
    billed.do(receivables.record_invoice, billed.invoice("J", "50.00"))
    answer = billed.do(receivables.dishonour_bill, _bill())
    assert answer["over_limit"] is True
    assert billed.events("bill_dishonoured")[0]["over_limit"] is True
    assert billed.exposure() == ("0.00", "0.00", "130.00")
    assert billed.differences() == []


def test_a_payment_that_was_a_mistake_takes_its_bill_with_it_and_the_bill_may_come_again(
    billed: Ledger,
) -> None:
    with pytest.raises(Conflict):
        billed.do(receivables.record_payment, _payment(billed, "Q", "10.00", "B/1"))
    billed.do(receivables.reverse_payment, key("P"))
    assert billed.exposure() == ("0.00", "0.00", "80.00")
    with pytest.raises(NotFound):
        billed.do(receivables.honour_bill, _bill())
    billed.do(receivables.record_payment, _payment(billed, "Q", "30.00", "B/1"))
    assert billed.open_amounts()["I"] == ("50.00", "open")
    assert billed.exposure() == ("0.00", "0.00", "80.00")
    items = billed.do(receivables.list_bills, {"where": {"number": "B/1"}})["items"]
    assert sorted((item["amount"], item["status"]) for item in items) == [
        ("30.00", "pending"),
        ("80.00", "void"),
    ]
    assert billed.differences() == []


def test_of_honour_and_dishonour_at_once_exactly_one_wins(billed: Ledger) -> None:
    pool = eventlet.GreenPool()

    def settle(operation: Any) -> str:
        try:
            return str(billed.do(operation, _bill())["status"])
        except Conflict:
            return "refused"

    tries = [receivables.honour_bill] * 4
    assert sorted(pool.imap(settle, tries)) == ["honoured", "refused", "refused", "refused"]
    assert billed.exposure() == ("0.00", "0.00", "0.00")


@pytest.mark.parametrize(
    "wrong",
    [{"method": "acceptance_bill"}, {"bill": {"number": "B", "due_date": "2026-06-30"}}],
)
def test_a_bill_and_its_method_go_together(ledger: Ledger, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        ledger.payment("P", "1.00", **wrong)
    assert refusal.value.errors[0]["code"] == "bill_needed"
