"""Two customers that are one: everything of one becomes the other's, and the ledger stays right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from credit.demo.client import Client
from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, refused
from tests.support.form_definitions import field
from tests.support.suites import Suite, embedded_suite

_DATED = {"invoice_date": "2026-01-05", "due_date": "2026-02-05"}


@dataclass
class Trade:
    """Two customers with documents of every kind."""

    admin: Client
    giver: dict[str, Any]
    taker: dict[str, Any]
    application: dict[str, Any]
    visit: dict[str, Any]

    def account(self, customer: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.admin.get(f"/credit-accounts/{customer['id']}")
        return found

    def stages(self, customer: dict[str, Any]) -> tuple[str, ...]:
        exposure = self.account(customer)["exposure"]
        return tuple(exposure[name] for name in ("reserved", "delivered", "receivable", "total"))

    def verify(self) -> list[Any]:
        answer = self.admin.post("/admin/ledger:verify", {})
        assert answer["next"] is None
        return list(answer["differences"])


def trade(admin: Client, customer: dict[str, Any], mark: str, limit: str) -> None:
    money = {"customer_id": customer["id"], "currency": "CNY"}
    admin.post(f"/credit-accounts/{customer['id']}/grants", {"amount": limit, "currency": "CNY"})
    dated = {"order_date": "2026-01-05", "delivery_date": "2026-02-01"}
    for number, amount in (("1", "900.00"), ("2", "50.00")):
        admin.post("/orders", {**money, **dated, "order_no": f"O-{mark}{number}", "amount": amount})
    admin.post(f"/orders/O-{mark}1:deliver", {"delivery_no": f"D-{mark}", "amount": "100.00"})
    admin.post("/invoices", {**money, **_DATED, "invoice_no": f"I-{mark}", "amount": "500.00"})
    admin.post("/disputes", {"invoice_no": f"I-{mark}", "amount": "20.00", "reason": "质量"})


@pytest.fixture(scope="module")
def traded(module_settings: Settings) -> Iterator[tuple[Suite, Trade]]:
    with embedded_suite(module_settings) as suite:
        admin = suite.administrator()
        admin.post("/admin/business-date", {"date": "2026-01-05"})
        relation = field("客户", "relation", form="customer")
        admin.post("/forms", {"key": "calls", "title": {"zh": "拜访"}, "fields": [relation]})
        admin.post("/forms/calls:publish", {})
        group = admin.post("/customer-groups", {"code": "G", "name": "集团"})
        giver = admin.post(
            "/customers",
            {
                "code": "OLD",
                "name": "远航物流有限公司",
                "uscc": "91350100M000100Y43",
                "group_id": group["id"],
                "contacts": [{"name": "老王", "mobile": "13800138000", "primary": True}],
                "tags": ["老客户"],
                "fields": {"industry": "retail"},
            },
        )
        named = {"code": "NEW", "name": "远航（福建）物流有限公司"}
        taker = admin.post("/customers", {**named, "contacts": [{"name": "小李"}], "tags": ["新客户"]})
        pool = f"/credit-pools/group/{group['id']}/grants"
        admin.post(pool, {"amount": "100000.00", "currency": "CNY"})
        trade(admin, giver, "A", "5000.00")
        trade(admin, taker, "B", "1500.00")
        worth = {"value": "1000.00", "currency": "CNY", "accepted_percent": "50", "provider": "某银行"}
        admin.post(f"/credit-accounts/{giver['id']}/guarantees", {"kind": "guarantee", **worth})
        paid = {"customer_id": giver["id"], "currency": "CNY", "paid_at": "2026-01-05"}
        admin.post("/payments", {**paid, "payment_no": "P-A", "amount": "700.00"})
        admin.post(f"/customers/{giver['id']}/documents", {"kind": "contract", "number": "HT-1"})
        asked = {"customer_id": giver["id"], "amount": "9.00", "currency": "CNY"}
        application = admin.post("/applications", asked)
        visit = admin.post("/forms/calls/records", {"fields": {"客户": giver["id"]}})
        admin.post("/admin/streams:drain")
        yield suite, Trade(admin, giver, taker, application, visit)


def test_a_merge_is_refused_before_anything_has_happened(traded: tuple[Suite, Trade]) -> None:
    suite, found = traded
    admin, one = found.admin, f"/customers/{found.giver['id']}"
    admin.post("/users", {"username": "sal", "password": PASSWORD, "name": "s", "roles": ["salesperson"]})
    sal = suite.client().sign_in("sal", PASSWORD)
    refused(403, sal.post, f"{one}:merge", {"into": "NEW", "reason": "x"})
    refused(404, admin.post, f"{one}:merge", {"into": "NOBODY", "reason": "x"})
    refused(422, admin.post, f"{one}:merge", {"into": "OLD", "reason": "x"})
    refused(422, admin.post, f"{one}:merge", {"into": "NEW"})
    refused(409, admin.post, f"{one}:merge", {"into": "NEW", "reason": "x", "version": 9})
    admin.post(f"{one}:blacklist", {"reason": "查"})
    assert refused(409, admin.post, f"{one}:merge", {"into": "NEW", "reason": "x"})["code"] == "lists_differ"
    admin.post(f"{one}:unlist", {"reason": "查完"})
    assert admin.get(f"{one}/merges")["items"] == []


def test_all_that_one_owns_and_owes_becomes_the_others(traded: tuple[Suite, Trade]) -> None:
    _, found = traded
    admin, giver, taker = found.admin, found.giver, found.taker
    assert found.stages(giver) == ("850.00", "100.00", "-200.00", "750.00")
    merge = admin.post(f"/customers/{giver['id']}:merge", {"into": "NEW", "reason": "同一家公司"})
    assert merge["state"] == "waiting"
    admin.post("/admin/streams:drain")
    ended = admin.get("/customers/NEW/merges")["items"][0]
    assert (ended["state"], ended["waits_for"], ended["code"]) == ("finished", [], "OLD")
    assert ended["handed_over"]["limits"]["orders"] == 2
    assert ended["handed_over"]["application"] == {"applications": 1, "calls": 1}

    assert found.stages(taker) == ("1700.00", "200.00", "300.00", "2200.00")
    account = found.account(taker)
    # Its own limit, and what is guaranteed for the other.
    assert (account["limit"], account["available"]) == ("2000.00", "-200.00")
    invoices = admin.get("/invoices", customer_id=taker["id"])["items"]
    left = {one["invoice_no"]: one["open_amount"] for one in invoices}
    assert left == {"I-A": "0.00", "I-B": "300.00"}, "money on account covers what is due of both"
    groups = admin.get("/credit-pools")["items"]
    assert [pool["exposure"]["total"] for pool in groups if pool["kind"] == "group"] == ["2200.00"]
    assert found.verify() == []

    remains = admin.get("/customers/NEW")
    assert (remains["uscc"], remains["group_id"]) == (giver["uscc"], giver["group_id"])
    assert [one["name"] for one in remains["contacts"]] == ["小李", "老王"]
    assert (remains["tags"], remains["fields"]["industry"]) == (["新客户", "老客户"], "retail")
    assert [one["number"] for one in admin.get("/customers/NEW/documents")["items"]] == ["HT-1"]
    assert admin.get(f"/applications/{found.application['id']}")["customer_id"] == taker["id"]
    visit = admin.get(f"/forms/calls/records/{found.visit['id']}")
    assert visit["fields"]["客户"] == taker["id"]
    line = admin.get("/customers/NEW/history")["items"][0]
    assert (line["action"], line["changes"][0]["before"]) == ("merged", "远航物流有限公司 (OLD)")
    owed = admin.post("/reports/query", {"measures": ["receivable_open"], "dimensions": ["customer"]})
    assert [row["receivable_open"] for row in owed["rows"]] == ["300.00"]
    trail = admin.get("/admin/audit", action="customer_merged")["items"]
    assert [one["actor"] for one in trail] == [merge["merged_by"]]


def test_the_old_name_leads_to_who_remains(traded: tuple[Suite, Trade]) -> None:
    _, found = traded
    admin = found.admin
    for key in (found.giver["id"], "OLD"):
        problem = refused(404, admin.get, f"/customers/{key}")
        assert (problem["code"], problem["merged_into"]["code"]) == ("customer_merged", "NEW")
    refused(404, admin.post, f"/customers/{found.giver['id']}:merge", {"into": "NEW", "reason": "again"})
    money = {"customer_code": "OLD", "currency": "CNY", "amount": "1000.00"}
    admin.post("/payments", {**money, "payment_no": "P-LATE", "paid_at": "2026-01-05"})
    assert found.stages(found.taker)[2] == "-700.00"
    late = {"order_no": "O-LATE", "order_date": "2026-01-05", "amount": "10.00"}
    placed = admin.post("/orders", {**money, **late})
    assert placed["order"]["customer_id"] == found.taker["id"]
    assert found.verify() == []
