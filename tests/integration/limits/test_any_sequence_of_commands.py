"""In whatever order things are done: exposure is the sum of the documents, and all can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.common.caller import service_caller
from services.common.clock import FixedClock
from services.common.db import UnitOfWork
from services.common.errors import CreditError
from services.common.fields import load
from services.limits import model, schema, store
from services.limits.operations import dates, history, horizon, orders, receivables
from tests.integration.limits.conftest import Ledger
from tests.integration.limits.replay import History

Step = tuple[str, int, int, int]
_ZERO = Decimal(0)
_TERM = {"kind": "instalments", "parts": [{"percent": "40", "days": 0}, {"percent": "60", "days": 3}]}
_KINDS = ("order", "invoice", "payment", "credit_note", "write_off")
_TABLES = {
    "order": model.orders,
    "invoice": model.invoices,
    "payment": model.payments,
    "credit_note": model.payments,
    "write_off": model.write_offs,
}
_REVERSALS = {
    "payment": receivables.reverse_payment,
    "credit_note": receivables.reverse_credit_note,
    "write_off": receivables.reverse_write_off,
    "invoice": receivables.reverse_invoice,
}


def _closing(work: UnitOfWork, key: dict[str, Any]) -> dict[str, Any]:
    return orders.close_order(work, key, "closed")


class Story:
    """A customer of their own, and the steps that can be taken; `pick` chooses what a step is about."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.customer_id = uuid4()
        self.tag = self.customer_id.hex[:10]
        self.numbers: dict[str, list[str]] = {kind: [] for kind in _KINDS}
        self.deliveries: list[tuple[str, str]] = []
        self.bills: list[str] = []
        self.disputes: list[UUID] = []
        # The examples of a property share a ledger: time goes on from one to the next.
        self.clock = FixedClock(ledger.database.clock.now() + timedelta(seconds=1))
        ledger.database.clock = self.clock
        self.said: list[tuple[datetime, dict[str, Any]]] = []
        with ledger.database.begin(service_caller("limits")) as work:
            named = {"id": self.customer_id, "code": self.tag, "name": self.tag}
            empty = dict.fromkeys(("salesperson", "department", "group_id"))
            store.save_customer(work, {**named, **empty, "active": True})
            self.today = self.dated = dates.today(work)
        ledger.grant("2000.00", customer_id=str(self.customer_id), term=_TERM, term_days=None)

    def take(self, step: Step) -> None:
        """Take a step; what is refused changes nothing."""
        name, pick, other, units = step
        self.dated = self.today - timedelta(days=pick % 4)
        try:
            getattr(self, name)(pick, other, f"{units}.00")
        except CreditError as refusal:
            if refusal.status not in (404, 409, 422):
                raise

    def _do(self, operation: Callable[..., Any], shape: Any, **body: Any) -> Any:
        return self.ledger.do(operation, load(shape, body))

    def _named(self, kind: str, pick: int) -> str:
        known = self.numbers[kind] or ["none"]
        return known[pick % len(known)]

    def _new(self, kind: str) -> dict[str, Any]:
        number = f"{self.tag}/{kind}/{len(self.numbers[kind])}"
        self.numbers[kind].append(number)
        return {"customer_id": str(self.customer_id), "currency": "CNY", f"{kind}_no": number}

    # --- steps -------------------------------------------------------------------------------------------

    def order(self, pick: int, other: int, amount: str) -> None:
        delivery = (self.today + timedelta(days=4 * pick)).isoformat() if pick % 3 else None
        until = (self.today + timedelta(days=other % 4)).isoformat() if other % 2 else None
        body = {**self._new("order"), "amount": amount, "delivery_date": delivery, "valid_until": until}
        self._do(orders.reserve_order, schema.NewOrder(), **body)

    def amend(self, pick: int, other: int, amount: str) -> None:
        body = {"order_no": self._named("order", pick), "amount": amount}
        if other % 2:
            body["delivery_date"] = (self.today + timedelta(days=4 * other)).isoformat()
        self._do(orders.amend_order, schema.OrderChange(), **body)

    def end(self, pick: int, other: int, amount: str) -> None:
        key = load(schema.OrderKey(), {"order_no": self._named("order", pick)})
        self.ledger.do(orders.close_order, key, ("closed", "cancelled")[other % 2])

    def reopen(self, pick: int, other: int, amount: str) -> None:
        self._do(orders.reopen_order, schema.OrderKey(), order_no=self._named("order", pick))

    def deliver(self, pick: int, other: int, amount: str) -> None:
        key = (self._named("order", pick), f"D{len(self.deliveries)}")
        body = {"order_no": key[0], "delivery_no": key[1], "amount": amount}
        body["delivered_at"] = self.dated.isoformat()
        self._do(orders.deliver_order, schema.Delivery(), **body)
        self.deliveries.append(key)

    def give_back(self, pick: int, other: int, amount: str) -> None:
        key = (self._named("order", pick), f"R{len(self.deliveries)}")
        body = {"order_no": key[0], "return_no": key[1], "amount": amount}
        body["returned_at"] = self.dated.isoformat()
        self._do(orders.return_delivery, schema.Return(), **body)
        self.deliveries.append(key)

    def undeliver(self, pick: int, other: int, amount: str) -> None:
        order_no, number = self.deliveries[pick % len(self.deliveries)] if self.deliveries else ("none", "D")
        self._do(orders.reverse_delivery, schema.DeliveryKey(), order_no=order_no, delivery_no=number)

    def invoice(self, pick: int, other: int, amount: str) -> None:
        body = {**self._new("invoice"), "amount": amount, "invoice_date": self.dated.isoformat()}
        if pick % 2:
            body["order_no"] = self._named("order", pick)
        if other % 2:
            body["due_date"] = (self.today + timedelta(days=other)).isoformat()
        self._do(receivables.record_invoice, schema.NewInvoice(), **body)

    def payment(self, pick: int, other: int, amount: str) -> None:
        body = {**self._new("payment"), "amount": amount, "paid_at": self.dated.isoformat()}
        if pick % 2:
            body["allocations"] = [{"invoice_no": self._named("invoice", pick), "amount": amount}]
        if other % 3 == 0:
            number = f"{self.tag}/B{len(self.bills)}"
            self.bills.append(number)
            body |= {"method": "acceptance_bill", "bill": {"number": number, "due_date": "2030-01-01"}}
        self._do(receivables.record_payment, schema.NewPayment(), **body)

    def credit_note(self, pick: int, other: int, amount: str) -> None:
        body = {**self._new("credit_note"), "amount": amount, "credit_note_date": self.dated.isoformat()}
        if pick % 2:
            body["invoice_no"] = self._named("invoice", pick)
        if other % 2:
            body["order_no"] = self._named("order", other)
        self._do(receivables.record_credit_note, schema.NewCreditNote(), **body)

    def reallocate(self, pick: int, other: int, amount: str) -> None:
        kind = ("payment", "credit_note")[other % 2]
        named = [{"invoice_no": self._named("invoice", other), "amount": amount}] if pick % 2 else None
        does = (receivables.reallocate_payment, receivables.reallocate_credit_note)[other % 2]
        operation = partial(does, keeps_named=bool(pick % 3))
        self._do(operation, schema.Reallocation(), number=self._named(kind, pick), allocations=named)

    def write_off(self, pick: int, other: int, amount: str) -> None:
        body = {"invoice_no": self._named("invoice", pick), "reason": "坏账"}
        number = f"{self.tag}/W{len(self.numbers['write_off'])}"
        part = {"amount": amount} if other % 2 else {}
        part["written_off_on"] = self.dated.isoformat()
        self._do(receivables.record_write_off, schema.NewWriteOff(), **body, **part, write_off_no=number)
        self.numbers["write_off"].append(number)

    def dispute(self, pick: int, other: int, amount: str) -> None:
        body = {"invoice_no": self._named("invoice", pick), "amount": amount, "reason": "争议"}
        answer = self._do(receivables.open_dispute, schema.NewDispute(), **body)
        self.disputes.append(answer["dispute"]["id"])

    def resolve(self, pick: int, other: int, amount: str) -> None:
        chosen = str(self.disputes[pick % len(self.disputes)] if self.disputes else uuid4())
        self._do(receivables.resolve_dispute, schema.DisputeKey(), dispute_id=chosen)

    def settle(self, pick: int, other: int, amount: str) -> None:
        number = self.bills[pick % len(self.bills)] if self.bills else "none"
        operation = (receivables.honour_bill, receivables.dishonour_bill)[other % 2]
        self._do(operation, schema.BillKey(), number=number)

    def reverse(self, pick: int, other: int, amount: str) -> None:
        kind = tuple(_REVERSALS)[other % len(_REVERSALS)]
        self._do(_REVERSALS[kind], schema.DocumentKey(), number=self._named(kind, pick))

    def configure(self, pick: int, other: int, amount: str) -> None:
        chosen = {"horizon_days": (None, 2, 35)[pick % 3], "disputes_are_overdue": bool(other % 2)}
        self.ledger.configure(**chosen)

    def day(self, pick: int, other: int, amount: str) -> None:
        self.today = self.ledger.do(dates.get_business_date)["date"] + timedelta(days=1)
        self.ledger.open_date(self.today)

    # --- what must hold ----------------------------------------------------------------------------------

    def say(self) -> None:
        """Keep what the ledger says at this instant, and move on."""
        self.said.append((self.clock.now(), self.ledger.account(self.customer_id)))
        self.clock.advance(timedelta(seconds=1))

    def view(self, **moment: str) -> dict[str, Any]:
        """The account of a moment."""
        asked = load(schema.AccountMoment(), {"customer_id": str(self.customer_id), **moment})
        view: dict[str, Any] = self.ledger.do(history.get_account, asked)
        del view["known_at"]
        return view

    def take_everything_back(self) -> None:
        """Take back whatever is not taken back yet, and close the orders."""
        for kind, operation in _REVERSALS.items():
            for number in self.numbers[kind]:
                self._undo(operation, schema.DocumentKey(), number=number)
        for order_no, delivery_no in self.deliveries:
            key = {"order_no": order_no, "delivery_no": delivery_no}
            self._undo(orders.reverse_delivery, schema.DeliveryKey(), **key)
        for order_no in self.numbers["order"]:
            self._undo(_closing, schema.OrderKey(), order_no=order_no)

    def _undo(self, operation: Callable[..., Any], shape: Any, **key: Any) -> None:
        try:
            self._do(operation, shape, **key)
        except CreditError as refusal:
            if refusal.status not in (404, 409):
                raise

    def exposure(self) -> tuple[Decimal, Decimal, Decimal]:
        """The exposure of the account, by stage."""
        found = self.ledger.account(self.customer_id)["exposure"]
        return Decimal(found["reserved"]), Decimal(found["delivered"]), Decimal(found["receivable"])

    def documents(self, work: UnitOfWork) -> tuple[Decimal, Decimal, Decimal]:
        """The same from documents: what orders bind, what is open less what is on account, and bills."""

        def rows(table: Any) -> list[Any]:
            return list(work.execute(select(table).where(table.c.customer_id == self.customer_id)))

        mine = rows(model.orders)
        open_amount = sum((row.open_amount for row in rows(model.invoices)), _ZERO)
        on_account = sum((row.unallocated for row in rows(model.payments)), _ZERO)
        pending = sum((row.amount for row in rows(model.bills) if row.status == "pending"), _ZERO)
        reserved = sum((row.reserved for row in mine), _ZERO)
        return reserved, sum((row.delivered for row in mine), _ZERO), open_amount - on_account + pending


_STEPS = (
    *("order", "amend", "end", "reopen", "deliver", "give_back", "undeliver", "invoice", "payment"),
    *(
        "credit_note",
        "reallocate",
        "write_off",
        "dispute",
        "resolve",
        "settle",
        "reverse",
        "configure",
        "day",
    ),
)
# What makes documents comes more often than what only works on them.
_often = st.sampled_from((*_STEPS, "order", "invoice", "invoice", "payment", "payment", "deliver"))
_steps = st.tuples(_often, st.integers(0, 11), st.integers(0, 11), st.integers(1, 400))


@given(st.lists(_steps, min_size=5, max_size=40))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_exposure_is_the_sum_of_the_documents_and_taking_all_back_leaves_nothing(
    ledger: Ledger, steps: list[Step]
) -> None:
    story = Story(ledger)
    for step in steps:
        story.take(step)
        assert story.exposure() == ledger.do(story.documents), step
    assert ledger.differences() == []
    story.take_everything_back()
    assert story.exposure() == (_ZERO, _ZERO, _ZERO)
    assert ledger.differences() == []


@given(st.lists(_steps, min_size=5, max_size=40))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_views_of_any_moment_say_what_was_said_then_and_what_a_plain_replay_says(
    ledger: Ledger, steps: list[Step]
) -> None:
    story = Story(ledger)
    first = story.today
    story.say()
    for step in steps:
        story.take(step)
        story.say()
    for instant, said in story.said:
        assert story.view(known_at=instant.isoformat()) == said, instant
    assert story.view(as_of=story.today.isoformat()) == story.said[-1][1]
    with ledger.database.read(service_caller("limits")) as work:
        replay = History(work, story.customer_id)
        pools = store.customer_pools(work, story.customer_id)
        for on in (first + timedelta(days=days) for days in range(-5, (story.today - first).days + 2)):
            for known_at in (None, *(instant for instant, _ in story.said[::4])):
                moment = (on, known_at)
                for pool in pools:
                    assert store.stages_on(work, pool, *moment) == replay.stages(*moment), moment
                overdue = store.overdue_on(work, story.customer_id, "CNY", *moment)
                assert overdue == replay.overdue(*moment), moment
                beyond = horizon.beyond_then(work, story.customer_id, "CNY", *moment)
                assert beyond == replay.beyond(*moment), moment
            still_open = replay.open_amounts(on, None)
            assert all(amount >= 0 for amount in still_open.values()), on
            assert sum(still_open.values()) >= replay.owed(on), on
    assert ledger.differences() == []


# One that succeeds of each, and an order that stays beyond the horizon.
EVERY_STEP: tuple[Step, ...] = (
    ("order", 0, 0, 300),
    ("amend", 0, 0, 350),
    ("deliver", 0, 0, 100),
    ("give_back", 0, 0, 20),
    ("undeliver", 1, 0, 1),
    ("end", 0, 0, 1),
    ("reopen", 0, 0, 1),
    ("invoice", 1, 1, 200),
    ("dispute", 0, 0, 10),
    ("resolve", 0, 0, 1),
    ("payment", 1, 0, 50),
    ("credit_note", 1, 0, 20),
    ("reallocate", 3, 0, 30),
    ("write_off", 0, 1, 5),
    ("settle", 0, 0, 1),
    ("reverse", 0, 2, 1),
    ("configure", 1, 0, 1),
    ("dispute", 0, 0, 15),
    ("order", 10, 0, 70),
    ("day", 0, 0, 1),
)


def test_every_step_can_succeed(ledger: Ledger) -> None:
    story = Story(ledger)
    assert {name for name, *_ in EVERY_STEP} == set(_STEPS)
    for name, pick, other, units in EVERY_STEP:
        getattr(story, name)(pick, other, f"{units}.00")
    assert story.today > date(2026, 3, 2)
