"""Two small services over the real common layer: a till that takes amounts, a book that writes them down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Identity, Numeric, Table, Text, create_engine, func, insert, select

from services.common import keys
from services.common.caller import service_caller
from services.common.commands import Command
from services.common.config import Settings
from services.common.db import UnitOfWork, service_metadata
from services.common.errors import Invalid
from services.common.events import Event
from services.common.messaging import Call, ErpSubscription, Runner, Service, endpoint
from tests.support.postgres import DatabaseServer

CALLER = service_caller("book")
till_metadata = service_metadata()
takings = Table(
    "takings",
    till_metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("customer", Text, nullable=False),
    Column("amount", Numeric(24, 4), nullable=False),
)
book_metadata = service_metadata()
lines = Table(
    "lines",
    book_metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("customer", Text, nullable=False),
    Column("amount", Numeric(24, 4), nullable=False),
)


def take(work: UnitOfWork, customer: str, amount: str) -> dict[str, Any]:
    """Take an amount of a customer; a negative one is refused."""
    if Decimal(amount) < 0:
        raise Invalid("金额不能为负")
    work.execute(insert(takings).values(customer=customer, amount=amount))
    work.add_event("taken", subject=customer, data={"customer": customer, "amount": amount})
    return {"customer": customer, "amount": amount}


def take_document(work: UnitOfWork, routing_key: str, body: dict[str, Any]) -> dict[str, Any]:
    """The same from the ERP; an event id counts once."""
    already = select(takings.c.identity).where(takings.c.customer == f"erp:{body['event_id']}")
    if work.execute(already).first():
        return {"status": "duplicate"}
    return take(work, f"erp:{body['event_id']}", body["amount"])


def write_line(work: UnitOfWork, event: Event) -> None:
    """Write down what was taken; "poison" cannot be written."""
    if event.data["amount"] == "poison":
        raise ValueError("an amount that is no number")
    work.execute(insert(lines).values(customer=event.data["customer"], amount=event.data["amount"]))


def ask_till(work: UnitOfWork, customer: str, amount: str) -> dict[str, Any]:
    """Ask the till, as a saga step, to take an amount."""
    payload = {"customer": customer, "amount": amount}
    work.add_command(f"ask-{customer}", "till", "take", payload, on_answer="answered")
    return {}


def note_answer(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """Write down what the till answered: the amount, or -1 for a refusal."""
    amount = "-1" if "error" in answer else answer["ok"]["amount"]
    work.execute(insert(lines).values(customer=f"answer:{command.payload['customer']}", amount=amount))


def totals(work: UnitOfWork) -> dict[str, Any]:
    """What the book holds of each customer."""
    statement = select(lines.c.customer, func.sum(lines.c.amount)).group_by(lines.c.customer)
    return {customer: str(amount.normalize()) for customer, amount in work.execute(statement).all()}


class Till(Service):
    """Takes amounts and tells of them."""

    name = "till"
    metadata = till_metadata
    erp = ErpSubscription(keys=("payment.*",), apply=take_document)

    @endpoint(None, None)
    def take(self, call: Call) -> dict[str, Any]:
        """Take an amount."""
        return self.apply(call, take, call.input["customer"], call.input["amount"])

    @endpoint(None, None)
    def count(self, call: Call) -> dict[str, Any]:
        """How often anything was taken."""
        statement = select(func.count()).select_from(takings)
        return {"count": self.read(call, lambda work: work.execute(statement).scalar_one())}


class Book(Service):
    """Writes down what the till tells."""

    name = "book"
    metadata = book_metadata
    subscriptions: ClassVar = {"till": {"taken": write_line}}
    answers: ClassVar = {"answered": note_answer}
    projections = ("lines",)

    @endpoint(None, None)
    def totals(self, call: Call) -> dict[str, Any]:
        """What was written down."""
        answer: dict[str, Any] = self.read(call, totals)
        return answer

    @endpoint(None, None)
    def ask_till(self, call: Call) -> dict[str, Any]:
        """Start a saga of one step."""
        return self.apply(call, ask_till, call.input["customer"], call.input["amount"])


class Toys:
    """Running toy services; `ask` calls their methods as the book would."""

    def __init__(self, settings: Settings, kinds: Sequence[type[Service]]) -> None:
        self.settings = settings
        self._runner = Runner(settings, kinds)
        self._runner.start()
        self.kinds = kinds

    def ground(self, name: str) -> Any:
        """The ground of one running service."""
        return next(iter(self._runner.container(name).dependencies))

    def ask(self, service: str, method: str, received: dict[str, Any] | None = None, **options: Any) -> Any:
        """Call a method."""
        asking = self.ground(self.kinds[-1].name)
        caller = service_caller(asking.service)
        return asking.ask(service, method, received or {}, **{"caller": caller, **options})

    def totals(self) -> dict[str, str]:
        """What the book holds."""
        found: dict[str, str] = self.ask("book", "totals")
        return found

    def stop(self) -> None:
        """Stop the services."""
        self._runner.stop()


@contextmanager
def toy_settings(server: DatabaseServer, folder: Path, amqp_uri: str | None = None) -> Iterator[Settings]:
    """Settings of toy services with their keys, over databases that are there inside the block."""
    with server.databases(["till", "book"]) as prefix:
        settings = Settings(
            data_dir=folder, keys_dir=folder / "keys", database_url=server.url, database_prefix=prefix
        )
        keys.make_missing_keys(settings.keys_dir, ("till", "book"))
        for name, metadata in (("till", till_metadata), ("book", book_metadata)):
            engine = create_engine(settings.database(name))
            metadata.create_all(engine)
            engine.dispose()
        yield settings if amqp_uri is None else replace(settings, amqp_uri=amqp_uri)


@contextmanager
def running(settings: Settings, *kinds: type[Service]) -> Iterator[Toys]:
    """Toy services that run inside the block."""
    toys = Toys(settings, kinds or (Till, Book))
    try:
        yield toys
    finally:
        with suppress(OSError):
            toys.stop()
