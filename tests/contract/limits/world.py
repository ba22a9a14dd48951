"""A customer inside one controlled pool of which 40.00 are left, and the doors by which exposure comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from gateway.identity.permissions import ALL
from services.common import expressions
from services.common.caller import Caller, service_caller
from services.common.db import Database
from services.limits import model
from services.limits.operations import intake
from tests.support.doors import Door

OWN = ("customer", "segment")
SHARED = ("group", "salesperson", "department")
KINDS = (*OWN, *SHARED)
COMPANY = "C1"
LEFT = Decimal("40.00")
_BOSS = Caller(kind="user", id="boss", username="boss", permissions=ALL)
_AMPLE = "100000.00"


@dataclass
class World:
    """Who owes, who else draws on the same pool, and what is asked of the ledger in their names."""

    door: Door
    database: Database
    kind: str

    def __post_init__(self) -> None:
        """Begin with a group tree three deep, two customers, and one pool of 100.00 that controls."""
        self.tag = uuid4().hex[:12]
        self.other = ""
        self.groups = [str(uuid4()) for _ in range(3)]
        for parent, group in zip([None, *self.groups], self.groups, strict=False):
            told = {"id": group, "code": group, "name": f"集团 {group[:8]}", "parent_id": parent}
            self.door.tell("customer", "group_created", group, {"group": told})
        self.customer = self.new_customer(self.groups[2])
        # Of the group at the top: what both share of the tree is two levels above the customer.
        self.neighbour = self.new_customer(self.groups[0])
        if self.kind == "customer":
            self._grant(self.customer, "100.00")
        else:
            self._grant(self.customer, _AMPLE)
            self.limit("grant", "100.00")
        self._grant(self.neighbour, _AMPLE)

    # --- who and where -----------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        """The open business date."""
        return date.fromisoformat(self.ask("get_business_date")["date"])

    def day(self, days: int) -> str:
        """A date so many days from the business date."""
        return (self.today + timedelta(days=days)).isoformat()

    @property
    def foreign(self) -> str:
        """A currency in which nobody owes anything but in this kind of world."""
        return dict(zip(KINDS, ("USD", "EUR", "GBP", "HKD", "SGD"), strict=True))[self.kind]

    @property
    def pool_key(self) -> dict[str, str]:
        """How the controlled pool is named to the ledger."""
        if self.kind == "segment":
            return {"pool_kind": "customer", "pool_key": self.customer, "segment": COMPANY}
        key = {"group": self.groups[0], "customer": self.customer}.get(self.kind, f"{self.kind}-{self.tag}")
        return {"pool_kind": self.kind, "pool_key": key}

    @property
    def pool_name(self) -> str:
        """How a reason names it."""
        named = {"customer": "customer", "segment": f"customer@{COMPANY}"}
        return named.get(self.kind, f"{self.kind}:{self.pool_key['pool_key']}")

    def new_customer(self, group: str | None, *, elsewhere: bool = False) -> str:
        """A customer of the salesperson and the department of this world, or of others."""
        customer_id = str(uuid4())
        self.tell(customer_id, "customer_created", group, elsewhere=elsewhere)
        return customer_id

    def move_group(self, parent: str | None) -> None:
        """Move the group in the middle of the tree, with all below it."""
        group = self.groups[1]
        told = {"id": group, "code": group, "name": f"集团 {group[:8]}", "parent_id": parent}
        self.door.tell("customer", "group_updated", group, {"group": told})
        self.door.settle()

    def move_department(self, parent: str | None) -> None:
        """Move a department below another."""
        told = {"code": f"unit-{self.tag}", "name": "分部", "parent": parent, "head": None}
        self.door.tell("gateway", "department_changed", self.tag, {"department": told})
        self.door.settle()

    def tell(
        self, customer_id: str, event: str, group: str | None, *, elsewhere: bool = False, **more: str
    ) -> None:
        """Let the customer service tell of a customer; `elsewhere` is one outside of every pool here."""
        told: dict[str, Any] = {"id": customer_id, "code": customer_id[-12:], "name": customer_id[:8]}
        told["group_id"] = group
        for name in ("salesperson", "department"):
            told[name] = f"away-{self.tag}" if elsewhere else f"{name}-{self.tag}"
        self.door.tell("customer", event, customer_id, {"customer": {**told, **more}})
        self.door.settle()

    def move(self, *, elsewhere: bool) -> None:
        """Take the customer out of the group tree, and to other people, or back."""
        self.tell(
            self.customer, "customer_updated", None if elsewhere else self.groups[2], elsewhere=elsewhere
        )

    # --- doors -------------------------------------------------------------------------------------------

    def ask(self, method: str, /, **received: Any) -> Any:
        """Call the ledger as a person who may do anything."""
        return self.door.ask("limits", method, received, _BOSS)

    def erp(self, routing_key: str, **body: Any) -> Any:
        """Let the ERP tell of a document, through what its consumer calls."""
        told = {"event_id": uuid4().hex, "source": "api", "company": COMPANY, **body}
        with self.database.begin(service_caller("limits")) as work:
            intake.foresee(work, [(routing_key, told)])
            return intake.apply_document(work, routing_key, told)

    def named(self, number: str) -> str:
        """A document number that no other world has."""
        return f"{self.tag}/{number}"

    def body(self, kind: str, number: str, amount: str, **more: Any) -> dict[str, Any]:
        """A document of the customer; what is None is left out."""
        dated = {"invoice": "invoice_date", "payment": "paid_at", "credit_note": "credit_note_date"}
        body = {f"{kind}_no": self.named(number), "customer_id": self.customer, "amount": amount}
        body |= {"currency": "CNY", "company": COMPANY}
        if kind in dated:
            body[dated[kind]] = self.today.isoformat()
        return {name: value for name, value in {**body, **more}.items() if value is not None}

    def record(self, kind: str, number: str, amount: str, **more: Any) -> Any:
        """Record one through its door."""
        method = "reserve_order" if kind == "order" else f"record_{kind}"
        return self.ask(method, **self.body(kind, number, amount, **more))

    def take(self, number: str, amount: str, **more: Any) -> None:
        """An order that passes."""
        assert self.record("order", number, amount, **more)["status"] == "reserved"

    def key(self, number: str) -> dict[str, str]:
        """Names an order."""
        return {"order_no": self.named(number), "source": "api", "company": COMPANY}

    def document(self, number: str) -> dict[str, str]:
        """Names another document."""
        return {"number": self.named(number), "source": "api", "company": COMPANY}

    # --- the pool ----------------------------------------------------------------------------------------

    def limit(self, change: str, amount: str, **more: Any) -> None:
        """Grant the controlled pool a limit, or replace it."""
        wanted = {"amount": amount, "currency": "CNY", "change": change, "reason": "评审", **more}
        if self.kind == "customer":
            self.ask("grant_credit", customer_id=self.customer, **wanted)
        else:
            self.ask("grant_pool_limit", **self.pool_key, **wanted)

    def fill(self) -> None:
        """Let the pool be used until 40.00 of it are left; of a shared one by its other customer."""
        used = self.available() - LEFT
        if used:
            by = self.neighbour if self.kind in SHARED else self.customer
            self.take("fill", f"{used:.2f}", customer_id=by)

    def pool(self) -> dict[str, Any]:
        """How the pool stands."""
        if self.kind == "customer":
            account: dict[str, Any] = self.ask("get_credit_account", customer_id=self.customer)
            return account
        pool: dict[str, Any] = self.ask("get_pool", **self.pool_key)
        return pool

    def available(self) -> Decimal:
        """What is left of it."""
        return Decimal(self.pool()["available"])

    def posted(self) -> list[Any]:
        """Every pool of everybody with its balance, and how many entries it has."""
        with self.database.read(service_caller("limits")) as work:
            names = ("id", "controlled", "reserved", "delivered", "receivable", "entries", "head")
            rows = work.execute(select(*(model.pools.c[name] for name in names)).order_by(model.pools.c.id))
            return [tuple(row) for row in rows]

    def decisions(self, number: str) -> list[dict[str, Any]]:
        """The documented decisions on an order, newest first."""
        asked = {"where": {"order_no": self.named(number)}}
        items: list[dict[str, Any]] = self.ask("list_decisions", **asked)["items"]
        return items

    def last_event(self, *types: str) -> dict[str, Any]:
        """The data of the newest event of these types, of this pool where it is one of a pool."""
        with self.database.read(service_caller("limits")) as work:
            table = work.table("events")
            wanted = select(table.c.data).where(table.c.type.in_(types)).order_by(table.c.identity.desc())
            found: list[dict[str, Any]] = list(work.execute(wanted).scalars())
        return next(data for data in found if "pool" not in data or self._is_mine(data["pool"]))

    def _is_mine(self, shown: dict[str, Any]) -> bool:
        named = {"pool_kind": shown["kind"], "pool_key": shown["key"]}
        if shown["segment"]:
            named["segment"] = shown["segment"]
        return named == self.pool_key

    def hold_orders_of(self, amount: str) -> None:
        """Publish a rule that asks for an approval of every order of exactly an amount."""
        condition = expressions.parse(f"amount = {amount}")
        rule = {"key": f"exactly-{self.tag}", "version": 1, "trigger": "order_check", "strength": "approve"}
        rule |= {"name": "核准", "condition": condition, "reads": ["amount"], "active": True}
        self.door.tell("risk_rules", "rule_published", rule["key"], {"rule": rule})
        self.door.settle()

    def differences(self) -> list[dict[str, Any]]:
        """What the verification of the whole ledger finds."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            answer = self.ask("verify", after=after)
            found, after = found + answer["differences"], answer["next"]
            if after is None:
                return found

    def _grant(self, customer_id: str, amount: str) -> None:
        granted = {"customer_id": customer_id, "amount": amount, "currency": "CNY", "term_days": 30}
        self.ask("grant_credit", **granted)
