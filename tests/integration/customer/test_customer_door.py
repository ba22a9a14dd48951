"""The customer service behind its door: in-memory broker, real callers, real event streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from services.common import keys
from services.common.caller import Caller, CallerSigner
from services.common.config import GATEWAY, Settings
from services.common.db import UnitOfWork, service_metadata
from services.common.errors import Conflict, CreditError, Forbidden, Invalid
from services.common.messaging import Call, Runner, Service, endpoint, memory_transport, wire
from services.customer.service import CustomerService
from tests.conftest import suite_settings
from tests.support.postgres import DatabaseServer
from tests.support.wait import wait_until

ALL = frozenset({"customers.create", "customers.read", "customers.update", "customers.delete", "forms.read"})
CLERK = Caller("user", "7", "wang", "王芳", "sales-1", ("salesperson",), ALL)
READER = Caller("user", "8", "zhao", permissions=frozenset({"customers.read"}))


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
        self._ground: Any = next(
            dependency for dependency in runner.container("limits").dependencies if hasattr(dependency, "ask")
        )
        self._erp = wire.Publisher(settings.amqp_uri)
        self._signer = CallerSigner(keys.load_private_key(settings.keys_dir, GATEWAY), GATEWAY)

    def ask(self, method: str, caller: Caller = CLERK, key: str | None = None, /, **received: Any) -> Any:
        return self.ask_service("customer", method, received, caller, key)

    def ask_service(
        self,
        service: str,
        method: str,
        received: dict[str, Any],
        caller: Caller = CLERK,
        key: str | None = None,
    ) -> Any:
        request = {
            "input": received,
            "caller": self._signer.sign(caller, service),
            "trace_id": "t",
            "idempotency_key": key,
        }
        return self._ground.client.call(service, method, request, 15)

    def publish(self, routing_key: str, body: Any) -> None:
        """Send a message as an ERP connector does."""
        self._erp.publish(body, exchange=wire.ERP_EXCHANGE, routing_key=routing_key)

    def refused(
        self, method: str, caller: Caller = CLERK, key: str | None = None, /, **received: Any
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


def test_a_retry_with_the_same_key_gives_the_first_answer_and_another_body_is_refused(door: Door) -> None:
    first = door.ask("create_customer", CLERK, "key-1", code="D-1", name="甲")
    assert door.ask("create_customer", CLERK, "key-1", code="D-1", name="甲") == first
    problem = door.refused("create_customer", CLERK, "key-1", code="D-9", name="乙")
    assert isinstance(problem, Conflict)
    refusal = door.refused("create_customer", CLERK, "key-2", code="D-1", name="乙")
    assert refusal.code == "customer_code_taken"
    assert refusal.data["existing"]["id"] == first["id"]
    assert door.refused("create_customer", CLERK, "key-2", code="D-1", name="乙").detail == refusal.detail


def test_every_method_asks_for_its_permission(door: Door) -> None:
    made = door.ask("create_customer", code="D-2", name="甲")
    key = {"customer_id": made["id"]}
    attachment = {**key, "attachment_id": made["id"]}
    for method, received in (
        ("create_customer", {"name": "乙"}),
        ("update_customer", {**key, "name": "乙"}),
        ("delete_customer", key),
        ("delete_attachment", attachment),
        ("import_customers", {"rows": [{"name": "乙"}]}),
        ("get_form", {"key": "customer"}),
        ("create_group", {"code": "G", "name": "G"}),
    ):
        assert isinstance(door.refused(method, READER, None, **received), Forbidden), method
    assert door.ask("get_customer", READER, **key)["version"] == 1


def test_faults_of_the_input_are_named_by_field_in_chinese(door: Door) -> None:
    problem = door.refused("create_customer", CLERK, None, uscc="91350100M000100Y44", colour="red", grade="A")
    assert isinstance(problem, Invalid)
    assert {error["field"] for error in problem.errors} == {"name", "uscc", "colour", "grade"}
    assert "校验位" in str(problem.errors)


def test_limit_and_grade_reach_the_customer_through_the_event_streams(door: Door) -> None:
    made = door.ask("create_customer", code="D-3", name="甲")
    account = {
        "customer_id": made["id"], "currency": "CNY", "state": "amount", "frozen": False, "limit": "60000.00",
        "unlimited": False, "exposure": {"total": "0.00"}, "payment_term_days": 30,
    }  # fmt: skip
    rating = {"customer_id": made["id"], "grade": "A", "score": "700", "rated_on": "2026-03-01"}
    for service, type_, data in (
        ("limits", "account_changed", {"account": account}),
        ("risk_rules", "customer_rated", rating),
    ):
        door.ask_service(service, "tell", {"type": type_, "customer_id": made["id"], "data": data})

    def copied() -> bool:
        found = door.ask("get_customer", customer_id="D-3")
        return (found["credit_limit"], found["payment_term_days"], found["grade"]) == ("60000.00", 30, "A")

    wait_until(copied, 10, what="the copies of limit and grade")
    assert door.refused("delete_customer", customer_id="D-3").code == "customer_has_credit"


def test_customers_of_an_erp_arrive_once_and_what_cannot_be_applied_is_parked(door: Door) -> None:
    body = {"event_id": "e1", "source": "sap", "revision": 2, "code": "E-1", "name": "戊"}
    poison = {"event_id": "e2", "source": "sap", "revision": 1, "code": "E-2", "name": "己", "grade": "A"}
    for message in (body, poison, body, {**body, "event_id": "e3", "revision": 1, "name": "旧"}):
        door.publish("customer.upserted", message)
    door.publish("customer.upserted", {"event_id": "e4", "source": "sap", "code": "E-3", "name": "庚"})

    def arrived() -> bool:
        found = door.ask("list_customers", where={"q": "E-"}, sort="code")["items"]
        return [(item["code"], item["name"], item["version"]) for item in found] == [
            ("E-1", "戊", 1), ("E-3", "庚", 1),
        ]  # fmt: skip

    wait_until(arrived, 10, what="the ERP's customers")
    parked = door.ask("list_parked", replace(CLERK, permissions=frozenset({"admin.parked"})))["items"]
    assert ["grade" in item["problem"] for item in parked] == [True]


def test_lists_history_and_forms_are_answered_as_plain_json(door: Door) -> None:
    made = door.ask("create_customer", code="D-4", name="丁", fields={"annual_sales": "1000.00"})
    door.ask("update_customer", customer_id=made["id"], version=1, region="华南")
    listed = door.ask("list_customers", where={"q": "丁"}, page_size=1)
    assert [item["code"] for item in listed["items"]] == ["D-4"]
    history = door.ask("list_history", customer_id="D-4")
    assert [entry["action"] for entry in history["items"]] == ["updated", "created"]
    assert door.ask("get_form", key="customer")["version"] == 1
    assert [item["key"] for item in door.ask("list_forms")["items"]] == ["customer"]
    assert door.ask("list_groups") == {"items": [], "next": None}
