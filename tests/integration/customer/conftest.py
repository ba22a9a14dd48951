"""A customer service's database, and ways to work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from services.common import keys
from services.common.caller import Caller, CallerSigner
from services.common.clock import FixedClock
from services.common.config import GATEWAY, Settings
from services.common.db import Database, UnitOfWork, service_metadata
from services.common.errors import CreditError
from services.common.messaging import Call, Runner, Service, endpoint, memory_transport, wire
from services.customer.model import metadata
from services.customer.service import CustomerService
from tests.conftest import suite_settings
from tests.support.doors import speaking_as
from tests.support.postgres import DatabaseServer

CLERK = Caller(
    kind="user", id="1", username="wang", name="王芳", department="sales-1", roles=("salesperson",)
)
MANAGER = Caller(kind="user", id="2", username="li", name="李强", roles=("department_manager",))
Begin = Callable[..., AbstractContextManager[UnitOfWork]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC))


@pytest.fixture
def database(new_database: Callable[[str], str], clock: FixedClock) -> Iterator[Database]:
    made = Database(new_database("customer"), metadata, name="customer", clock=clock)
    yield made
    made.dispose()


@pytest.fixture
def begin(database: Database) -> Begin:
    """Call it for a unit of work that commits, of the salesperson unless another caller is given."""

    def unit(caller: Caller = CLERK) -> AbstractContextManager[UnitOfWork]:
        return database.begin(caller, "trace")

    return unit


RIGHTS = ("create", "read", "update", "delete", "import", "export")
ALL = frozenset({"forms.read", *(f"customers.{right}" for right in RIGHTS)})
SALES = Caller("user", "7", "wang", "王芳", "sales-1", ("salesperson",), ALL)


def tell(work: UnitOfWork, type: str, customer_id: str, data: dict[str, Any]) -> dict[str, Any]:
    work.add_event(type, subject=customer_id, data=data)
    return {}


class _Teller(Service):
    @endpoint(None, None)
    def tell(self, call: Call) -> dict[str, Any]:
        """Publish an event."""
        return self.apply(call, tell, call.input["type"], call.input["customer_id"], call.input["data"])


class Limits(_Teller):
    """Tells of accounts."""

    name = "limits"
    metadata = service_metadata()


class Ratings(_Teller):
    """Tells of grades."""

    name = "risk_rules"
    metadata = service_metadata()


class Door:
    """Calls the running services as a person."""

    def __init__(self, settings: Settings, runner: Runner) -> None:
        self.settings = settings
        ground: Any = next(
            dependency for dependency in runner.container("limits").dependencies if hasattr(dependency, "ask")
        )
        self._erp = wire.Publisher(settings.amqp_uri)
        self._client = speaking_as(GATEWAY, ground.client, settings)
        self._signer = CallerSigner(keys.load_private_key(settings.keys_dir, GATEWAY), GATEWAY)

    def ask(self, method: str, caller: Caller = SALES, key: str | None = None, /, **received: Any) -> Any:
        return self.ask_service("customer", method, received, caller, key)

    def ask_service(
        self,
        service: str,
        method: str,
        received: dict[str, Any],
        caller: Caller = SALES,
        key: str | None = None,
    ) -> Any:
        request = {
            "input": received,
            "caller": self._signer.sign(caller, service),
            "trace_id": "t",
            "idempotency_key": key,
        }
        return self._client.call(service, method, request, 30)

    def publish(self, routing_key: str, body: Any) -> None:
        """Send a message as an ERP connector does."""
        self._erp.publish(body, exchange=wire.ERP_EXCHANGE, routing_key=routing_key)

    def refused(
        self, method: str, caller: Caller = SALES, key: str | None = None, /, **received: Any
    ) -> CreditError:
        with pytest.raises(CreditError) as caught:
            self.ask(method, caller, key, **received)
        return caught.value


@pytest.fixture(scope="module")
def door(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("customer")
    with database_server.databases(["customer", "limits", "risk_rules"]) as prefix:
        settings = suite_settings(database_server, prefix, folder)
        keys.make_missing_keys(settings.keys_dir)
        for kind in (Limits, Ratings):
            engine = create_engine(settings.database(kind.name))
            kind.metadata.create_all(engine)
            engine.dispose()
        runner = Runner(settings, [CustomerService, Limits, Ratings])
        runner.start()
        yield Door(settings, runner)
        runner.stop()
        memory_transport.reset()
