"""Making a company in the suite through its public API: departments, people, customers and their limits."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from credit.demo.client import ApiRefused, Client

_ROUNDS_MAX = 20
_CONFLICT = 409


class CannotReplay(Exception):
    """The installation is not in a state in which this demo can run; the text says what to do."""


@dataclass(frozen=True)
class Person:
    """Somebody to be made: a user with one role in one department."""

    username: str
    name: str
    role: str
    department: str
    email: str = ""


@dataclass(frozen=True)
class Wish:
    """The limit that a salesperson asks for, for one customer. `amount` in `currency`."""

    customer_id: str
    salesperson: str
    amount: Decimal
    currency: str
    term_days: int
    reason: str


class Company:
    """The people of a demo company and what they do; `admin` is signed in as an administrator."""

    def __init__(self, admin: Client, password: str | None = None) -> None:
        self.admin = admin
        self.password = password or secrets.token_urlsafe(12)
        self._clients: dict[str, Client] = {}

    def open_at(self, first: date) -> None:
        """Set the business date of an installation without documents; `CannotReplay` where it is later."""
        try:
            self.admin.post("/admin/business-date", {"date": first.isoformat()})
        except ApiRefused as refusal:
            now = self.admin.get("/admin/business-date")["date"]
            if now == first.isoformat():
                return
            raise CannotReplay(
                f"系统的营业日期是 {now}, 不能回到 {first}; 请换一个空的数据目录, 例如 "
                f"CREDIT_DATA_DIR=./var-demo ({refusal})"
            ) from refusal

    def hire(self, departments: Iterable[Mapping[str, Any]], people: Sequence[Person]) -> None:
        """Make departments (parents first) and users; heads are set once they exist."""
        known = {item["username"] for item in self.admin.pages("/users")}
        there = {item["code"]: item for item in self.admin.pages("/departments")}
        headed = []
        for department in departments:
            plain = {name: value for name, value in department.items() if name != "head"}
            made = there.get(department["code"]) or self.admin.post("/departments", plain)
            if department.get("head"):
                headed.append((made, department["head"]))
        for person in people:
            if person.username in known:
                raise CannotReplay(f"用户 {person.username} 已经存在: 该演示已经运行过, 请换一个空的数据目录")
            self.admin.post(
                "/users",
                {
                    "username": person.username,
                    "password": self.password,
                    "name": person.name,
                    "department": person.department,
                    "roles": [person.role],
                    **({"email": person.email} if person.email else {}),
                },
            )
        for made, head in headed:
            self.admin.patch(f"/departments/{made['id']}", {"head": head})

    def as_user(self, username: str) -> Client:
        """A client signed in as one of the people."""
        if username not in self._clients:
            self._clients[username] = self.admin.sign_in(username, self.password)
        return self._clients[username]

    def settle(self) -> None:
        """Wait until every event has been read and every step taken, everywhere."""
        self.admin.post("/admin/streams:drain")

    def settle_credit(self) -> None:
        """The same of those who decide on credit: what else follows from a day, no order waits for."""
        self.admin.post("/admin/streams:drain?services=limits,risk_rules")

    def apply_for(self, wishes: Iterable[Wish]) -> list[str]:
        """File and submit one application for each wish; returns their ids."""
        filed = []
        for wish in wishes:
            client = self.as_user(wish.salesperson)
            application = client.post(
                "/applications",
                {
                    "type": "credit",
                    "customer_id": wish.customer_id,
                    "amount": str(wish.amount),
                    "currency": wish.currency,
                    "term_days": wish.term_days,
                    "reason": wish.reason,
                },
            )
            client.post(f"/applications/{application['id']}:submit")
            filed.append(application["id"])
        return filed

    def approve_everything(self, approvers: Sequence[str], opinion: str) -> int:
        """Let the approvers work off their inboxes until nothing is left; returns the number of approvals."""
        approved = 0
        for _ in range(_ROUNDS_MAX):
            self.settle()
            acted = 0
            for username in approvers:
                client = self.as_user(username)
                for task in list(client.pages("/tasks", state="open")):
                    if task.get("kind", "approval") != "approval":
                        continue
                    try:
                        client.post(f"/tasks/{task['id']}:approve", {"opinion": opinion})
                        acted += 1
                    except ApiRefused as refusal:
                        # Another holder of the role was faster: the task is no longer open.
                        if refusal.status != _CONFLICT:
                            raise
            approved += acted
            if not acted:
                return approved
        raise CannotReplay("审批没有结束: 请检查流程配置")
