"""A company whose limits no load exhausts, made through the public API."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from credit.demo.client import Client
from credit.demo.company import Company, Person, Wish

ADMIN_PASSWORD = "correct horse battery staple"
DEPARTMENT = "BENCH"
_LIMIT = Decimal("900000000")
_PEOPLE = [
    Person("b-sales", "销售", "salesperson", DEPARTMENT),
    Person("b-manager", "经理", "department_manager", DEPARTMENT),
    Person("b-risk", "风控", "risk_analyst", DEPARTMENT),
    Person("b-cfo", "财务总监", "cfo", DEPARTMENT),
]


@dataclass
class Bench:
    """A running suite: its administrator, tokens of who asks and who decides, customers, the date."""

    url: str
    admin: Client
    token: str
    manager_token: str
    customers: list[str]
    today: str
    amount: Decimal = Decimal("10.00")
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def order(self) -> dict[str, Any]:
        """The body of a new order, of one customer after the other."""
        number = next(self._numbers)
        return {
            "order_no": f"BENCH-{number}",
            "customer_id": self.customers[number % len(self.customers)],
            "amount": str(self.amount),
            "currency": "CNY",
            "order_date": self.today,
        }

    def order_request(self) -> tuple[str, str, dict[str, Any]]:
        """The path, idempotency key and body of a new order, to put a suite under load."""
        body = self.order()
        return "/orders", body["order_no"], body

    def settle(self) -> None:
        """Wait until every event has been read."""
        self.admin.post("/admin/streams:drain")


def make_company(url: str, customers: int) -> Bench:
    """People, customers and limits approved through the real flow."""
    admin = Client(url).sign_in("admin", ADMIN_PASSWORD)
    company = Company(admin)
    company.hire([{"code": DEPARTMENT, "name": "基准", "head": "b-manager"}], _PEOPLE)
    seller = company.as_user("b-sales")
    bodies = (
        {"code": f"B{number}", "name": f"客户 {number}", "salesperson": "b-sales"}
        for number in range(customers)
    )
    ids = [seller.post("/customers", body)["id"] for body in bodies]
    company.apply_for(Wish(each, "b-sales", _LIMIT, "CNY", 30, "基准测试") for each in ids)
    company.approve_everything(["b-manager", "b-risk", "b-cfo"], "同意")
    company.settle()
    token, manager = (
        seller.post("/auth/login", {"username": name, "password": company.password})["access_token"]
        for name in ("b-sales", "b-manager")
    )
    return Bench(url, admin, token, manager, ids, str(admin.get("/admin/business-date")["date"]))
