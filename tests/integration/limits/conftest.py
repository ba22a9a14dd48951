"""A limit ledger on a fresh database, with one customer who has a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.common.caller import Caller, service_caller
from services.common.db import Database
from services.common.fields import load
from services.limits import model, schema, store
from services.limits.operations import accounts, grants, opening
from tests.support.big_ledger import Size, fill_ledger

CALLER = Caller(kind="user", id="u1", username="sales")
CUSTOMER = UUID("018f0000-0000-7000-8000-00000000000a")
OTHER = UUID("018f0000-0000-7000-8000-00000000000b")
TODAY = date(2026, 3, 2)


class Ledger:
    """The ledger's operations, each in a unit of work of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def do(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Run one operation and commit."""
        with self.database.begin(CALLER) as work:
            return operation(work, *arguments)

    def open_date(self, target: date) -> None:
        """Open a business date, running every day between."""
        while self.do(opening.open_next, target):
            continue

    def order(self, number: str, amount: str, **more: Any) -> dict[str, Any]:
        """A loaded order of the customer."""
        body = {"order_no": number, "customer_id": str(CUSTOMER), "amount": amount, "currency": "CNY", **more}
        return load(schema.NewOrder(), body)

    def invoice(self, number: str, amount: str, due: str = "2026-04-01", **more: Any) -> dict[str, Any]:
        """A loaded invoice of the customer."""
        body = {
            "invoice_no": number,
            "customer_id": str(CUSTOMER),
            "amount": amount,
            "currency": "CNY",
            "invoice_date": "2026-03-02",
            "due_date": due,
            **more,
        }
        return load(schema.NewInvoice(), body)

    def payment(self, number: str, amount: str, **more: Any) -> dict[str, Any]:
        """A loaded payment of the customer."""
        body = {
            "payment_no": number,
            "customer_id": str(CUSTOMER),
            "amount": amount,
            "currency": "CNY",
            "paid_at": "2026-03-02",
            **more,
        }
        return load(schema.NewPayment(), body)

    def account(self, customer_id: UUID = CUSTOMER) -> dict[str, Any]:
        """The customer's account."""
        account: dict[str, Any] = self.do(accounts.get_account, customer_id)
        return account

    def exposure(self) -> tuple[str, str, str]:
        """What is reserved, delivered and receivable."""
        found = self.account()["exposure"]
        return found["reserved"], found["delivered"], found["receivable"]

    def grant(self, amount: str | None, **more: Any) -> dict[str, Any]:
        """Grant the customer a base limit."""
        body = {"customer_id": str(CUSTOMER), "currency": "CNY", "term_days": 30, **more}
        body |= {"unlimited": True} if amount is None else {"amount": amount}
        answer: dict[str, Any] = self.do(grants.grant_credit, load(schema.GrantInput(), body))
        return answer

    def events(self, name: str) -> list[dict[str, Any]]:
        """The data of every event of a type."""
        with self.database.read(CALLER) as work:
            table = work.table("events")
            rows = work.execute(table.select().where(table.c.type == name).order_by(table.c.identity))
            return [row.data for row in rows]


@contextmanager
def filled(url: str, size: Size) -> Iterator[Ledger]:
    """A ledger of many customers in an empty database."""
    fill_ledger(url, size)
    database = Database(url, model.metadata, name="limits")
    yield Ledger(database)
    database.dispose()


@pytest.fixture
def ledger(new_database: Callable[[str], str]) -> Iterator[Ledger]:
    """A ledger on 2 March 2026 that knows two customers without a limit."""
    database = Database(new_database("limits"), model.metadata, name="limits")
    with database.begin(service_caller("limits")) as work:
        while opening.open_next(work, TODAY):
            continue
        for customer_id, code in ((CUSTOMER, "C-1"), (OTHER, "C-2")):
            store.save_customer(
                work,
                {
                    "id": customer_id,
                    "code": code,
                    "name": f"客户 {code}",
                    "salesperson": "sales",
                    "department": "S",
                    "group_id": None,
                    "active": True,
                },
            )
    yield Ledger(database)
    database.dispose()


def amount(text: str) -> Decimal:
    """An amount for reading."""
    return Decimal(text)
