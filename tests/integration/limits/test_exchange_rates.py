"""What is owed in several currencies is one exposure in the currency of the limit, by the rate of the day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from services.common.db import UnitOfWork
from services.common.errors import Invalid
from services.common.fields import load
from services.common.paging import ListInput
from services.limits import model, schema
from services.limits.chain import entry_hash
from services.limits.operations import exchange, history, orders, pool_limits, receivables, revaluation
from tests.integration.limits.conftest import CUSTOMER, OTHER, TODAY, Ledger


def set_rates(ledger: Ledger, *rates: tuple[str, str] | tuple[str, str, date], **more: Any) -> None:
    """Set rates to CNY, today's unless a date is given, and let every pool follow."""
    named = [
        {"currency": rate[0], "rate": rate[1], **({"valid_from": rate[2].isoformat()} if rate[2:] else {})}
        for rate in rates
    ]
    ledger.do(exchange.set_exchange_rates, load(schema.RatesInput(), {"rates": named, **more}))
    while ledger.do(revaluation.follow_rates):
        continue


def _order(ledger: Ledger, number: str, amount: str, currency: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ledger.do(
        orders.reserve_order, ledger.order(number, amount, currency=currency, **more)
    )
    return answer


def _entries(ledger: Ledger) -> list[Any]:
    with ledger.database.read(ledger.caller) as work:
        return list(work.execute(select(model.entries).order_by(model.entries.c.identity)))


def test_an_order_in_another_currency_is_checked_by_the_rate_of_the_day(ledger: Ledger) -> None:
    ledger.grant("100.00")
    set_rates(ledger, ("USD", "7.1"))
    assert _order(ledger, "A", "10.00", "USD")["status"] == "reserved"
    account = ledger.account()
    assert (account["currency"], account["exposure"]["reserved"], account["available"]) == (
        "CNY",
        "71.00",
        "29.00",
    )
    assert account["rates"] == {"USD": "7.1"}
    assert [(each["currency"], each["exposure"]["total"]) for each in account["by_currency"]] == [
        ("USD", "10.00")
    ]
    refused = _order(ledger, "B", "4.09", "USD")["decision"]
    (reason,) = refused["reasons"]
    assert (reason["code"], reason["needed"], reason["available"], reason["currency"]) == (
        "limit_exceeded",
        "29.04",
        "29.00",
        "CNY",
    )
    assert refused["would_pass_if"]["largest_amount"] == "4.08"
    assert refused["would_pass_if"]["payment_needed"] == "0.01"
    assert refused["inputs"]["rates"] == {"USD": "7.1"}
    assert _order(ledger, "C", "4.08", "USD")["status"] == "reserved"
    assert _order(ledger, "D", "0.04", "CNY")["status"] == "refused"
    assert _order(ledger, "E", "0.03", "CNY")["status"] == "reserved"
    assert ledger.account()["available"] == "0.00"
    assert ledger.differences() == []


def test_the_entry_keeps_its_rate_under_its_hash(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    set_rates(ledger, ("USD", "7.100"))
    _order(ledger, "A", "10.00", "USD")
    _order(ledger, "B", "10.00", "CNY")
    by_number = {row.document_no: row for row in _entries(ledger)}
    assert (by_number["A"].rate, by_number["B"].rate) == (Decimal("7.1"), None)
    row = dict(by_number["A"]._mapping)
    assert entry_hash("", row) == row["hash"] != entry_hash("", {**row, "rate": None})
    assert ledger.differences() == []
    with ledger.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE entries DISABLE TRIGGER entries_append_only"))
        connection.execute(text("UPDATE entries SET rate = 7 WHERE document_no = 'A'"))
        connection.execute(text("ALTER TABLE entries ENABLE TRIGGER entries_append_only"))
    assert {found["check"] for found in ledger.differences()} == {"hash_chain", "rate_was_in_force"}


def test_verification_knows_which_rate_was_in_force_when_an_entry_was_recorded(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    set_rates(ledger, ("USD", "7.1"))
    _order(ledger, "A", "10.00", "USD")
    set_rates(ledger, ("USD", "7.3"))
    _order(ledger, "B", "10.00", "USD")
    assert ledger.differences() == []

    def found_when_set(rate: str, shift: str) -> list[str]:
        """What is found once a rate is said to have been set at another time."""
        with ledger.database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE exchange_rates DISABLE TRIGGER exchange_rates_append_only"))
            moved = "UPDATE exchange_rates SET set_at = set_at + CAST(:by AS interval) WHERE rate = :rate"
            connection.execute(text(moved), {"by": shift, "rate": Decimal(rate)})
            connection.execute(text("ALTER TABLE exchange_rates ENABLE TRIGGER exchange_rates_append_only"))
        return [found["rate"] for found in ledger.differences() if found["check"] == "rate_was_in_force"]

    assert found_when_set("7.1", "1 hour") == ["7.1"], "nobody knew it yet"
    assert found_when_set("7.1", "-2 hours") == [], "it was known, and replaced a moment ago"
    assert found_when_set("7.3", "-1 hour") == ["7.1"], "it was replaced an hour ago"


def test_without_a_rate_an_order_is_refused_naming_currency_and_date_and_what_happened_is_recorded(
    ledger: Ledger,
) -> None:
    ledger.grant("100.00")
    answer = _order(ledger, "A", "10.00", "USD")
    (reason,) = answer["decision"]["reasons"]
    assert (reason["code"], reason["rates_missing"], reason["date"]) == ("rate_missing", ["USD"], str(TODAY))
    assert "2026-03-02" in reason["message"]
    assert answer["decision"]["would_pass_if"]["rates_needed"] == [{"currency": "USD", "date": str(TODAY)}]
    recorded = ledger.do(receivables.record_invoice, ledger.invoice("I", "10.00", currency="USD"))
    assert recorded["over_limit"] is True, "nobody can tell that it is not"
    assert _entries(ledger)[-1].rate is None
    account = ledger.account()
    assert (account["rates_missing"], account["available"]) == (["USD"], "100.00")
    also = _order(ledger, "B", "1.00", "CNY")["decision"]["reasons"]
    assert [each["code"] for each in also] == ["rate_missing"]
    set_rates(ledger, ("USD", "7"))
    assert (ledger.account()["available"], ledger.account()["rates_missing"]) == ("30.00", [])
    assert _order(ledger, "C", "30.00", "CNY")["status"] == "reserved"


def test_an_unlimited_limit_needs_no_rate(ledger: Ledger) -> None:
    ledger.grant(None)
    assert _order(ledger, "A", "10.00", "USD")["status"] == "reserved"


def test_a_cross_rate_goes_through_the_base(ledger: Ledger) -> None:
    ledger.grant("1000", currency="JPY")
    set_rates(ledger, ("USD", "7"), ("JPY", "0.05"))
    assert _order(ledger, "A", "7.00", "USD")["status"] == "reserved"
    account = ledger.account()
    assert (account["currency"], account["available"], account["rates"]) == ("JPY", "20", {"USD": "140"})
    assert _order(ledger, "B", "1.00", "CNY")["status"] == "reserved"
    assert ledger.account()["available"] == "0"


def test_a_new_rate_cannot_be_refused_but_is_told_and_flagged(ledger: Ledger) -> None:
    ledger.grant("100.00")
    body = {"pool_kind": "department", "pool_key": "S", "amount": "100.00", "currency": "CNY"}
    ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), body))
    set_rates(ledger, ("USD", "7"), ("EUR", "8"))
    _order(ledger, "A", "10.00", "USD")
    ledger.grant("50.00", customer_id=str(OTHER))
    before = len(ledger.events("account_changed"))
    set_rates(ledger, ("USD", "11"))
    told = ledger.events("account_changed")[before:]
    assert [(each["account"]["state"], each["account"]["available"]) for each in told] == [
        ("over-limit", "-10.00")
    ]
    flags = {each["pool"]["kind"]: each["over_limit"] for each in ledger.events("pool_revalued")[-2:]}
    assert flags == {"customer": True, "department": True}
    quiet = len(ledger.events("pool_revalued"))
    set_rates(ledger, ("EUR", "9"))
    assert len(ledger.events("pool_revalued")) == quiet, "nobody owes any"
    set_rates(ledger, ("USD", "1"))
    assert ledger.events("pool_revalued")[-1]["over_limit"] is False


def test_a_rate_counts_from_its_date_on_and_accounts_are_told_with_that_day(ledger: Ledger) -> None:
    ledger.grant("100.00")
    tomorrow = TODAY + timedelta(days=1)
    set_rates(ledger, ("USD", "7"), ("USD", "11", tomorrow + timedelta(days=1)))
    _order(ledger, "A", "10.00", "USD")
    before = len(ledger.events("account_changed"))
    ledger.open_date(tomorrow)
    assert len(ledger.events("account_changed")) == before
    ledger.open_date(tomorrow + timedelta(days=2))
    told = ledger.events("account_changed")[before:]
    assert [(each["account"]["business_date"], each["account"]["available"]) for each in told] == [
        ("2026-03-04", "-10.00")
    ]
    assert [each["over_limit"] for each in ledger.events("pool_revalued")] == [True]
    assert ledger.account()["available"] == "-10.00", "it holds until there is another"


def test_views_in_time_take_the_rate_of_their_date_as_it_was_known(ledger: Ledger) -> None:
    ledger.grant("100.00")
    set_rates(ledger, ("USD", "7"))
    _order(ledger, "A", "10.00", "USD")
    with ledger.database.begin(ledger.caller) as work:
        moment = work.now
    ledger.open_date(TODAY + timedelta(days=1))
    set_rates(ledger, ("USD", "9"))
    set_rates(ledger, ("USD", "8", TODAY))

    def available(**asked: Any) -> str:
        received = {"customer_id": CUSTOMER, "as_of": None, "known_at": None, **asked}
        return str(ledger.do(history.get_account, received)["available"])

    assert available() == "10.00"
    assert available(as_of=TODAY) == "20.00", "corrected since"
    assert available(as_of=TODAY, known_at=moment) == "30.00"
    assert available(known_at=moment) == "30.00"


def test_rates_are_listed_with_who_and_when_and_only_ever_added(ledger: Ledger) -> None:
    set_rates(ledger, ("USD", "7.10"), ("JPY", "0.048"), source="中国银行")
    set_rates(ledger, ("USD", "7.2"))
    asked = load(ListInput(), {"where": {"currency": "USD"}})
    items = ledger.do(exchange.list_exchange_rates, asked)["items"]
    assert [(item["rate"], item["source"]) for item in items] == [("7.2", "manual"), ("7.1", "中国银行")]
    assert all(item["set_by"] and item["set_at"] for item in items)
    moment = {"on": None, "known_at": None}
    assert ledger.do(exchange.get_exchange_rates, moment)["rates"] == {"JPY": "0.048", "USD": "7.2"}
    early = {"on": TODAY - timedelta(days=1), "known_at": None}
    assert ledger.do(exchange.get_exchange_rates, early)["rates"] == {}
    for statement in ("UPDATE exchange_rates SET rate = 1", "DELETE FROM exchange_rates"):
        with pytest.raises(DBAPIError, match="append-only"), ledger.database.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("rates", "field", "code"),
    [
        ([{"currency": "CNY", "rate": "1"}], "rates.0.currency", "rate_of_base"),
        ([{"currency": "USD", "rate": "7"}] * 2, "rates.1.currency", "rate_twice"),
        ([{"currency": "USD", "rate": "0"}], "rates.0.rate", "out_of_range"),
        ([{"currency": "USD", "rate": "-7"}], "rates.0.rate", "out_of_range"),
        ([{"currency": "USD", "rate": "1e1"}], "rates.0.rate", "not_a_number"),
        ([{"currency": "USD", "rate": "7.123456789012"}], "rates.0.rate", "too_precise"),
        ([{"currency": "XXX", "rate": "7"}], "rates.0.currency", "currency_unknown"),
        ([], "rates", "batch_size"),
    ],
)
def test_a_wrong_rate_is_refused_and_none_is_set(
    ledger: Ledger, rates: list[dict[str, str]], field: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ledger.do(exchange.set_exchange_rates, load(schema.RatesInput(), {"rates": rates}))
    assert [(error["field"], error["code"]) for error in refused.value.errors] == [(field, code)]
    assert ledger.do(exchange.get_exchange_rates, {"on": None, "known_at": None})["rates"] == {}


def test_guarantees_and_temporary_limits_in_other_currencies_raise_the_limit(ledger: Ledger) -> None:
    ledger.grant("100.00")
    set_rates(ledger, ("USD", "7"))
    ledger.grant("10.00", currency="USD", kind="temporary")
    assert (ledger.account()["currency"], ledger.account()["limit"]) == ("CNY", "170.00")
    set_rates(ledger, ("USD", "6.5"))
    assert ledger.events("account_changed")[-1]["account"]["limit"] == "165.00"


def test_what_is_overdue_in_all_currencies_is_one_amount(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    set_rates(ledger, ("USD", "7"))
    for currency in ("CNY", "USD"):
        invoice = ledger.invoice(f"I-{currency}", "10.00", "2026-03-03", currency=currency)
        ledger.do(receivables.record_invoice, invoice)
    ledger.open_date(TODAY + timedelta(days=3))
    assert ledger.account()["overdue"] == {"amount": "80.00", "max_days": 2}
    wanted = _order(ledger, "A", "140.00", "USD")["decision"]["would_pass_if"]
    assert (wanted["overdue_amount"], wanted["pay_invoices"]) == ("11.43", ["I-CNY", "I-USD"])


def _statements(ledger: Ledger, operation: Any, *arguments: Any) -> list[str]:
    """The statements that an operation runs."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    try:
        ledger.do(operation, *arguments)
    finally:
        event.remove(ledger.database.engine, "before_cursor_execute", note)
    return found


def test_only_what_is_owed_in_another_currency_asks_for_rates_once_for_all(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    set_rates(ledger, ("USD", "7"))

    def asks(*bodies: dict[str, Any]) -> int:
        def reserve(work: UnitOfWork, items: Any) -> None:
            orders.foresee_orders(work, items)
            for item in items:
                orders.reserve_order(work, item)

        found = _statements(ledger, reserve, bodies)
        return sum("exchange_rates" in statement for statement in found)

    own = [ledger.order(f"A{number}", "10.00") for number in range(3)]
    assert asks(*own) == 0
    assert asks(*(ledger.order(f"B{number}", "1.00", currency="USD") for number in range(3))) == 1
    assert asks(ledger.order("C", "1.00")) == 1, "something is owed in dollars"
