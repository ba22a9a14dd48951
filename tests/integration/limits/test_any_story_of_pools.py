"""Random commands of three customers in a group tree: every pool is what a plain model says, after each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.common.errors import CreditError, NotFound
from services.common.fields import load
from services.limits import model, schema, store
from services.limits.operations import (
    batches,
    exchange,
    grants,
    intake,
    orders,
    pool_limits,
    receivables,
    revaluation,
)
from tests.integration.limits.conftest import Ledger

Step = tuple[str, int, int, int]
Pool = tuple[str, str, str]
Balance = tuple[Pool, str]
_ZERO = Decimal(0)
_COMPANIES = ("", "C1", "C2")
_CURRENCIES = ("CNY", "CNY", "USD")
_STORIES = 12


def _currency(other: int) -> str:
    return _CURRENCIES[other // 3 % 3]


class _Crash(Exception):
    """The process ends after the last statement, before the commit."""


@dataclass
class Order:
    """An order as the model has it."""

    customer: int
    company: str
    amount: Decimal
    is_open: bool
    delivered: Decimal = _ZERO
    invoiced: Decimal = _ZERO
    revision: int = 1
    currency: str = "CNY"

    @property
    def binds(self) -> Decimal:
        """What it reserves, and what was delivered of it and not invoiced."""
        left = max(_ZERO, self.amount - max(self.delivered, self.invoiced)) if self.is_open else _ZERO
        return left + max(_ZERO, self.delivered - self.invoiced)


@dataclass
class Customer:
    """Who stands behind a customer, as the model has it."""

    id: UUID
    group: int | None
    salesperson: str
    limit: Decimal


class Story:
    """Three customers of their own and the pools they may draw on; `pick` chooses what a step is about."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.tag = uuid4().hex[:10]
        self.groups = [uuid4(), uuid4()]
        self.orders: dict[str, Order] = {}
        self.invoices: dict[str, int] = {}
        self.payments: list[str] = []
        self.limits: dict[Pool, Decimal] = {}
        self.last: Callable[[], Any] | None = None
        self.count = 0
        self.rates = {"CNY": Decimal(1)}
        self.rate(0, 0, Decimal(70))
        self.taken: Counter[str] = Counter()
        with ledger.database.begin(ledger.caller) as work:
            for place, group in enumerate(self.groups):
                parent = self.groups[0] if place else None
                store.save_group(
                    work, {"id": group, "code": group.hex, "name": group.hex, "parent_id": parent}
                )
        self.customers = [
            Customer(uuid4(), group, f"{self.tag}{who}", Decimal(1000))
            for group, who in ((1, "a"), (0, "a"), (None, "b"))
        ]
        for place, customer in enumerate(self.customers):
            with ledger.database.begin(ledger.caller) as work:
                store.save_customer(work, self._row(place))
            granted = {"customer_id": str(customer.id), "amount": "1000.00", "currency": "CNY"}
            self._do(grants.grant_credit, schema.GrantInput(), **granted)

    # --- the model ---------------------------------------------------------------------------------------

    def pools_of(self, place: int, company: str) -> Iterator[Pool]:
        """The pools with a limit that a document of a customer draws on."""
        customer = self.customers[place]
        tree = {None: (), 0: (0,), 1: (1, 0)}[customer.group]
        carriers = [("customer", str(customer.id)), ("salesperson", customer.salesperson)]
        carriers += [("department", self.tag), *(("group", str(self.groups[each])) for each in tree)]
        for kind, key in carriers:
            for segment in dict.fromkeys(("", company)):
                if (kind, key, segment) in self.limits or (kind, segment) == ("customer", ""):
                    yield kind, key, segment

    def limit_of(self, pool: Pool) -> Decimal:
        """The limit of a pool that has one."""
        if pool in self.limits:
            return self.limits[pool]
        return next(each.limit for each in self.customers if str(each.id) == pool[1])

    def balances(self) -> dict[Balance, Decimal]:
        """What every pool must hold: orders by the model, receivables by the documents that are open."""
        owed = [(each.customer, each.company, each.currency, each.binds) for each in self.orders.values()]
        owed += self._receivables()
        found: dict[Balance, Decimal] = {}
        for place, company, currency, amount in owed:
            for pool in self.pools_of(place, company):
                key = pool, currency
                found[key] = found.get(key, _ZERO) + amount
        return {key: amount for key, amount in found.items() if amount}

    def _receivables(self) -> list[tuple[int, str, str, Decimal]]:
        places = {customer.id: place for place, customer in enumerate(self.customers)}

        def rows(work: Any, table: Any) -> list[Any]:
            return list(work.execute(select(table).where(table.c.customer_id.in_(list(places)))))

        with self.ledger.database.read(self.ledger.caller) as work:
            signed = [(row, row.open_amount) for row in rows(work, model.invoices)]
            signed += [(row, -row.unallocated) for row in rows(work, model.payments)]
            signed += [(row, row.amount) for row in rows(work, model.bills) if row.status == "pending"]
        return [(places[row.customer_id], row.company, row.currency, amount) for row, amount in signed]

    def held(self) -> dict[Balance, Decimal]:
        """What the ledger's pools hold."""
        keys = {str(each.id) for each in self.customers} | {str(group) for group in self.groups}
        keys |= {self.tag, *(f"{self.tag}{who}" for who in "ab")}
        with self.ledger.database.read(self.ledger.caller) as work:
            rows = work.execute(select(model.pools).where(model.pools.c.key.in_(keys)))
            found = [(row, row.reserved + row.delivered + row.receivable) for row in rows]
        return {((row.kind, row.key, row.segment), row.currency): total for row, total in found if total}

    def passes(self, order: Order, increase: Decimal) -> bool:
        """Whether so much more must pass: in every pool that it draws on, by the rate of the day."""
        used: dict[Pool, Decimal] = {}
        for (pool, currency), amount in self.balances().items():
            used[pool] = used.get(pool, _ZERO) + amount * self.rates[currency]
        more = increase * self.rates[order.currency]
        pools = list(self.pools_of(order.customer, order.company))
        return increase <= 0 or all(used.get(pool, _ZERO) + more <= self.limit_of(pool) for pool in pools)

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
        rates = [{"currency": "USD", "rate": f"{amount / 10}"}]
        self._do(exchange.set_exchange_rates, schema.RatesInput(), rates=rates)
        self.rates["USD"] = amount / 10

    def order(self, pick: int, other: int, amount: Decimal) -> None:
        order = Order(pick % 3, _COMPANIES[other % 3], amount, is_open=True, currency=_currency(other))
        number = self._number("SO")
        self._check(number, order, amount, lambda: self._reserve(number, order))

    def batch(self, pick: int, other: int, amount: Decimal) -> None:
        """Three orders at once, of all customers."""
        made = {self._number("SO"): Order(place, _COMPANIES[other % 3], amount, True) for place in range(3)}
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
        before = _ZERO if order is None else order.binds
        order = order or Order(pick % 3, _COMPANIES[other % 3], amount, True, currency=_currency(other))
        wanted = replace(order, amount=amount, revision=order.revision + 1)
        self._check(number, wanted, wanted.binds - before, lambda: self._erp("order.amended", number, wanted))
        if late:
            first = replace(wanted, revision=1, amount=amount + 50)
            assert self._erp("order.created", number, first) == {"status": "duplicate"}

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
        number = self._number("I")
        body = {"invoice_no": number, "amount": f"{amount:.2f}", "currency": _currency(other)}
        body |= {"invoice_date": "2026-03-02", **self._of(pick % 3, _COMPANIES[other % 3])}
        order = None
        if other % 2 and self.orders:
            order_no, order = self._some_order(pick)
            body |= {"order_no": order_no, "currency": order.currency}
            body |= self._of(order.customer, order.company)
        self.last = lambda: self._do(receivables.record_invoice, schema.NewInvoice(), **body)
        self.last()
        self.invoices[number] = pick % 3 if order is None else order.customer
        if order is not None:
            order.invoiced += amount

    def payment(self, pick: int, other: int, amount: Decimal) -> None:
        number, place, named = self._number("P"), pick % 3, None
        if self.invoices and pick % 4:
            named = list(self.invoices)[pick % len(self.invoices)]
            place = self.invoices[named]
        body: dict[str, Any] = {"payment_no": number, "amount": f"{amount:.2f}", "currency": _currency(other)}
        body |= {"paid_at": "2026-03-02", **self._of(place, _COMPANIES[other % 3])}
        if named is not None and other % 2:
            body["allocations"] = [{"invoice_no": named, "amount": f"{amount:.2f}"}]
        if other % 4 == 3:
            body |= {"method": "acceptance_bill", "bill": {"number": number, "due_date": "2030-01-01"}}
        self.payments.append(number)
        self.last = lambda: self._do(receivables.record_payment, schema.NewPayment(), **body)
        self.last()

    def take_back(self, pick: int, other: int, amount: Decimal) -> None:
        numbers = self.payments or ["none"]
        key = load(schema.DocumentKey(), {"number": numbers[pick % len(numbers)]})
        self.ledger.do(receivables.reverse_payment, key)

    def settle(self, pick: int, other: int, amount: Decimal) -> None:
        numbers = self.payments or ["none"]
        settles = (receivables.honour_bill, receivables.dishonour_bill)[other % 2]
        self._do(settles, schema.BillKey(), number=numbers[pick % len(numbers)])

    def move(self, pick: int, other: int, amount: Decimal) -> None:
        place = pick % 3
        customer = self.customers[place]
        customer.group, customer.salesperson = (None, 0, 1)[other % 3], f"{self.tag}{'ab'[pick % 2]}"
        with self.ledger.database.begin(self.ledger.caller) as work:
            before = store.lock_customers(work, [customer.id])[customer.id]
            store.save_customer(work, self._row(place))
            pool_limits.follow_customer(work, before, self._row(place))

    def control(self, pick: int, other: int, amount: Decimal) -> None:
        """Give a pool a limit, its first or another."""
        kind, key, segment = self._some_pool(pick, other)
        if (kind, segment) == ("customer", ""):
            self.customers[pick % 3].limit = amount * 3
            body = {"customer_id": key, "amount": f"{amount * 3:.2f}", "currency": "CNY"}
            self._do(grants.grant_credit, schema.GrantInput(), **body)
            return
        body = {"pool_kind": kind, "pool_key": key, "amount": f"{amount * 3:.2f}", "currency": "CNY"}
        body |= {"segment": segment} if segment else {}
        self._do(pool_limits.grant_pool_limit, schema.PoolLimitInput(), **body)
        self.limits[kind, key, segment] = amount * 3

    def release(self, pick: int, other: int, amount: Decimal) -> None:
        """Let one of the pools with a limit control no longer."""
        if self.limits:
            kind, key, segment = sorted(self.limits)[pick % len(self.limits)]
            received = {"pool_kind": kind, "pool_key": key, "segment": segment, "reason": "改制"}
            self.ledger.do(pool_limits.release_pool, received)
            del self.limits[kind, key, segment]

    def repeat(self, pick: int, other: int, amount: Decimal) -> None:
        """The last document once more."""
        if self.last is not None:
            self.last()

    def crash(self, pick: int, other: int, amount: Decimal) -> None:
        """A new order of which the process ends before its commit."""
        order = Order(pick % 3, _COMPANIES[other % 3], amount, is_open=True)
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

    def _erp(self, routing_key: str, number: str, order: Order) -> Any:
        body = {**self._order_body(number, order), "source": "api", "event_id": uuid4().hex}
        return self.ledger.do(intake.apply_document, routing_key, body)

    def _order_body(self, number: str, order: Order) -> dict[str, Any]:
        body = {"order_no": number, "amount": f"{order.amount:.2f}", "currency": order.currency}
        return {**body, "revision": order.revision, **self._of(order.customer, order.company)}

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

    def _do(self, operation: Callable[..., Any], shape: Any, **body: Any) -> Any:
        return self.ledger.do(operation, load(shape, body))

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
        keys |= {"salesperson": f"{self.tag}{'ab'[pick % 2]}", "department": self.tag}
        kind = tuple(keys)[other % 4]
        return kind, keys[kind], _COMPANIES[(pick + other) % 3]

    def _number(self, kind: str) -> str:
        self.count += 1
        return f"{self.tag}/{kind}{self.count}"

    def _row(self, place: int) -> dict[str, Any]:
        customer = self.customers[place]
        named = {"id": customer.id, "code": customer.id.hex, "name": customer.id.hex, "active": True}
        group = None if customer.group is None else self.groups[customer.group]
        return {**named, "salesperson": customer.salesperson, "department": self.tag, "group_id": group}


_STEPS = (
    *("order", "order", "order", "batch", "amend", "amended_by_erp", "end", "reopen", "deliver", "invoice"),
    *(
        "invoice",
        "invoice",
        "payment",
        "payment",
        "payment",
        "take_back",
        "settle",
        "move",
        "control",
        "control",
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
        numbers = ((chance.randrange(12), chance.randrange(12), chance.randint(1, 300)) for _ in range(40))
        _take(story, ((chance.choice(_STEPS), *each) for each in numbers))
        taken.update(story.taken)
    assert set(taken) == set(_STEPS)
    _follow(ledger)
    assert ledger.differences() == []
