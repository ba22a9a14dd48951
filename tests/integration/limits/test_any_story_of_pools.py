"""Random commands of three customers in trees of groups and departments: after each of them every pool is
what a plain model says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import product
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.errors import CreditError, NotFound
from services.common.fields import load
from services.limits import schema, store
from services.limits.operations import (
    batches,
    grants,
    intake,
    orders,
    pool_limits,
    receivables,
    revaluation,
)
from tests.integration.limits.conftest import Ledger
from tests.integration.limits.pool_model import COMPANIES, CURRENCIES, ZERO, Invoice, Order, Pool, PoolModel

Step = tuple[str, int, int, int]
_STORIES = 12


def _currency(other: int) -> str:
    return CURRENCIES[other // 3 % 3]


class _Crash(Exception):
    """The process ends after the last statement, before the commit."""


class Story(PoolModel):
    """What may happen to them, step by step; `pick` and `other` choose what a step is about."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.last: Callable[[], Any] | None = None
        self.taken: Counter[str] = Counter()

    # --- steps -------------------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Take a step; what is wrong in itself is refused and changes nothing."""
        name, pick, other, units = step
        try:
            getattr(self, name)(pick, other, Decimal(units))
            self.taken[name] += 1
        except CreditError as refusal:
            if refusal.status not in (404, 409, 422):
                raise

    def rate(self, pick: int, other: int, amount: Decimal) -> None:
        """Another rate, whatever it makes of what is owed."""
        self.set_rate(amount / 10)

    def order(self, pick: int, other: int, amount: Decimal) -> None:
        """An order that its customer pays, or somebody else."""
        order = Order(pick % 3, COMPANIES[other % 3], amount, is_open=True, currency=_currency(other))
        order.sold_to = pick // 3 if pick // 3 not in (3, order.customer) else None
        number = self._number("SO")
        self._check(number, order, amount, lambda: self._reserve(number, order))

    def batch(self, pick: int, other: int, amount: Decimal) -> None:
        """Three orders at once, of all customers."""
        made = {self._number("SO"): Order(place, COMPANIES[other % 3], amount, True) for place in range(3)}
        items = [self._order_body(number, order) for number, order in made.items()]
        answer = self._do(self._batch, schema.Batch(), items=items)
        for (number, order), result in zip(made.items(), answer["results"], strict=True):
            assert (result["status"] == "reserved") == self.passes(order, amount)
            self.orders[number] = replace(order, is_open=result["status"] == "reserved")

    def amend(self, pick: int, other: int, amount: Decimal) -> None:
        number, order = self._some_order(pick)
        if not order.is_open:
            return
        body = {**self._key(number, order), "amount": f"{amount:.2f}"}
        wanted = replace(order, amount=amount, revision=order.revision + 1)
        self._check(
            number, wanted, wanted.binds - order.binds,
            lambda: self._do(orders.amend_order, schema.OrderChange(), **body),
        )  # fmt: skip

    def amended_by_erp(self, pick: int, other: int, amount: Decimal) -> None:
        """The ERP amends an order, or tells of the amendment before the order; the order comes late."""
        late = pick % 2
        number, order = self._some_order(pick) if not late else (self._number("SO"), None)
        if order is not None and not order.is_open:
            return
        before = ZERO if order is None else order.binds
        order = order or Order(pick % 3, COMPANIES[other % 3], amount, True, currency=_currency(other))
        wanted = replace(order, amount=amount, revision=order.revision + 1)
        self._check(number, wanted, wanted.binds - before, lambda: self._erp("order.amended", number, wanted))
        if late:
            first = replace(wanted, revision=1, amount=amount + 50)
            assert self._erp("order.created", number, first) == {"status": "duplicate"}

    def hand_over(self, pick: int, other: int, amount: Decimal) -> None:
        """A later revision of an order names another payer: it is moved as a whole, or not at all."""
        number, order = self._some_order(pick)
        buyer = order.customer if order.sold_to is None else order.sold_to
        wanted = replace(order, amount=amount, customer=other % 3, revision=order.revision + 1)
        wanted.sold_to = None if buyer == wanted.customer else buyer
        if not order.is_open or wanted.customer == order.customer:
            return
        reserve = (self._reserve, self._reserve_in_batch, partial(self._erp, "order.amended"))[other // 3 % 3]
        del self.orders[number]
        passes = self.passes(wanted, wanted.binds)
        self.orders[number] = order
        answer = reserve(number, wanted)
        assert (answer["status"] == "reserved") == passes, answer
        if passes:
            self.orders[number] = wanted

    def end(self, pick: int, other: int, amount: Decimal) -> None:
        number, order = self._some_order(pick)
        key = self._key(number, order)
        self.last = lambda: self.ledger.do(orders.close_order, {**key, "revision": None}, "closed")
        self.last()
        order.is_open = False

    def reopen(self, pick: int, other: int, amount: Decimal) -> None:
        number, order = self._some_order(pick)
        if order.is_open:
            return
        wanted = replace(order, is_open=True)
        body = self._key(number, order)
        self._check(
            number, wanted, wanted.binds - order.binds,
            lambda: self.ledger.do(orders.reopen_order, {**body, "revision": None}),
        )  # fmt: skip

    def deliver(self, pick: int, other: int, amount: Decimal) -> None:
        number, order = self._some_order(pick)
        body = {**self._key(number, order), "revision": None, "reason": None, "delivered_at": None}
        body |= {"delivery_no": self._number("D"), "amount": f"{amount:.2f}"}
        self.last = lambda: self.ledger.do(orders.deliver_order, body)
        self.last()
        order.delivered += amount

    def invoice(self, pick: int, other: int, amount: Decimal) -> None:
        """An invoice of its own, or one that names an order: it is in the segment of that."""
        number, company, currency = self._number("I"), COMPANIES[other // 2 % 3], _currency(other)
        made, order = Invoice(pick % 3, company), None
        body = {"invoice_no": number, "amount": f"{amount:.2f}", "invoice_date": "2026-03-02"}
        if other % 2 and self.orders:
            body["order_no"], order = self._some_order(pick)
            made, currency = Invoice(order.customer, order.company or company), order.currency
        buyer = made.customer if order is None or order.sold_to is None else order.sold_to
        body |= {"currency": currency, **self._of(buyer, company)}
        self.last = lambda: self._do(receivables.record_invoice, schema.NewInvoice(), **body)
        self.last()
        self.invoices[number] = made
        if order is not None:
            order.invoiced += amount

    def late(self, pick: int, other: int, amount: Decimal) -> None:
        """An order that comes by any route after an invoice, a delivery or both: only the rest is checked."""
        order_no, route = self._number("SO"), (pick + other) % 4
        order = Order(pick % 3, COMPANIES[other % 3], amount, is_open=True, currency=_currency(other))
        delivered, order.invoiced = ((ZERO, amount + 1), (amount / 2, ZERO), (amount / 2, amount / 4))[
            pick // 4
        ]
        if delivered:
            told = {**self._key(order_no, order), "delivery_no": "D", "amount": f"{delivered:.2f}"}
            assert self._tell("order.delivered", told) == {"status": "waiting"}
        if order.invoiced:
            self._invoice_first(order_no, order, COMPANIES[other // 2 % 3])
        erp = (partial(self._erp, "order.created"), partial(self._erp, "order.amended"))
        reserve = (self._reserve, self._reserve_in_batch, *erp)[route]
        self._check(order_no, order, order.binds, lambda: reserve(order_no, order))
        if order_no in self.orders:
            self.orders[order_no].delivered += delivered

    def _invoice_first(self, order_no: str, order: Order, company: str) -> None:
        """An invoice that comes before its order; with that it goes over to the order's segment."""
        number = self._number("I")
        body = {"invoice_no": number, "order_no": order_no, "amount": f"{order.invoiced:.2f}"}
        body |= {"invoice_date": "2026-03-02", "currency": order.currency}
        self._do(receivables.record_invoice, schema.NewInvoice(), **body, **self._of(order.customer, company))
        self.invoices[number] = Invoice(order.customer, order.company or company)

    def payment(self, pick: int, other: int, amount: Decimal) -> None:
        number, place, named = self._number("P"), pick % 3, None
        if self.invoices and pick % 4:
            named = list(self.invoices)[pick % len(self.invoices)]
            place = self.invoices[named].customer
        body: dict[str, Any] = {"payment_no": number, "amount": f"{amount:.2f}", "currency": _currency(other)}
        body |= {"paid_at": "2026-03-02", **self._of(place, COMPANIES[other % 3])}
        if named is not None and other % 2:
            body["allocations"] = [{"invoice_no": named, "amount": f"{amount:.2f}"}]
        is_bill = (pick + other) % 3 == 0
        if is_bill:
            body |= {"method": "acceptance_bill", "bill": {"number": number, "due_date": "2030-01-01"}}
        self.last = lambda: self._do(receivables.record_payment, schema.NewPayment(), **body)
        self.last()
        (self.bills if is_bill else self.payments).append(number)

    def take_back(self, pick: int, other: int, amount: Decimal) -> None:
        numbers = [*self.payments, *self.bills] or ["none"]
        key = load(schema.DocumentKey(), {"number": numbers[pick % len(numbers)]})
        self.ledger.do(receivables.reverse_payment, key)

    def settle(self, pick: int, other: int, amount: Decimal) -> None:
        numbers = self.bills or ["none"]
        settles = (receivables.honour_bill, receivables.dishonour_bill)[other % 2]
        self._do(settles, schema.BillKey(), number=numbers[pick % len(numbers)])

    def move(self, pick: int, other: int, amount: Decimal) -> None:
        place = pick % 3
        customer = self.customers[place]
        customer.group, customer.salesperson = (None, 0, 1)[other % 3], f"{self.tag}{'ab'[pick % 2]}"
        customer.department = other % 2
        with self.ledger.database.begin(self.ledger.caller) as work:
            before = store.lock_customers(work, [customer.id])[customer.id]
            store.save_customer(work, self._row(place))
            pool_limits.follow_customer(work, before, self._row(place))

    def move_group(self, pick: int, other: int, amount: Decimal) -> None:
        """The second group moves below the first, or from there to the top."""
        self.is_below["group"] = not self.is_below["group"]
        parent = str(self.groups[0]) if self.is_below["group"] else None
        group = self.groups[1]
        told = {"id": str(group), "code": group.hex, "name": group.hex, "parent_id": parent}
        self.ledger.do(pool_limits.group_changed, SimpleNamespace(data={"group": told}))

    def move_department(self, pick: int, other: int, amount: Decimal) -> None:
        """The same of the departments."""
        self.is_below["department"] = not self.is_below["department"]
        top, code = self.departments
        told = {
            "code": code,
            "name": code,
            "parent": top if self.is_below["department"] else None,
            "head": None,
        }
        self.ledger.do(pool_limits.department_changed, SimpleNamespace(data={"department": told}))

    def control(self, pick: int, other: int, amount: Decimal) -> None:
        """Give a pool a limit, its first or another."""
        self.limit(self._some_pool(pick, other), amount * 3, CURRENCIES[pick // 4])

    def guarantee(self, pick: int, other: int, amount: Decimal) -> None:
        """Raise a limit by one half of a guarantee."""
        pool, currency = self._some_limit(pick), CURRENCIES[other // 4]
        accepted = {"value": f"{amount:.2f}", "currency": currency, "accepted_percent": "50"}
        accepted["provider"] = "银行"
        if self._is_overall(pool):
            named, operation, shape = (
                {"customer_id": pool[1]},
                grants.accept_guarantee,
                schema.GuaranteeInput(),
            )
        else:
            named, operation = self._named(pool), pool_limits.accept_pool_guarantee
            shape = schema.PoolGuaranteeInput()
        made = self._do(operation, shape, **accepted, **named)["guarantee"]
        self.limits[pool].guarantees[str(made["id"])] = (amount / 2, currency)

    def free_guarantee(self, pick: int, other: int, amount: Decimal) -> None:
        """End a guarantee of a pool before its time."""
        raised = [pool for pool in sorted(self.limits) if self.limits[pool].guarantees]
        if not raised:
            return
        pool = raised[pick % len(raised)]
        made = next(iter(self.limits[pool].guarantees))
        why = {"guarantee_id": made, "reason": "到期"}
        if self._is_overall(pool):
            body = {"customer_id": pool[1], **why}
            self._do(grants.release_guarantee, schema.GuaranteeKey(), **body)
        else:
            body = {**self._named(pool), **why}
            self._do(pool_limits.release_pool_guarantee, schema.PoolGuaranteeKey(), **body)
        del self.limits[pool].guarantees[made]

    def release(self, pick: int, other: int, amount: Decimal) -> None:
        """Let one of the pools with a limit control no longer."""
        pool = self._some_limit(pick)
        if not self._is_overall(pool):
            received = {"segment": "", **self._named(pool), "reason": "改制"}
            self.ledger.do(pool_limits.release_pool, received)
            del self.limits[pool]

    def repeat(self, pick: int, other: int, amount: Decimal) -> None:
        """The last document once more."""
        if self.last is not None:
            self.last()

    def crash(self, pick: int, other: int, amount: Decimal) -> None:
        """A new order of which the process ends before its commit."""
        order = Order(pick % 3, COMPANIES[other % 3], amount, is_open=True)
        body = load(schema.NewOrder(), self._order_body(self._number("SO"), order))
        try:
            with self.ledger.database.begin(self.ledger.caller) as work:
                orders.reserve_order(work, body)
                store.book_of(work).flush()
                raise _Crash
        except _Crash:
            return

    # --- helpers -----------------------------------------------------------------------------------------

    def _check(self, number: str, wanted: Order, increase: Decimal, act: Callable[[], Any]) -> None:
        """Let an order be judged, and hold the verdict to the model's."""
        expected = self.passes(wanted, increase)
        answer = act()
        known = self.orders.get(number)
        if answer["status"] == "duplicate":
            # Nothing is new but the revision.
            assert known is not None
            assert wanted.amount == known.amount
        else:
            assert (answer["status"] == "reserved") == expected, answer
            wanted = replace(wanted, revision=answer["order"]["revision"])
        if expected:
            self.orders[number] = wanted
        elif known is not None:
            known.revision = wanted.revision

    def _reserve(self, number: str, order: Order) -> Any:
        body = self._order_body(number, order)
        return self._do(orders.reserve_order, schema.NewOrder(), **body)

    def _reserve_in_batch(self, number: str, order: Order) -> Any:
        items = [self._order_body(number, order)]
        return self._do(self._batch, schema.Batch(), items=items)["results"][0]

    def _erp(self, routing_key: str, number: str, order: Order) -> Any:
        return self._tell(routing_key, self._order_body(number, order))

    def _tell(self, routing_key: str, body: dict[str, Any]) -> Any:
        told = {**body, "source": "api", "event_id": uuid4().hex}
        return self.ledger.do(intake.apply_document, routing_key, told)

    def _order_body(self, number: str, order: Order) -> dict[str, Any]:
        body = {"order_no": number, "amount": f"{order.amount:.2f}", "currency": order.currency}
        if order.sold_to is not None:
            body["payer_id"] = str(self.customers[order.customer].id)
        buyer = order.customer if order.sold_to is None else order.sold_to
        return {**body, "revision": order.revision, **self._of(buyer, order.company)}

    @staticmethod
    def _batch(work: Any, received: dict[str, Any]) -> dict[str, Any]:
        shape = schema.NewOrder()
        return batches.run_batch(
            work,
            received["items"],
            lambda item: load(shape, item),
            orders.reserve_locked,
            orders.foresee_orders,
        )

    def _of(self, place: int, company: str) -> dict[str, str]:
        named = {"customer_id": str(self.customers[place].id)}
        return {**named, "company": company} if company else named

    @staticmethod
    def _key(number: str, order: Order) -> dict[str, str]:
        return {"order_no": number, "source": "api", **({"company": order.company} if order.company else {})}

    def _some_order(self, pick: int) -> tuple[str, Order]:
        if not self.orders:
            raise NotFound("没有订单", code="unknown_order")
        number = list(self.orders)[pick % len(self.orders)]
        return number, self.orders[number]

    def _some_pool(self, pick: int, other: int) -> Pool:
        keys = {"customer": str(self.customers[pick % 3].id), "group": str(self.groups[pick % 2])}
        keys |= {"salesperson": f"{self.tag}{'ab'[pick % 2]}", "department": self.departments[pick % 2]}
        kind = tuple(keys)[other % 4]
        return kind, keys[kind], COMPANIES[(pick + other) % 3]

    def _some_limit(self, pick: int) -> Pool:
        return sorted(self.limits)[pick % len(self.limits)]

    def _number(self, kind: str) -> str:
        self.count += 1
        return f"{self.tag}/{kind}{self.count}"


_STEPS = (
    *("order", "order", "order", "batch", "amend", "amended_by_erp", "end", "reopen", "deliver", "invoice"),
    *(
        "invoice",
        "invoice",
        "late",
        "hand_over",
        "payment",
        "payment",
        "payment",
        "take_back",
        "settle",
        "move",
        "move_group",
        "move_department",
        "control",
        "control",
        "guarantee",
        "free_guarantee",
        "release",
        "repeat",
        "crash",
        "rate",
    ),
)
_steps = st.tuples(st.sampled_from(_STEPS), st.integers(0, 11), st.integers(0, 11), st.integers(1, 300))


def _take(story: Story, steps: Iterable[Step]) -> None:
    for step in steps:
        story.take(step)
        assert story.held() == story.balances(), step


@given(st.lists(_steps, min_size=10, max_size=40))
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_pool_is_the_sum_of_its_customers_documents_and_no_order_passes_a_limit(
    ledger: Ledger, steps: list[Step]
) -> None:
    _take(Story(ledger), steps)
    assert ledger.differences() == []


def _follow(ledger: Ledger) -> None:
    while ledger.do(revaluation.follow_rates):
        continue


def test_long_stories_in_which_every_step_succeeds(ledger: Ledger) -> None:
    taken: Counter[str] = Counter()
    for seed in range(_STORIES):
        chance, story = Random(seed), Story(ledger)
        for pool in product(("department",), story.departments, COMPANIES):
            story.limit(pool, Decimal(5000), "CNY")
        numbers = ((chance.randrange(12), chance.randrange(12), chance.randint(1, 300)) for _ in range(40))
        _take(story, ((chance.choice(_STEPS), *each) for each in numbers))
        taken.update(story.taken)
    assert set(taken) == set(_STEPS)
    _follow(ledger)
    assert ledger.differences() == []
