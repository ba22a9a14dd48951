"""The same check over HTTP: what a group two levels up has no room for is refused, what happened flagged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from credit.demo.client import ApiRefused, Client
from credit.importing import import_file
from tests.conftest import suite_settings
from tests.support.ports import free_port
from tests.support.postgres import DatabaseServer
from tests.support.suites import embedded_suite

Act = Callable[["Trader"], Any]


@pytest.fixture(scope="module")
def admin(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An administrator of a suite in this process."""
    folder: Path = tmp_path_factory.mktemp("suite")
    with database_server.databases() as prefix:
        settings = replace(suite_settings(database_server, prefix, folder), http_port=free_port())
        with embedded_suite(settings) as suite:
            client = suite.administrator()
            client.post("/admin/business-date", {"date": "2026-01-05"})
            yield client


class Trader:
    """A customer whose group's group has a limit of 100.00, of which 60.00 are used."""

    def __init__(self, admin: Client) -> None:
        self.admin = admin
        self.tag = uuid4().hex[:12]
        group: str | None = None
        self.groups = []
        for place in range(3):
            body = {"code": f"{self.tag}-{place}", "name": f"集团 {self.tag} {place}", "parent_id": group}
            group = admin.post("/customer-groups", body)["id"]
            self.groups.append(group)
        customer = {"code": self.tag, "name": f"客户 {self.tag}", "group_id": group}
        self.customer = admin.post("/customers", customer)["id"]
        limit = {"amount": "9000.00", "currency": "CNY", "term_days": 30}
        admin.post(f"/credit-accounts/{self.customer}/grants", limit)
        pool = {"amount": "100.00", "currency": "CNY"}
        admin.post(f"/credit-pools/group/{self.groups[0]}/grants", pool)
        self.order("A", "60.00")

    def order(self, number: str, amount: str, **more: Any) -> Any:
        return self.admin.post("/orders", self.body("order_no", number, amount, **more))

    def body(self, name: str, number: str, amount: str, **more: Any) -> dict[str, Any]:
        named = {name: f"{self.tag}-{number}", "customer_id": self.customer}
        return {**named, "amount": amount, "currency": "CNY", **more}

    def act(self, number: str, action: str, **body: Any) -> Any:
        return self.admin.post(f"/orders/{self.tag}-{number}:{action}", body)

    def invoice(self, number: str, amount: str, **more: Any) -> Any:
        dated = {"invoice_date": "2026-01-05", "due_date": "2026-02-04"}
        return self.admin.post("/invoices", self.body("invoice_no", number, amount, **dated, **more))

    def pay(self, number: str, amount: str) -> Any:
        return self.admin.post("/payments", self.body("payment_no", number, amount, paid_at="2026-01-05"))

    def held(self) -> str:
        pool = self.admin.get(f"/credit-pools/group/{self.groups[0]}")
        return str(pool["exposure"]["total"])


def _closed(trader: Trader) -> None:
    trader.act("A", "close")
    trader.order("B", "60.00")


def _invoiced(trader: Trader) -> None:
    trader.act("A", "close")
    trader.invoice("I", "60.00", order_no=f"{trader.tag}-B")


def _paid_by_another(trader: Trader) -> None:
    """An order that a customer outside of the group pays."""
    other = {"code": f"{trader.tag}-other", "name": f"付款方 {trader.tag}"}
    payer = trader.admin.post("/customers", other)["id"]
    limit = {"amount": "100.00", "currency": "CNY", "term_days": 30}
    trader.admin.post(f"/credit-accounts/{payer}/grants", limit)
    trader.order("B", "60.00", payer_id=payer)


def _batch(trader: Trader) -> Any:
    items = [trader.body("order_no", "B", "60.00")]
    result = trader.admin.post("/orders:batch", {"items": items})["results"][0]
    assert result["status"] == "refused"
    raise ApiRefused("POST", "/orders:batch", 422, result)


_ASKED: dict[str, tuple[Act, Act]] = {
    "POST /orders": (lambda _: None, lambda trader: trader.order("B", "60.00")),
    "POST /orders with a later revision": (
        lambda _: None, lambda trader: trader.order("A", "120.00", revision=2),
    ),
    "POST /orders after its invoice": (
        _invoiced, lambda trader: trader.order("B", "120.00"),
    ),
    "POST /orders for another payer": (
        _paid_by_another, lambda trader: trader.order("B", "60.00", revision=2),
    ),
    "POST /orders:batch": (lambda _: None, _batch),
    "POST /orders/{no}:amend": (lambda _: None, lambda trader: trader.act("A", "amend", amount="120.00")),
    "POST /orders/{no}:reopen": (_closed, lambda trader: trader.act("A", "reopen")),
}  # fmt: skip
_HAPPENED: dict[str, tuple[Act, Act]] = {
    "POST /orders, effective already": (
        lambda _: None, lambda trader: trader.order("B", "60.00", already_effective=True),
    ),
    "POST /orders/{no}:deliver": (
        lambda _: None, lambda trader: trader.act("A", "deliver", delivery_no="D", amount="120.00"),
    ),
    "POST /invoices": (lambda _: None, lambda trader: trader.invoice("I", "60.00")),
    "POST /payments/{no}:reverse": (
        lambda trader: (trader.invoice("I", "60.00"), trader.pay("P", "60.00")),
        lambda trader: trader.admin.post(f"/payments/{trader.tag}-P:reverse", {}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("route", _ASKED)
def test_a_route_that_asks_is_refused_by_the_pool(admin: Client, route: str) -> None:
    trader = Trader(admin)
    before, act = _ASKED[route]
    before(trader)
    held = trader.held()
    with pytest.raises(ApiRefused) as refusal:
        act(trader)
    assert refusal.value.status == 422
    reasons = refusal.value.problem["decision"]["reasons"]
    told = [(each["code"], each["pool"]) for each in reasons if "rule" not in each]
    assert told == [("limit_exceeded", f"group:{trader.groups[0]}")]
    assert (trader.held(), held) == ("60.00", "60.00")


def test_orders_that_are_imported_meet_the_check(admin: Client, tmp_path: Path) -> None:
    trader, table = Trader(admin), tmp_path / "订单.csv"
    rows = [f"{trader.tag}-{row},CNY" for row in (f"B,{trader.tag},40", f"C,{trader.tag},1")]
    table.write_text("\n".join(["order_no,customer_code,amount,currency", *rows]), encoding="utf-8")
    result = import_file(admin, "orders", table, lambda rows: None)
    assert (result.rows, result.taken, result.refused) == (2, 1, 1)
    assert trader.held() == "100.00"


@pytest.mark.parametrize("route", _HAPPENED)
def test_a_route_that_tells_what_has_happened_flags_it(admin: Client, route: str) -> None:
    trader = Trader(admin)
    before, act = _HAPPENED[route]
    before(trader)
    assert act(trader)["over_limit"] is True
    assert trader.held() == "120.00"


def test_exchange_rates_are_set_imported_and_used(admin: Client, tmp_path: Path) -> None:
    trader = Trader(admin)
    with pytest.raises(ApiRefused) as refusal:
        trader.order("B", "4.00", currency="CHF")
    reasons = refusal.value.problem["decision"]["reasons"]
    told = {(each["code"], *each["rates_missing"], each["date"]) for each in reasons if "rule" not in each}
    assert told == {("rate_missing", "CHF", "2026-01-05")}
    table = tmp_path / "汇率.csv"
    right = "币种,汇率,生效日期,来源\nCHF,8.25,2026-01-05,央行\n"
    table.write_text(right + "SEK,x,2026-01-05,\n", encoding="utf-8")
    with pytest.raises(ApiRefused) as refusal:
        admin.upload("/exchange-rates:import", table)
    wrong = [(error["row"], error["field"]) for error in refusal.value.problem["errors"]]
    assert wrong == [(3, "rate")]
    assert admin.get("/exchange-rates/in-force")["rates"] == {}, "all or none"
    table.write_text(right, encoding="utf-8")
    admin.upload("/exchange-rates:import", table)
    assert admin.get("/exchange-rates/in-force")["rates"] == {"CHF": "8.25"}
    assert trader.order("B", "4.00", currency="CHF")["status"] == "reserved"
    pool = admin.get(f"/credit-pools/group/{trader.groups[0]}")
    assert (pool["exposure"]["total"], pool["available"]) == ("93.00", "7.00")
    other = {"rates": [{"currency": "CHF", "rate": "20"}]}
    first, again = (admin.post("/exchange-rates", other, key=trader.tag) for _ in range(2))
    assert again == first
    rows = admin.get("/exchange-rates", currency="CHF")["items"]
    assert [(row["rate"], row["source"]) for row in rows] == [("20", "manual"), ("8.25", "央行")]
    assert admin.get(f"/credit-pools/group/{trader.groups[0]}")["state"] == "over-limit"
