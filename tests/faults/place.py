"""A company that trades over a suite under which things may end."""

from __future__ import annotations

import secrets
from typing import Any

import requests

from credit.demo.client import ApiRefused, Client
from credit.verifying import verify
from tests.faults.trade import Trade
from tests.support.postgres import OwnPostgres
from tests.support.suites import Suite
from tests.support.wait import wait_until

_DRAINED_SECONDS_MAX = 90


class Place:
    """A running suite whose people trade, and the server that it stands on."""

    def __init__(self, suite: Suite, server: OwnPostgres) -> None:
        self.suite = suite
        self.server = server
        self.admin: Client = suite.administrator()
        self.admin.post("/admin/business-date", {"date": "2026-01-05"})
        self._department()

    def _department(self) -> None:
        self.admin.post("/departments", {"code": "HQ", "name": "总部"})
        self.password = secrets.token_urlsafe(12)
        for name, role in (("fin", "finance"), ("sam", "salesperson"), ("mia", "department_manager")):
            body = {"username": name, "password": self.password, "name": name, "department": "HQ"}
            self.admin.post("/users", {**body, "roles": [role]})
        self.admin.patch("/departments/HQ", {"head": "mia"})

    def trade(self, name: str, limit: str) -> Trade:
        """The trade of a new customer with an approved limit."""
        sam, mia = (self.suite.client().sign_in(one, self.password) for one in ("sam", "mia"))
        customer = sam.post("/customers", {"code": name, "name": f"客户 {name}", "salesperson": "sam"})
        asked = {"customer_id": customer["id"], "amount": limit, "currency": "CNY", "term_days": 30}
        application = sam.post("/applications", asked)
        sam.post(f"/applications/{application['id']}:submit")
        # On a busy machine, or while services find their broker again, the flow may hear of it later.
        tasks = wait_until(lambda: mia.get("/tasks", state="open")["items"], 30, what="the task of the head")
        task = tasks[0]
        assert mia.post(f"/tasks/{task['id']}:approve", {"opinion": "同意"})["instance_state"] == "effective"
        login = {"username": "admin", "password": self.suite.settings.admin_password}
        answer = requests.post(f"{self.suite.url}/api/v1/auth/login", json=login, timeout=30)
        return Trade(self.suite, answer.json()["access_token"], customer["id"], name)

    def settle(self) -> None:
        """Wait until everything is read, everywhere."""

        def drained() -> bool:
            self.admin.post("/admin/streams:drain")
            return True

        wait_until(drained, _DRAINED_SECONDS_MAX, what="the streams to run dry", ignoring=(ApiRefused,))

    def orders_of(self, trade: Trade) -> dict[str, dict[str, Any]]:
        """A customer's orders by number; each is there once."""
        items = list(self.admin.pages("/orders", customer_id=trade.customer_id))
        found = {item["order_no"]: item for item in items}
        assert len(found) == len(items)
        return found

    def agrees(self) -> None:
        """Ledger, documents, reading and reporting agree to the cent."""
        self.settle()
        checks = verify(self.suite.settings, lambda check: None)
        assert [check for check in checks if check.faults] == []
