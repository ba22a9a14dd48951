"""What was recorded before invoices knew instalments, or views any date, goes on as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.common.migrations import downgrade, upgrade
from services.limits.operations import accounts, orders, receivables
from tests.integration.limits.conftest import CUSTOMER, Ledger, key
from tests.integration.limits.test_any_sequence_of_commands import EVERY_STEP, Story


def test_documents_of_before_are_paid_reversed_and_verified_afterwards(ledger: Ledger) -> None:
    ledger.grant("500.00", term_days=30)
    ledger.do(orders.reserve_order, ledger.order("A", "100.00"))
    delivery = {"order_no": "A", "source": None, "company": None, "delivery_no": "D", "amount": "60.00"}
    ledger.do(orders.deliver_order, delivery)
    ledger.do(receivables.record_invoice, ledger.invoice("I", "60.00", order_no="A"))
    ledger.do(receivables.record_payment, ledger.payment("P", "25.00"))
    before = _state(ledger)

    _go_through(ledger, "0004")

    assert _state(ledger) == before
    assert ledger.account()["payment_term"] == {"kind": "net", "days": 30}
    ledger.do(receivables.record_credit_note, ledger.credit_note("P", "5.00"))
    ledger.do(receivables.record_write_off, ledger.write_off("I", amount="10.00"))
    ledger.do(receivables.reverse_payment, key("P"))
    assert ledger.open_amounts() == {"I": ("45.00", "open")}
    assert ledger.differences() == []


def test_views_and_verification_know_what_was_recorded_before_they_were_there(ledger: Ledger) -> None:
    story = Story(ledger)
    for step in EVERY_STEP:
        story.take(step)
    account, today = ledger.account(story.customer_id), {"as_of": story.today.isoformat()}
    assert Decimal(account["exposure"]["beyond_horizon"]) > 0
    _go_through(ledger, "0005")
    assert ledger.account(story.customer_id) == account
    assert story.view(**today) == account
    assert ledger.differences() == []
    story.take_everything_back()
    assert story.view(**today)["exposure"]["total"] == "0.00"
    assert ledger.differences() == []


def _go_through(ledger: Ledger, before: str) -> None:
    """Bring the database back to an earlier version, and forward again."""
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    ledger.database.dispose()
    downgrade("limits", url, before)
    upgrade("limits", url)


def _state(ledger: Ledger) -> dict[str, Any]:
    account: dict[str, Any] = ledger.do(accounts.get_account, CUSTOMER)
    return {**account, "open": ledger.open_amounts(), "differences": ledger.differences()}
