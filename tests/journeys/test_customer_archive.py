"""The archive of customers over HTTP: tags, lists, duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit.demo.client import Client
from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, refused
from tests.support.suites import Suite, embedded_suite

STAFF = {"ann": "salesperson", "bea": "salesperson", "rob": "risk_analyst", "max": "department_manager"}


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    with embedded_suite(module_settings) as running:
        admin = running.administrator()
        admin.post("/departments", {"code": "S", "name": "销售部"})
        for name, role in STAFF.items():
            person = {"username": name, "password": PASSWORD, "name": name, "department": "S"}
            admin.post("/users", {**person, "roles": [role]})
        admin.post("/admin/business-date", {"date": "2026-01-05"})
        yield running


@pytest.fixture(scope="module")
def staff(suite: Suite) -> dict[str, Client]:
    return {name: suite.client().sign_in(name, PASSWORD) for name in STAFF}


def codes(found: dict[str, Any]) -> list[str]:
    return sorted(one["code"] for one in found["items"])


def test_customers_are_found_by_tags_and_review_dates(suite: Suite, staff: dict[str, Client]) -> None:
    ann = staff["ann"]
    first = {"code": "T-1", "name": "晨光文具店", "tags": ["重点", "华东", "重点"]}
    made = ann.post("/customers", {**first, "credit_review_on": "2026-03-01"})
    assert made["tags"] == ["重点", "华东"]
    second = {"code": "T-2", "name": "朝阳百货行", "tags": ["华东"]}
    ann.post("/customers", {**second, "credit_review_on": "2026-06-01"})
    assert codes(ann.get("/customers", tags="重点")) == ["T-1"]
    assert codes(ann.get("/customers", tags="华东")) == ["T-1", "T-2"]
    assert codes(ann.get("/customers", review_until="2026-04-30")) == ["T-1"]
    changed = ann.patch("/customers/T-1", {"tags": ["普通"], "version": 1})
    assert (changed["tags"], codes(ann.get("/customers", tags="重点"))) == (["普通"], [])
    line = ann.get("/customers/T-1/history")["items"][0]["changes"][0]
    assert (line["label"], line["before"], line["after"]) == ("标签", ["重点", "华东"], ["普通"])
    problem = refused(422, ann.patch, "/customers/T-1", {"tags": ["a,b"]})
    assert problem["errors"][0]["field"].startswith("tags")
    refused(422, ann.get, "/customers", review_until="soon")


def test_a_name_like_another_warns_whoever_sees_both(suite: Suite, staff: dict[str, Client]) -> None:
    ann, admin = staff["ann"], suite.administrator()
    admin.put("/roles/own_seller", {"label": "自营销售", "grants": [
        {"right": f"customers.{action}", "scopes": [{"kind": "own"}]} for action in ("read", "create")
    ]})  # fmt: skip
    admin.post("/users", {"username": "own", "password": PASSWORD, "name": "own", "roles": ["own_seller"]})
    own = suite.client().sign_in("own", PASSWORD)
    first = ann.post("/customers", {"code": "D-1", "name": "云岭（上海）茶业有限公司"})
    assert first["warnings"] == []
    second = ann.post("/customers", {"code": "D-2", "name": "云岭上海茶业股份有限公司"})
    warned = second["warnings"][0]
    assert (warned["code"], [one["code"] for one in warned["customers"]]) == ("similar_customers", ["D-1"])
    assert warned["customers"][0]["similarity"] == "1.00"
    third = ann.post("/customers", {"code": "D-3", "name": "云岭茶业有限公司"})
    assert {one["code"] for one in third["warnings"][0]["customers"]} == {"D-1", "D-2"}
    assert codes(ann.get("/customers/D-1/duplicates")) == ["D-2", "D-3"]
    assert codes(ann.get("/customers:duplicates", name="云岭(上海)茶业")) == ["D-1", "D-2", "D-3"]
    assert codes(ann.get("/customers:duplicates", name="某某大厦物业")) == []
    assert codes(ann.get("/customers", duplicated="true")) == ["D-1", "D-2"]
    hidden = own.post("/customers", {"code": "D-4", "name": "云岭上海茶业公司", "salesperson": "own"})
    assert hidden["warnings"] == [], "whoever does not see the others is not told of them"
    assert codes(own.get("/customers:duplicates", name="云岭上海茶业")) == ["D-4"]
    assert codes(own.get("/customers", duplicated="true")) == []
    refused(404, own.get, "/customers/D-1/duplicates")


def order(number: str, customer: str, amount: str) -> dict[str, Any]:
    asked = {"order_no": number, "customer_id": customer, "amount": amount, "currency": "CNY"}
    return {**asked, "order_date": "2026-01-05"}


def test_a_blacklisted_customer_gets_no_credit(suite: Suite, staff: dict[str, Client]) -> None:
    ann, rob, admin = staff["ann"], staff["rob"], suite.administrator()
    customer = ann.post("/customers", {"code": "L-1", "name": "赊账不还商行"})
    one = f"/customers/{customer['id']}"
    admin.post(f"/credit-accounts/{customer['id']}/grants", {"amount": "1000.00", "currency": "CNY"})
    asked = {"customer_id": customer["id"], "amount": "10.00", "currency": "CNY"}
    draft = ann.post("/applications", asked)
    refused(403, ann.post, f"{one}:blacklist", {"reason": "骗贷"})
    refused(422, rob.post, f"{one}:blacklist", {})
    refused(422, ann.patch, one, {"list_kind": "whitelist"})
    listed = rob.post(f"{one}:blacklist", {"reason": "骗贷", "version": 1})
    assert (listed["list_kind"], listed["list_reason"], listed["listed_by"]) == ("blacklist", "骗贷", "rob")
    refused(409, rob.post, f"{one}:blacklist", {"reason": "骗贷"})
    refused(409, rob.post, f"{one}:unlist", {"reason": "误会", "version": 1})
    assert codes(ann.get("/customers", list_kind="blacklist")) == ["L-1"]
    admin.post("/admin/streams:drain")

    decision = refused(422, ann.post, "/orders", order("L-O-1", customer["id"], "5.00"))["decision"]
    reason = decision["reasons"][0]
    assert (reason["code"], reason["message"]) == ("customer_blacklisted", "客户在黑名单中: 骗贷")
    for refusal in (refused(409, ann.post, "/applications", asked),
                    refused(409, ann.post, f"/applications/{draft['id']}:submit", {})):  # fmt: skip
        assert refusal["code"] == "customer_blacklisted"
        assert "骗贷" in refusal["detail"]
    lifted = refused(409, rob.post, f"/credit-accounts/{customer['id']}:unfreeze", {"reason": "试试"})
    assert lifted["code"] == "customer_blacklisted"

    rob.post(f"{one}:unlist", {"reason": "误会"})
    refused(409, rob.post, f"{one}:unlist", {"reason": "误会"})
    admin.post("/admin/streams:drain")
    assert ann.post("/orders", order("L-O-2", customer["id"], "5.00"))["status"] == "reserved"
    assert ann.post(f"/applications/{draft['id']}:submit", {})["status"] == "in_approval"
    history = ann.get(f"{one}/history")["items"]
    assert [(line["action"], line["changes"][0]["after"]) for line in history[:2]] == [
        ("listed", None),
        ("listed", "blacklist"),
    ]


def test_rules_only_warn_of_a_whitelisted_customer_and_its_limit_holds(
    suite: Suite, staff: dict[str, Client]
) -> None:
    ann, rob, admin = staff["ann"], staff["rob"], suite.administrator()
    rule = {
        "key": "no-large-orders",
        "name": "大单拦截",
        "trigger": "order_check",
        "condition": "amount > 100",
        "strength": "block",
        "message": "单笔超过 100",
    }
    admin.post("/rules", rule)
    admin.post("/rules/no-large-orders:publish", {})
    customer = ann.post("/customers", {"code": "W-1", "name": "信得过老字号"})
    admin.post(f"/credit-accounts/{customer['id']}/grants", {"amount": "1000.00", "currency": "CNY"})
    admin.post("/admin/streams:drain")
    refused(422, ann.post, "/orders", order("W-O-1", customer["id"], "500.00"))
    rob.post(f"/customers/{customer['id']}:whitelist", {"reason": "二十年老客户"})
    admin.post("/admin/streams:drain")
    made = ann.post("/orders", order("W-O-2", customer["id"], "500.00"))
    assert made["status"] == "reserved"
    assert [(one["code"], one["strength"]) for one in made["decision"]["reasons"]][:1] == [
        ("no-large-orders", "warn")
    ]
    refusal = refused(422, ann.post, "/orders", order("W-O-3", customer["id"], "501.00"))
    assert ("limit_exceeded", "block") in {(r["code"], r["strength"]) for r in refusal["decision"]["reasons"]}


def todos(client: Client, customer: dict[str, Any]) -> list[str]:
    items = client.get("/todos", state="open")["items"]
    return [one["title"] for one in items if one["subject"]["id"] == customer["id"]]


def test_what_expires_or_is_to_be_reviewed_becomes_a_todo_in_time(
    suite: Suite, staff: dict[str, Client]
) -> None:
    ann, bea, rob, admin = staff["ann"], staff["bea"], staff["rob"], suite.administrator()
    asked = {"code": "R-1", "name": "到期提醒商贸", "salesperson": "ann", "credit_review_on": "2026-01-20"}
    customer = ann.post("/customers", asked)
    documents = f"/customers/{customer['id']}/documents"
    licence = {"kind": "business_licence", "valid_from": "2020-01-01", "valid_to": "2026-01-31"}
    made = ann.post(documents, {**licence, "remind_days": 15})
    ann.post(documents, {"kind": "contract", "valid_to": "2027-01-01"})
    refused(422, ann.post, documents, {"kind": "passport"})
    refused(422, ann.post, documents, {**licence, "valid_to": "2019-01-01"})
    refused(422, ann.post, documents, {**licence, "attachment_id": customer["id"]})
    assert [one["kind"] for one in ann.get(documents)["items"]] == ["business_licence", "contract"]

    for day, of_ann, of_rob in (("2026-01-15", 0, 0), ("2026-01-16", 1, 0), ("2026-01-20", 1, 1)):
        admin.post("/admin/business-date", {"date": day})
        admin.post("/admin/streams:drain")
        assert (len(todos(ann, customer)), len(todos(rob, customer))) == (of_ann, of_rob), day
    assert todos(ann, customer) == ["客户「到期提醒商贸」的营业执照有效期至 2026-01-31, 将于该日到期"]
    assert todos(rob, customer) == ["客户「到期提醒商贸」应于 2026-01-20 进行信用复核"]
    assert todos(bea, customer) == []

    one = f"{documents}/{made['id']}"
    refused(409, ann.patch, one, {"valid_to": "2030-01-31", "version": 9})
    renewed = ann.patch(one, {"valid_to": "2030-01-31", "version": 1})
    assert (renewed["version"], renewed["valid_to"]) == (2, "2030-01-31")
    ann.patch(f"/customers/{customer['id']}", {"credit_review_on": "2027-01-20"})
    admin.post("/admin/streams:drain")
    assert (todos(ann, customer), todos(rob, customer)) == ([], []), "renewed: nobody has to see to it"
    ann.delete(one)
    refused(404, ann.patch, one, {"number": "x"})
    lines = ann.get(f"/customers/{customer['id']}/history")["items"]
    assert {"document_added", "document_changed", "document_removed"} <= {line["action"] for line in lines}
