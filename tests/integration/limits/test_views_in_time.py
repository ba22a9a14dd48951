"""An account on any date, as it is known now or was known at any instant, is what its history says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.caller import service_caller
from services.common.clock import FixedClock
from services.common.db import UnitOfWork
from services.common.errors import Invalid
from services.common.fields import load
from services.limits import schema, store
from services.limits.ledger import Stages
from services.limits.operations import accounts, grants, history, intake, orders, receivables, verification
from tests.integration.limits.conftest import CALLER, CUSTOMER, TODAY, Ledger
from tests.integration.limits.replay import History
from tests.integration.limits.test_erp_documents_in_any_order import Document, histories

_DAYS = [TODAY + timedelta(days=offset) for offset in (-60, -30, -11, -2, -1, 0, 1, 2, 3, 4, 5, 20, 40)]


def _view(ledger: Ledger, customer: UUID = CUSTOMER, **moment: Any) -> dict[str, Any]:
    asked = load(schema.AccountMoment(), {"customer_id": str(customer), **moment})
    view: dict[str, Any] = ledger.do(history.get_account, asked)
    view.pop("known_at", None)
    return view


def _new_customer(ledger: Ledger) -> UUID:
    customer = uuid4()
    with ledger.database.begin(service_caller("limits")) as work:
        row = {"id": customer, "code": customer.hex, "name": "客户", "salesperson": None, "department": None}
        store.save_customer(work, {**row, "group_id": None, "active": True})
    return customer


class _Told:
    """What happened to a customer of its own, and what the ledger said of it at each instant."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        # The examples of a property share a ledger: time goes on from one to the next.
        self.clock = FixedClock(ledger.database.clock.now() + timedelta(seconds=1))
        ledger.database.clock = self.clock
        self.customer = _new_customer(ledger)
        self.views: list[tuple[datetime, dict[str, Any]]] = []
        self.days: dict[date, dict[str, Any]] = {}

    def said(self) -> None:
        """Keep what the ledger says at this instant, and move on."""
        self.views.append((self.clock.now(), self.ledger.account(self.customer)))
        self.clock.advance(timedelta(seconds=1))

    def apply(self, documents: Sequence[Document], days: Sequence[bool]) -> None:
        """Apply documents of an ERP one by one, opening the next date where `days` says so."""
        names = {"source": self.customer.hex}
        for (key, body), opens in zip(documents, days, strict=False):
            own = {**body, **names}
            if "customer_id" in body:
                own["customer_id"] = str(self.customer)
            with self.ledger.database.begin(service_caller("limits", "erp")) as work:
                intake.foresee(work, [(key, own)])
                intake.apply_document(work, key, own)
            self.said()
            if opens:
                self.next_day()

    def next_day(self) -> None:
        """Open the next business date."""
        today = self.ledger.do(store.today)
        self.days[today] = self.ledger.account(self.customer)
        self.ledger.open_date(today + timedelta(days=1))
        self.said()

    def history(self) -> History:
        """Every row that says how the account came to be what it is."""
        with self.ledger.database.read(CALLER) as work:
            return History(work, self.customer)


def _held(work: UnitOfWork, customer: UUID, on: date, known_at: datetime | None) -> Stages:
    return store.stages_on(work, store.customer_pools(work, customer)[0], on, known_at)


_slow = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(histories(), st.lists(st.booleans(), min_size=24, max_size=24))
@_slow
def test_what_the_ledger_said_at_an_instant_it_says_again(
    ledger: Ledger, documents: list[Document], days: list[bool]
) -> None:
    told = _Told(ledger)
    told.said()
    ledger.grant("100000.00", customer_id=str(told.customer))
    told.said()
    told.apply(documents, days)
    told.next_day()
    for instant, said in told.views:
        assert _without_later_pools(_view(ledger, told.customer, known_at=instant.isoformat()), said) == said
    assert _view(ledger, told.customer, as_of="2099-01-01")["exposure"] == told.views[-1][1]["exposure"]


def _without_later_pools(view: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The view without the pools that the account did not have then: they stand at zero."""
    known = {pool["currency"] for pool in said["pools"]}
    assert all(pool["exposure"]["total"] == "0.00" for pool in view["pools"] if pool["currency"] not in known)
    return {**view, "pools": [pool for pool in view["pools"] if pool["currency"] in known]}


@given(histories(), st.lists(st.booleans(), min_size=24, max_size=24))
@_slow
def test_balances_on_any_date_and_instant_are_the_sums_of_their_entries(
    ledger: Ledger, documents: list[Document], days: list[bool]
) -> None:
    told = _Told(ledger)
    ledger.grant("100000.00", customer_id=str(told.customer))
    told.apply(documents, days)
    told.next_day()
    replay = told.history()
    if not replay.entries:
        return
    with ledger.database.read(CALLER) as work:
        today = store.today(work)
        for on in {*_DAYS, *told.days, today, today - timedelta(days=1)}:
            for instant in (None, *(instant for instant, _ in told.views)):
                assert _held(work, told.customer, on, instant) == replay.stages(on, instant)
    assert ledger.do(verification.verify)["differences"] == []


@given(histories(), st.lists(st.booleans(), min_size=24, max_size=24))
@_slow
def test_on_no_date_more_is_covered_than_is_open_or_was_paid(
    ledger: Ledger, documents: list[Document], days: list[bool]
) -> None:
    told = _Told(ledger)
    ledger.grant("100000.00", customer_id=str(told.customer))
    told.apply(documents, days)
    replay = told.history()
    with ledger.database.read(CALLER) as work:
        for on in (*_DAYS, *told.days):
            for instant in (None, *(instant for instant, _ in told.views)):
                overdue = store.overdue_on(work, told.customer, "CNY", on, instant)
                assert overdue == replay.overdue(on, instant)
            still_open = replay.open_amounts(on, None)
            assert all(amount >= 0 for amount in still_open.values())
            # What is not open of the invoices was paid by then, or lies on account.
            assert sum(still_open.values()) >= replay.owed(on)
    shown = _view(ledger, told.customer, as_of=ledger.do(store.today).isoformat())["overdue"]
    assert shown == ledger.account(told.customer)["overdue"]


def test_a_late_payment_counts_from_its_own_date_and_was_not_known_before(ledger: Ledger) -> None:
    told = _Told(ledger)
    ledger.grant("1000.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "100.00", due="2026-03-03"))
    ledger.open_date(TODAY + timedelta(days=5))
    before = told.clock.now()
    told.clock.advance(timedelta(hours=1))
    ledger.do(receivables.record_payment, ledger.payment("P1", "60.00", paid_at="2026-03-05"))
    on_4th, on_5th = _view(ledger, as_of="2026-03-04"), _view(ledger, as_of="2026-03-05")
    assert (on_4th["exposure"]["receivable"], on_4th["overdue"]) == (
        "100.00",
        {"amount": "100.00", "max_days": 1},
    )
    assert (on_5th["exposure"]["receivable"], on_5th["overdue"]) == (
        "40.00",
        {"amount": "40.00", "max_days": 2},
    )
    unknown = _view(ledger, as_of="2026-03-05", known_at=before.isoformat())
    assert (unknown["exposure"]["receivable"], unknown["overdue"]["amount"]) == ("100.00", "100.00")
    assert _view(ledger, known_at=before.isoformat())["business_date"] == TODAY + timedelta(days=5)


def test_a_reversal_leaves_the_past_as_it_was(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "100.00", due="2026-03-02"))
    ledger.do(receivables.record_payment, ledger.payment("P1", "100.00"))
    ledger.open_date(TODAY + timedelta(days=3))
    key = {"number": "P1", "source": None, "company": None, "reason": "退票"}
    ledger.do(receivables.reverse_payment, key)
    assert ledger.account()["overdue"] == {"amount": "100.00", "max_days": 3}
    assert _view(ledger, as_of="2026-03-04")["overdue"]["amount"] == "0.00"
    assert _view(ledger, as_of="2026-03-04")["exposure"]["total"] == "0.00"
    ledger.do(receivables.reverse_invoice, {**key, "number": "I1"})
    assert ledger.account()["overdue"]["amount"] == "0.00"
    assert _view(ledger, as_of="2026-03-04")["exposure"]["total"] == "0.00"


def test_a_late_invoice_moves_its_order_from_its_own_date_on(ledger: Ledger) -> None:
    ledger.grant("1000.00")
    ledger.do(orders.reserve_order, ledger.order("A1", "100.00"))
    ledger.open_date(TODAY + timedelta(days=4))
    late = ledger.invoice("I1", "100.00", due="2026-03-04", order_no="A1", invoice_date="2026-03-03")
    ledger.do(receivables.record_invoice, late)
    stages = [_view(ledger, as_of=day)["exposure"] for day in ("2026-03-02", "2026-03-03", "2026-03-06")]
    assert [(each["reserved"], each["receivable"]) for each in stages] == [
        ("100.00", "0.00"),
        ("0.00", "100.00"),
        ("0.00", "100.00"),
    ]
    assert _view(ledger, as_of="2026-03-05")["overdue"] == {"amount": "100.00", "max_days": 1}
    assert _view(ledger, as_of="2026-03-03")["overdue"]["amount"] == "0.00"


def test_limits_guarantees_and_freezes_are_those_of_the_date_and_of_what_was_known(ledger: Ledger) -> None:
    told = _Told(ledger)
    assert _view(ledger)["state"] == "unset"
    ledger.grant("100.00")
    told.clock.advance(timedelta(hours=1))
    first = told.clock.now()
    ledger.open_date(TODAY + timedelta(days=2))
    told.clock.advance(timedelta(hours=1))
    ledger.grant("300.00")
    guarantee = {
        "customer_id": str(CUSTOMER),
        "value": "50.00",
        "currency": "CNY",
        "accepted_percent": "50",
        "provider": "母公司",
    }
    accepted = ledger.do(grants.accept_guarantee, load(schema.GuaranteeInput(), guarantee))["guarantee"]
    frozen = {"customer_id": CUSTOMER, "reason": "核查", "reason_code": None}
    ledger.do(accounts.freeze_by_person, frozen)
    told.clock.advance(timedelta(hours=1))
    second = told.clock.now()
    told.clock.advance(timedelta(hours=1))
    ledger.open_date(TODAY + timedelta(days=4))
    ledger.do(accounts.unfreeze_by_person, frozen)
    released = {"customer_id": CUSTOMER, "guarantee_id": accepted["id"], "reason": "到期"}
    ledger.do(grants.release_guarantee, released)

    def shown(**moment: str) -> tuple[Any, ...]:
        view = _view(ledger, **moment)
        return view["state"], view["limit"], view["frozen"]

    assert shown(as_of="2026-03-01") == ("unset", None, False)
    assert shown(as_of="2026-03-02") == ("amount", "100.00", False)
    assert shown(as_of="2026-03-05") == ("frozen", "325.00", True)
    assert shown(as_of="2026-03-06") == ("amount", "300.00", False)
    assert shown(as_of="2026-03-06", known_at=second.isoformat()) == ("frozen", "325.00", True)
    assert shown(as_of="2026-03-06", known_at=first.isoformat()) == ("amount", "100.00", False)
    assert shown(known_at=first.isoformat()) == ("amount", "100.00", False)


def test_entries_are_listed_by_date_and_by_what_was_known(ledger: Ledger) -> None:
    told = _Told(ledger)
    ledger.grant("1000.00")
    ledger.do(receivables.record_invoice, ledger.invoice("I1", "100.00"))
    known = told.clock.now()
    told.clock.advance(timedelta(hours=1))
    ledger.open_date(TODAY + timedelta(days=3))
    ledger.do(receivables.record_payment, ledger.payment("P1", "60.00", paid_at="2026-03-04"))
    ledger.do(orders.reserve_order, ledger.order("A1", "10.00"))

    def numbers(**where: str) -> list[str]:
        asked = load(schema.EntryList(), {"customer_id": str(CUSTOMER), "where": where})
        return [row["document_no"] for row in ledger.do(history.list_entries, asked)["items"]]

    assert numbers() == ["A1", "P1", "I1"]
    assert numbers(as_of="2026-03-04") == ["P1", "I1"]
    assert numbers(as_of="2026-03-03") == ["I1"]
    assert numbers(known_at=known.isoformat()) == ["I1"]
    with pytest.raises(Invalid, match="筛选"):
        numbers(colour="red")
    with pytest.raises(Invalid):
        numbers(known_at="yesterday")
