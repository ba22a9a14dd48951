"""A plain model of three customers in trees of groups and departments, and the ledger that is held to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from services.common.fields import load
from services.limits import model, schema, store
from services.limits.operations import exchange, grants, pool_limits
from tests.integration.limits.conftest import Ledger

Pool = tuple[str, str, str]
Balance = tuple[Pool, str]
ZERO = Decimal(0)
COMPANIES = ("", "C1", "C2")
CURRENCIES = ("CNY", "CNY", "USD")
_CENT = Decimal("0.01")
_CROSS = Context(prec=12, rounding=ROUND_HALF_UP)


@dataclass
class Order:
    """An order as the model has it."""

    customer: int
    company: str
    amount: Decimal
    is_open: bool
    delivered: Decimal = ZERO
    invoiced: Decimal = ZERO
    revision: int = 1
    currency: str = "CNY"
    # Who ordered, where that is not who pays.
    sold_to: int | None = None

    @property
    def binds(self) -> Decimal:
        """What it reserves, and what was delivered of it and not invoiced."""
        left = max(ZERO, self.amount - max(self.delivered, self.invoiced)) if self.is_open else ZERO
        return left + max(ZERO, self.delivered - self.invoiced)


@dataclass
class Invoice:
    """Whose an invoice is, and in which segment, as the model has it."""

    customer: int
    segment: str


@dataclass
class Limit:
    """A pool's limit and the guarantees that raise it, each an amount in a currency."""

    amount: Decimal
    currency: str
    guarantees: dict[str, tuple[Decimal, str]]


@dataclass
class Customer:
    """Who stands behind a customer, as the model has it."""

    id: UUID
    group: int | None
    salesperson: str
    department: int


class PoolModel:
    """Three customers of their own, the pools they may draw on, and what these must hold."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.tag = uuid4().hex[:10]
        self.groups = [uuid4(), uuid4()]
        self.orders: dict[str, Order] = {}
        self.invoices: dict[str, Invoice] = {}
        self.payments: list[str] = []
        self.bills: list[str] = []
        self.limits: dict[Pool, Limit] = {}
        self.departments = [f"{self.tag}/0", f"{self.tag}/1"]
        # What is below the first of each: whether the second is.
        self.is_below = {"group": True, "department": True}
        self.count = 0
        self.rates = {"CNY": Decimal(1)}
        self.set_rate(Decimal(7))
        with ledger.database.begin(ledger.caller) as work:
            for place, group in enumerate(self.groups):
                parent = self.groups[0] if place else None
                store.save_group(
                    work, {"id": group, "code": group.hex, "name": group.hex, "parent_id": parent}
                )
                store.save_department(work, self.departments[place], self.departments[0] if place else None)
        self.customers = [
            Customer(uuid4(), group, f"{self.tag}{who}", department)
            for group, who, department in ((1, "a", 1), (0, "a", 0), (None, "b", 1))
        ]
        for place, customer in enumerate(self.customers):
            with ledger.database.begin(ledger.caller) as work:
                store.save_customer(work, self._row(place))
            self.limit(("customer", str(customer.id), ""), Decimal(1000), "CNY")

    # --- the model ---------------------------------------------------------------------------------------

    def pools_of(self, place: int, company: str) -> Iterator[Pool]:
        """The pools with a limit that a document of a customer draws on."""
        customer = self.customers[place]
        carriers = [("customer", str(customer.id)), ("salesperson", customer.salesperson)]
        carriers += [("group", str(self.groups[each])) for each in self._up("group", customer.group)]
        units = self._up("department", customer.department)
        carriers += [("department", self.departments[each]) for each in units]
        for kind, key in carriers:
            for segment in dict.fromkeys(("", company)):
                if (kind, key, segment) in self.limits:
                    yield kind, key, segment

    def _up(self, kind: str, place: int | None) -> tuple[int, ...]:
        """A group or a department and what is above it."""
        above = (0,) if place == 1 and self.is_below[kind] else ()
        return () if place is None else (place, *above)

    def worth(self, amount: Decimal, source: str, target: str) -> Decimal:
        """An amount in another currency, by the rate of the day."""
        if source == target:
            return amount
        of_source, of_target = self.rates[source], self.rates[target]
        return amount * (of_source if of_target == 1 else _CROSS.divide(of_source, of_target))

    def limit_of(self, pool: Pool) -> Decimal:
        """The effective limit of a pool, in its currency."""
        limit = self.limits[pool]
        raised = (self.worth(*each, limit.currency) for each in limit.guarantees.values())
        return limit.amount + sum((each.quantize(_CENT, ROUND_DOWN) for each in raised), ZERO)

    def balances(self) -> dict[Balance, Decimal]:
        """What every pool must hold: orders by the model, receivables by the documents that are open."""
        owed = [(each.customer, each.company, each.currency, each.binds) for each in self.orders.values()]
        owed += self._receivables()
        found: dict[Balance, Decimal] = {}
        for place, company, currency, amount in owed:
            for pool in self.pools_of(place, company):
                key = pool, currency
                found[key] = found.get(key, ZERO) + amount
        return {key: amount for key, amount in found.items() if amount}

    def _receivables(self) -> list[tuple[int, str, str, Decimal]]:
        places = {customer.id: place for place, customer in enumerate(self.customers)}

        def rows(work: Any, table: Any) -> list[Any]:
            return list(work.execute(select(table).where(table.c.customer_id.in_(list(places)))))

        with self.ledger.database.read(self.ledger.caller) as work:
            invoices = {row.id: row for row in rows(work, model.invoices)}
            payments, allocations = rows(work, model.payments), rows(work, model.allocations)
            bills = {row.payment_id: row for row in rows(work, model.bills) if row.status == "pending"}
        segments = {key: self.invoices[row.invoice_no].segment for key, row in invoices.items()}
        signed = [(row, segments[key], row.open_amount) for key, row in invoices.items()]
        signed += [(row, row.company, -row.unallocated) for row in payments]
        signed += [(row, row.company, row.amount) for row in bills.values()]
        # What waits to be honoured is bound where the invoices are that it pays.
        for row in allocations:
            if row.payment_id in bills and row.invoice_id is not None:
                bill = bills[row.payment_id]
                signed += [(bill, bill.company, -row.amount), (bill, segments[row.invoice_id], row.amount)]
        return [(places[row.customer_id], segment, row.currency, amount) for row, segment, amount in signed]

    def held(self) -> dict[Balance, Decimal]:
        """What the ledger's pools hold."""
        keys = {str(each.id) for each in self.customers} | {str(group) for group in self.groups}
        keys |= {*self.departments, *(f"{self.tag}{who}" for who in "ab")}
        with self.ledger.database.read(self.ledger.caller) as work:
            rows = work.execute(select(model.pools).where(model.pools.c.key.in_(keys)))
            found = [(row, row.reserved + row.delivered + row.receivable) for row in rows]
        return {((row.kind, row.key, row.segment), row.currency): total for row, total in found if total}

    def passes(self, order: Order, increase: Decimal) -> bool:
        """Whether so much more must pass: in every pool that it draws on, by the rate of the day."""
        used: dict[Pool, Decimal] = {}
        for (pool, currency), amount in self.balances().items():
            used[pool] = used.get(pool, ZERO) + self.worth(amount, currency, self.limits[pool].currency)

        def passes_in(pool: Pool) -> bool:
            more = self.worth(increase, order.currency, self.limits[pool].currency)
            return used.get(pool, ZERO) + more <= self.limit_of(pool)

        return increase <= 0 or all(map(passes_in, self.pools_of(order.customer, order.company)))

    # --- what steps share with the model ------------------------------------------------------------------

    def set_rate(self, rate: Decimal) -> None:
        """Set the rate of the day of the one foreign currency."""
        rates = [{"currency": "USD", "rate": f"{rate}"}]
        self._do(exchange.set_exchange_rates, schema.RatesInput(), rates=rates)
        self.rates["USD"] = rate

    def limit(self, pool: Pool, amount: Decimal, currency: str) -> None:
        """Give a pool its first limit, or another."""
        limit = {"amount": f"{amount:.2f}", "currency": currency}
        if self._is_overall(pool):
            self._do(grants.grant_credit, schema.GrantInput(), customer_id=pool[1], **limit)
        else:
            self._do(pool_limits.grant_pool_limit, schema.PoolLimitInput(), **self._named(pool), **limit)
        kept = self.limits[pool].guarantees if pool in self.limits else {}
        self.limits[pool] = Limit(amount, currency, kept)

    def _do(self, operation: Callable[..., Any], shape: Any, **body: Any) -> Any:
        return self.ledger.do(operation, load(shape, body))

    @staticmethod
    def _is_overall(pool: Pool) -> bool:
        return (pool[0], pool[2]) == ("customer", "")

    @staticmethod
    def _named(pool: Pool) -> dict[str, str]:
        kind, key, segment = pool
        return {"pool_kind": kind, "pool_key": key, **({"segment": segment} if segment else {})}

    def _row(self, place: int) -> dict[str, Any]:
        customer = self.customers[place]
        named = {"id": customer.id, "code": customer.id.hex, "name": customer.id.hex, "active": True}
        group = None if customer.group is None else self.groups[customer.group]
        department = self.departments[customer.department]
        return {**named, "salesperson": customer.salesperson, "department": department, "group_id": group}
