"""What a refusal promises holds: the largest amount passes, or the order after the payment, and no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.errors import Invalid
from services.common.fields import load
from services.common.money import format_amount
from services.limits import schema, store
from services.limits.operations import exchange, orders, pool_limits, receivables
from tests.integration.limits.conftest import CUSTOMER, Ledger

_UNITS = {"CNY": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}
_RATES = {"JPY": "0.0481", "KWD": "23.157"}
_currencies = st.sampled_from(sorted(_UNITS))
# In the base currency, whatever currency it is granted or ordered in.
_worth = st.integers(100, 90_000)


def _in(currency: str, worth: int) -> str:
    """About so much of the base currency, in whole units of another."""
    amount = Decimal(worth) / Decimal(_RATES.get(currency, 1))
    return format_amount(max(_UNITS[currency], amount.quantize(_UNITS[currency])), currency)


class _Trade:
    """A customer with a limit of their own, for a segment, and of a salesperson who has no other customer."""

    def __init__(self, ledger: Ledger, limits: list[tuple[str, int]]) -> None:
        self.ledger = ledger
        self.tag, customer_id = uuid4().hex[:12], uuid4()
        self.customer, self.count = str(customer_id), 0
        row = {"id": customer_id, "code": self.tag, "name": self.tag, "salesperson": self.tag}
        with ledger.database.begin(ledger.caller) as work:
            empty = dict.fromkeys(("department", "group_id"))
            store.save_customer(work, {**row, **empty, "active": True})
        own, segment, salesperson = ({"currency": each, "amount": _in(each, worth)} for each, worth in limits)
        ledger.grant(own["amount"], currency=own["currency"], customer_id=self.customer)
        of_segment = {"pool_kind": "customer", "pool_key": self.customer, "segment": "C1"}
        of_person = {"pool_kind": "salesperson", "pool_key": self.tag}
        for pool in ({**of_segment, **segment}, {**of_person, **salesperson}):
            ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), pool))

    def order(self, amount: str, currency: str) -> dict[str, Any]:
        """An order of the segment."""
        self.count += 1
        body = {"order_no": f"{self.tag}/{self.count}", "customer_id": self.customer, "company": "C1"}
        body |= {"amount": amount, "currency": currency}
        answer: dict[str, Any] = self.ledger.do(orders.reserve_order, load(schema.NewOrder(), body))
        return answer

    def cancel(self) -> None:
        """The last order is off."""
        key = load(schema.OrderKey(), {"order_no": f"{self.tag}/{self.count}"})
        self.ledger.do(orders.close_order, key, "cancelled")

    def pay(self, number: str, amount: str, currency: str) -> None:
        """A payment to the same company."""
        body = {"payment_no": f"{self.tag}/{number}", "customer_id": self.customer, "company": "C1"}
        body |= {"amount": amount, "currency": currency, "paid_at": "2026-03-02"}
        self.ledger.do(receivables.record_payment, load(schema.NewPayment(), body))


@given(st.lists(st.tuples(_currencies, _worth), min_size=3, max_size=3), _currencies, st.integers(1, 100))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_largest_amount_passes_one_unit_more_does_not_and_the_payment_makes_room(
    ledger: Ledger, limits: list[tuple[str, int]], currency: str, used: int
) -> None:
    rates = [{"currency": each, "rate": rate} for each, rate in _RATES.items()]
    ledger.do(exchange.set_exchange_rates, load(schema.RatesInput(), {"rates": rates}))
    trade, unit = _Trade(ledger, limits), _UNITS[currency]
    trade.order(_in("CNY", used), "CNY")
    wanted = _in(currency, 100_000)
    refused = trade.order(wanted, currency)
    assert refused["status"] == "refused"
    promised = refused["decision"]["would_pass_if"]
    largest = Decimal(promised["largest_amount"])
    assert trade.order(format_amount(largest + unit, currency), currency)["status"] == "refused"
    if largest:
        assert trade.order(promised["largest_amount"], currency)["status"] == "reserved"
        trade.cancel()
    less = Decimal(promised["payment_needed"]) - unit
    if less:
        trade.pay("P1", format_amount(less, currency), currency)
        assert trade.order(wanted, currency)["status"] == "refused", "a unit less does not do"
    trade.pay("P2", format_amount(unit, currency), currency)
    assert trade.order(wanted, currency)["status"] == "reserved"


@pytest.mark.parametrize(
    ("currency", "right", "wrong"), [("JPY", "101", "101.5"), ("KWD", "1.234", "1.2345")]
)
def test_amounts_have_the_decimals_of_their_currency_at_every_stage(
    ledger: Ledger, currency: str, right: str, wrong: str
) -> None:
    ledger.grant("1000", currency=currency)
    with pytest.raises(Invalid):
        ledger.order("A", wrong, currency=currency)
    ledger.do(orders.reserve_order, ledger.order("A", right, currency=currency))
    exposure = ledger.account()["exposure"]
    assert (exposure["reserved"], exposure["total"]) == (right, right)
    ledger.do(receivables.record_invoice, ledger.invoice("I", right, order_no="A", currency=currency))
    assert ledger.account()["exposure"]["receivable"] == right
    ledger.do(receivables.record_payment, ledger.payment("P", right, currency=currency))
    assert Decimal(ledger.account()["exposure"]["total"]) == 0
    assert ledger.account(CUSTOMER)["available"] == format_amount(Decimal(1000), currency)
    assert ledger.differences() == []
