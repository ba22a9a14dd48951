"""The whole suite, embedded and apart over RabbitMQ, with a company of people in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from credit.demo.client import ApiRefused, Client
from tests.conftest import own_virtual_host, suite_settings
from tests.support.ports import free_port
from tests.support.postgres import DatabaseServer
from tests.support.smtp_sink import SmtpSink
from tests.support.suites import Suite, distributed_suite, embedded_suite

PASSWORD = "a long enough password"
PEOPLE = {
    "sam": "salesperson",
    "sue": "salesperson",
    "mia": "department_manager",
    "rita": "risk_analyst",
    "carl": "cfo",
    "fin": "finance",
}


@dataclass
class Company:
    """A running suite and its people, each signed in; `mails` is what they were sent."""

    suite: Suite
    admin: Client
    people: dict[str, Client]
    mails: SmtpSink

    def __getattr__(self, name: str) -> Client:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def settle(self) -> None:
        """Wait until every event is read and every step taken, everywhere."""
        self.admin.post("/admin/streams:drain")

    def open(self, date: str) -> None:
        """Open a business date, and let everything follow that follows from it."""
        self.admin.post("/admin/business-date", {"date": date})
        self.settle()

    def account(self, customer: dict[str, Any]) -> dict[str, Any]:
        """A customer's credit account."""
        found: dict[str, Any] = self.fin.get(f"/credit-accounts/{customer['id']}")
        return found

    def tasks(self, username: str) -> list[dict[str, Any]]:
        """A person's open tasks."""
        items: list[dict[str, Any]] = self.people[username].get("/tasks", state="open")["items"]
        return items

    def customer_with_limit(self, code: str, amount: str) -> dict[str, Any]:
        """A customer of sam's with an approved limit, for whom the flow has run."""
        customer = self.sam.post(
            "/customers", {"code": code, "name": f"客户 {code}", "region": "华东", "salesperson": "sam"}
        )
        application = self.sam.post(
            "/applications",
            {"customer_id": customer["id"], "amount": amount, "currency": "CNY", "term_days": 30},
        )
        self.sam.post(f"/applications/{application['id']}:submit")
        for username in ("mia", "rita", "carl"):
            for task in self.tasks(username):
                if task["subject"]["id"] == application["id"]:
                    self.people[username].post(f"/tasks/{task['id']}:approve", {"opinion": "同意"})
        assert self.account(customer)["limit"] == amount
        return dict(customer)


def refused(status: int, call: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
    """The problem document of a call that must be refused with this status."""
    with pytest.raises(ApiRefused) as refusal:
        call(*arguments, **options)
    assert refusal.value.status == status, refusal.value
    assert refusal.value.problem["title"]
    assert refusal.value.problem["trace_id"]
    return refusal.value.problem


@pytest.fixture(scope="package", params=["embedded", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def company(
    request: pytest.FixtureRequest, database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """The suite with its people, on 5 January 2026, in each of the two ways to run it.

    The modules share it: each leaves no task open.
    """
    folder: Path = tmp_path_factory.mktemp("company")
    with ExitStack() as stack:
        prefix = stack.enter_context(database_server.databases())
        mails = stack.enter_context(SmtpSink(folder))
        settings = replace(
            suite_settings(database_server, prefix, folder), http_port=free_port(), smtp_url=mails.url
        )
        if request.param == "embedded":
            suite = stack.enter_context(embedded_suite(settings))
        else:
            uri = stack.enter_context(own_virtual_host(request.getfixturevalue("broker")))
            suite = stack.enter_context(distributed_suite(settings, uri, {"limits": 2}))
        yield hire(suite, mails)


def hire(suite: Suite, mails: SmtpSink) -> Company:
    """The company in a fresh suite: a head office, a department of sales with its head, one of each role."""
    admin = suite.administrator()
    admin.post("/departments", {"code": "HQ", "name": "总部"})
    admin.post("/departments", {"code": "S", "name": "销售部", "parent": "HQ"})
    for username, role in PEOPLE.items():
        admin.post(
            "/users",
            {
                "username": username,
                "password": PASSWORD,
                "name": username,
                "department": "S",
                "roles": [role],
                "email": f"{username}@example.com",
            },
        )
    admin.patch("/departments/S", {"head": "mia"})
    admin.post("/admin/business-date", {"date": "2026-01-05"})
    people = {username: suite.client().sign_in(username, PASSWORD) for username in PEOPLE}
    return Company(suite, admin, people, mails)
