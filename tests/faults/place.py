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
        return Trade(self.suite, self._token(), customer["id"], name)

    def trades_in_groups(self, name: str, limits: dict[str, str]) -> dict[str, Trade]:
        """Three customers, `hot` and `warm` in one group, `cool` in another, both groups below a third.

        `limits` are those of `hot`, of the `left` group, and of the `top`. What is answered is kept together.
        """
        groups: dict[str, str] = {}
        for place, above in (("top", None), ("left", "top"), ("right", "top")):
            group = {
                "code": f"{name}-{place}",
                "name": f"{name} {place}",
                "parent_id": groups.get(above or ""),
            }
            groups[place] = self.admin.post("/customer-groups", group)["id"]
            if place in limits:
                granted = {"amount": limits[place], "currency": "CNY"}
                self.admin.post(f"/credit-pools/group/{groups[place]}/grants", granted)
        trades, answers = {}, dict[str, tuple[int, dict[str, Any]]]()
        for who, place in (("hot", "left"), ("warm", "left"), ("cool", "right")):
            customer = {"code": f"{name}-{who}", "name": f"{name} {who}", "group_id": groups[place]}
            customer_id = self.admin.post("/customers", customer)["id"]
            granted = {"amount": limits.get(who, "100000.00"), "currency": "CNY", "term_days": 30}
            self.admin.post(f"/credit-accounts/{customer_id}/grants", granted)
            trades[who] = Trade(self.suite, self._token(), customer_id, name, answers)
        return trades

    def _token(self) -> str:
        login = {"username": "admin", "password": self.suite.settings.admin_password}
        answer = requests.post(f"{self.suite.url}/api/v1/auth/login", json=login, timeout=30)
        return str(answer.json()["access_token"])

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
