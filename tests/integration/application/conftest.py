"""Applications behind their door, beside the customers whom they are filed for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.application.service import ApplicationService
from services.common.caller import Caller, service_caller
from services.customer.service import CustomerService
from tests.support.doors import Door, open_doors
from tests.support.postgres import DatabaseServer

RIGHTS = frozenset(f"applications.{right}" for right in ("read", "create", "submit", "withdraw"))
MIA = Caller("user", "1", "mia", "米亚", "S", ("salesperson",), RIGHTS | {"customers.create"})
BOB = Caller("user", "2", "bob", "鲍勃", "S", ("salesperson",), RIGHTS)
READER = Caller("user", "3", "eva", "伊娃", "S", (), frozenset({"applications.read"}))
ERP = Caller("key", "4", "key:erp", "ERP", permissions=RIGHTS)
FLOW = service_caller("workflow")


class Desk:
    """Where applications are filed."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._customers = 0

    def ask(self, method: str, caller: Caller = MIA, key: str | None = None, /, **received: Any) -> Any:
        """Call a method of the service."""
        return self.door.ask("application", method, received, caller, key)

    def refused(self, method: str, caller: Caller = MIA, key: str | None = None, /, **received: Any) -> Any:
        """The refusal of a call that must be refused."""
        return self.door.refused("application", method, received, caller, key)

    def customer(self) -> dict[str, Any]:
        """A new customer."""
        self._customers += 1
        asked = {"code": f"C-{self._customers}", "name": f"客户 {self._customers}"}
        made: dict[str, Any] = self.door.ask("customer", "create_customer", asked, MIA)
        return made

    def draft(self, caller: Caller = MIA, **more: Any) -> dict[str, Any]:
        """A new draft for a new customer."""
        asked = {"customer_id": self.customer()["id"], "amount": "1000.00", "currency": "CNY", **more}
        made: dict[str, Any] = self.ask("create_application", caller, **asked)
        return made

    def step(self, application_id: str, step: str, **more: Any) -> dict[str, Any]:
        """A step that the flow takes."""
        taken: dict[str, Any] = self.ask("take_step", FLOW, application_id=application_id, step=step, **more)
        return taken

    def told(self, application_id: str) -> list[tuple[str, str, int]]:
        """(event, status, version) of everything that was told of an application."""
        names = ("created", "submitted", "withdrawn", "changed")
        found = [
            (name, event["application"]["status"], event["application"]["version"])
            for name in names
            for event in self.door.log_of("application", f"application_{name}")
            if event["application"]["id"] == application_id
        ]
        return sorted(found, key=lambda event: event[2])


@pytest.fixture(scope="module")
def desk(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The applications and customers of one module of tests."""
    folder = tmp_path_factory.mktemp("application")
    kinds, sources = [ApplicationService, CustomerService], ("limits", "risk_rules")
    with open_doors(database_server, folder, kinds, sources) as door:
        yield Desk(door)
