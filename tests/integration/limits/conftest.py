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
from services.common.paging import ListInput
from services.limits import model, schema, store
from services.limits.operations import accounts, grants, opening, receivables, settings, verification
from tests.support.big_ledger import Size, fill_ledger

CALLER = Caller(kind="user", id="u1", username="sales")
CUSTOMER = UUID("018f0000-0000-7000-8000-00000000000a")
OTHER = UUID("018f0000-0000-7000-8000-00000000000b")
TODAY = date(2026, 3, 2)


class Ledger:
    """The ledger's operations, each in a unit of work of its own."""

    caller = CALLER

    def __init__(self, database: Database) -> None:
        self.database = database

    def do(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Run one operation and commit."""
        with self.database.begin(CALLER) as work:
            return operation(work, *arguments)

    def open_date(self, target: date) -> None:
        """Open a business date, running every day between."""
        while self.do(opening.open_some, target):
            continue

    def configure(self, **chosen: Any) -> dict[str, Any]:
        """Set something for the whole ledger, and let every account follow."""
        answer: dict[str, Any] = self.do(settings.change_settings, load(schema.LedgerSettings(), chosen))
        while self.do(settings.follow_settings):
            continue
        return answer

    def order(self, number: str, amount: str, **more: Any) -> dict[str, Any]:
        """A loaded order of the customer."""
        body = {"order_no": number, "customer_id": str(CUSTOMER), "amount": amount, "currency": "CNY", **more}
        return load(schema.NewOrder(), body)

    def invoice(
        self, number: str, amount: str, due: str | None = "2026-04-01", **more: Any
    ) -> dict[str, Any]:
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

    def credit_note(self, number: str, amount: str, **more: Any) -> dict[str, Any]:
        """A loaded credit note of the customer."""
        body = {
            "credit_note_no": number,
            "customer_id": str(CUSTOMER),
            "amount": amount,
            "currency": "CNY",
            "credit_note_date": "2026-03-02",
            **more,
        }
        return load(schema.NewCreditNote(), body)

    def write_off(self, invoice_no: str, **more: Any) -> dict[str, Any]:
        """A loaded write-off of an invoice."""
        return load(schema.NewWriteOff(), {"invoice_no": invoice_no, "reason": "无法收回", **more})

    def differences(self) -> list[dict[str, Any]]:
        """What the verification of the ledger finds."""
        found: list[dict[str, Any]] = self.do(verification.verify)["differences"]
        return found

    def open_amounts(self) -> dict[str, tuple[str, str]]:
        """The open amount and the status of every invoice, by number."""
        items = self.do(receivables.list_documents, "invoice", load(ListInput(), {}))["items"]
        return {item["invoice_no"]: (item["open_amount"], item["status"]) for item in items}

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


def key(number: str, **more: Any) -> dict[str, Any]:
    """A loaded name of a document."""
    return load(schema.DocumentKey(), {"number": number, **more})


def amount(text: str) -> Decimal:
    """An amount for reading."""
    return Decimal(text)
