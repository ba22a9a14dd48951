"""The shipped flow among its people: the real applications, customers and limits stand around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit.suite import database_of, seed
from services.application.service import ApplicationService
from services.common.caller import Caller, service_caller
from services.common.config import Settings
from services.common.ids import new_id
from services.customer.service import CustomerService
from services.limits.operations import opening
from services.limits.service import LimitsService
from services.workflow.service import WorkflowService
from tests.support.doors import Door, open_doors
from tests.support.postgres import DatabaseServer

_RIGHTS = frozenset(
    {"applications.read", "applications.create", "applications.submit", "applications.withdraw"}
    | {
        "tasks.read",
        "tasks.act",
        "tasks.approve",
        "tasks.reject",
        "tasks.return",
        "todos.read",
        "todos.act",
        "instances.start",
        "instances.withdraw",
        "customers.create",
        "credit.read",
    }
)
_FLOWS = frozenset({"flows.read", "flows.simulate", "flows.write", "flows.publish", "flows.settings"}) | {
    "instances.read",
    "instances.steer",
}


def _person(username: str, department: str, role: str, more: frozenset[str] = frozenset()) -> Caller:
    return Caller("user", str(new_id()), username, username.title(), department, (role,), _RIGHTS | more)


MIA = _person("mia", "S", "salesperson")
LENA = _person("lena", "S", "department_manager")
BORIS = _person("boris", "HQ", "department_manager")
RITA = _person("rita", "R", "risk_analyst")
RON = _person("ron", "R", "risk_analyst")
CARL = _person("carl", "HQ", "cfo")
ROOT = _person("root", "HQ", "admin", _FLOWS)
PEOPLE = (MIA, LENA, BORIS, RITA, RON, CARL, ROOT)
_LOOKS_ON = frozenset({"tasks.read", "flows.read", "flows.simulate"})
READER = Caller("user", str(new_id()), "eva", permissions=_LOOKS_ON)
DEPARTMENTS = (("HQ", None, "boris"), ("S", "HQ", "lena"), ("R", "HQ", None))


class House:
    """A company at work: who files, who decides, and what comes of it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._customers = 0

    def ask(self, method: str, caller: Caller, key: str | None = None, /, **received: Any) -> Any:
        """Call a method of the flows' service."""
        return self.door.ask("workflow", method, received, caller, key)

    def refused(self, method: str, caller: Caller, key: str | None = None, /, **received: Any) -> Any:
        """The refusal of a call that must be refused."""
        return self.door.refused("workflow", method, received, caller, key)

    def tell_user(self, person: Caller, **changes: Any) -> None:
        """Let the gateway tell of a person."""
        user: dict[str, Any] = {
            "id": person.id,
            "username": person.username,
            "name": person.name,
            "email": None,
        }
        user |= {"department": person.department, "roles": list(person.roles), "active": True, **changes}
        self.door.tell("gateway", "user_changed", person.id, {"user": user})

    def tell_department(self, code: str, parent: str | None, head: str | None) -> None:
        """Let the gateway tell of a department."""
        key = str(new_id())
        department = {"id": key, "code": code, "name": code, "parent": parent, "head": head}
        self.door.tell("gateway", "department_changed", key, {"department": department})

    def customer(self) -> str:
        """A new customer's id."""
        self._customers += 1
        asked = {"code": f"C-{self._customers}", "name": f"客户 {self._customers}"}
        made: str = self.door.ask("customer", "create_customer", asked, MIA)["id"]
        return made

    def submitted(self, amount: str, caller: Caller = MIA, **more: Any) -> dict[str, Any]:
        """A new application that its flow has heard of."""
        asked = {"customer_id": self.customer(), "amount": amount, "currency": "CNY", **more}
        made = self.door.ask("application", "create_application", asked, caller)
        return self.submit(made["id"], caller)

    def submit(self, application_id: str, caller: Caller = MIA) -> dict[str, Any]:
        """Submit an application and let its flow hear of it."""
        key = {"application_id": application_id}
        answer: dict[str, Any] = self.door.ask("application", "submit_application", key, caller)
        self.door.settle()
        return answer

    def withdraw(self, application_id: str, caller: Caller = MIA) -> None:
        """Take an application back and let its flow hear of it."""
        self.door.ask("application", "withdraw_application", {"application_id": application_id}, caller)
        self.door.settle()

    def status(self, application_id: str) -> str:
        """Where an application stands once everything has been heard."""
        self.door.settle()
        key = {"application_id": application_id}
        return str(self.door.ask("application", "get_application", key, MIA)["status"])

    def limit(self, customer_id: str) -> str | None:
        """The limit that the ledger gives a customer."""
        account = self.door.ask("limits", "get_credit_account", {"customer_id": customer_id}, MIA)
        limit: str | None = account["limit"]
        return limit

    def tasks(self, person: Caller, application_id: str, state: str | None = "open") -> list[dict[str, Any]]:
        """A person's tasks on one application, the newest first."""
        where = {} if state is None else {"state": state}
        found = self.ask("list_tasks", person, where=where, page_size=200)["items"]
        return [task for task in found if task["subject"]["id"] == application_id]

    def task(self, person: Caller, application_id: str) -> str:
        """The id of a person's one open task on an application."""
        [task] = self.tasks(person, application_id)
        return str(task["id"])

    def instance(self, task_id: str, person: Caller) -> dict[str, Any]:
        """The instance that a person's task belongs to."""
        task = self.ask("get_task", person, task_id=task_id)
        found: dict[str, Any] = self.ask("get_instance", person, instance_id=task["instance_id"])
        return found


def _prepare(settings: Settings) -> None:
    seed(settings, ["workflow"])
    with database_of(settings, "limits") as database, database.begin(service_caller("limits")) as work:
        while opening.open_next(work, work.local_date):
            continue


@pytest.fixture(scope="module")
def house(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The company of one module of tests, whose people and departments are known."""
    kinds = [WorkflowService, ApplicationService, CustomerService, LimitsService]
    folder = tmp_path_factory.mktemp("workflow")
    with open_doors(database_server, folder, kinds, ("gateway", "risk_rules"), _prepare) as door:
        made = House(door)
        for department in DEPARTMENTS:
            made.tell_department(*department)
        for person in PEOPLE:
            made.tell_user(person)
        door.settle()
        yield made
