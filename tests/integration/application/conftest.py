"""Applications and forms behind their door, beside the customers whom they are about."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import count
from typing import Any

import pytest

from services.application.model import metadata
from services.application.service import ApplicationService
from services.common.caller import Caller, service_caller
from services.common.db import Database
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
    kinds, sources = [ApplicationService, CustomerService], ("limits", "risk_rules", "gateway")
    with open_doors(database_server, folder, kinds, sources) as door:
        yield Desk(door)


# --- forms ------------------------------------------------------------------------------------------------

ACTIONS = ("read", "create", "update", "delete")
numbers = count(1)


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


FIELDS = [
    field("编号", "auto_number", prefix="BF", period="year"),
    field("主题", "text", required=True, searchable=True),
    field("等级", "select", searchable=True,
          options=[{"value": one, "label": {"zh": f"{one}级"}} for one in "ABC"]),
    field("金额", "money", searchable=True),
    field("税后", "formula", formula="金额 * 0.87", decimals=2),
    field("日期", "date", searchable=True),
    field("标签", "tags", searchable=True),
    field("手机", "mobile"),
    field("证件号", "id_card", unique=True),
    field("内容", "textarea"),
]  # fmt: skip


class Office:
    """Where forms are designed and filled in."""

    def __init__(self, door: Door) -> None:
        self.door = door

    @cached_property
    def database(self) -> Database:
        """The service's own database."""
        return Database(self.door.settings.database("application"), metadata, name="application")

    def person(self, form: str, *actions: str, **more: Any) -> Caller:
        """Somebody with these rights on the records of a form."""
        rights = {f"form:{form}.{action}" for action in actions or ACTIONS}
        rights |= {"forms.read", "forms.write", "forms.publish"}
        return Caller("user", "7", "wang", "王芳", "sales-1", (), frozenset(rights), **more)

    def ask(self, method: str, caller: Caller, /, **received: Any) -> Any:
        return self.door.ask("application", method, received, caller)

    def refused(self, method: str, caller: Caller, /, **received: Any) -> Any:
        return self.door.refused("application", method, received, caller)

    def publish(
        self, fields: list[dict[str, Any]] = FIELDS, key: str = "", **more: Any
    ) -> tuple[str, Caller]:
        """A new form, published, and somebody who may do everything with its records."""
        key = f"visit-{next(numbers)}"
        me = self.person(key)
        definition = {"key": key, "title": {"zh": "拜访"}, "fields": fields, **more}
        self.ask("create_form", me, key=key, definition=definition)
        assert self.ask("publish_form", me, key=key)["version"] == 1
        return key, me

    def add(self, form: str, me: Caller, /, **fields: Any) -> Any:
        return self.ask("create_record", me, form=form, fields=fields)

    def listed(self, form: str, me: Caller, /, **where: Any) -> list[str]:
        found = self.ask("list_records", me, form=form, where=where)
        return sorted(item["fields"]["主题"] for item in found["items"])


@pytest.fixture(scope="module")
def office(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    kinds = [ApplicationService, CustomerService]
    folder = tmp_path_factory.mktemp("forms")
    with open_doors(database_server, folder, kinds, ("limits", "risk_rules", "gateway")) as door:
        office = Office(door)
        yield office
        office.database.dispose()
