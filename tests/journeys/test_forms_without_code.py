"""An admin makes a form through the API, people fill it in, and its rights are like those of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, refused
from tests.support.suites import Suite, embedded_suite


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    with embedded_suite(module_settings) as running:
        yield running


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


LEAD = {
    "key": "crm-lead",
    "title": {"zh": "销售线索", "en": "Lead"},
    "fields": [
        field("公司", "text", required=True, searchable=True),
        field("手机", "mobile"),
        field("预算", "money", searchable=True),
        field("佣金", "formula", formula="预算 * 0.05", decimals=2),
    ],
}


def test_a_form_gets_its_records_and_rights_without_code(suite: Suite) -> None:
    admin = suite.administrator()
    made = admin.post("/forms", LEAD)
    assert (made["state"], made["version"]) == ("draft", 0)
    refused(409, admin.post, "/forms", LEAD)
    assert admin.post("/forms/crm-lead:publish", {})["version"] == 1
    records = "/forms/crm-lead/records"
    first = admin.post(records, {"fields": {"公司": "蓝天贸易", "手机": "13800138000", "预算": "1000.00"}})
    assert first["fields"]["佣金"] == "50"

    rights = {one["key"]: one for one in admin.get("/admin/permissions")["items"]}
    assert rights["form:crm-lead.create"]["scoped"]
    small = {"kind": "expression", "expression": "预算 < 5000"}
    admin.put(
        "/roles/lead_clerk",
        {
            "label": "线索员",
            "permissions": ["forms.read"],
            "grants": [
                {
                    "right": "form:crm-lead.read",
                    "scopes": [small],
                },
                {"right": "form:crm-lead.create"},
                {"right": "form:crm-lead.update", "scopes": [{"kind": "own"}]},
            ],
            "fields": {"form:crm-lead": {"fields.手机": "masked", "fields.佣金": "hidden"}},
        },
    )
    wrong = {"label": "x", "permissions": ["form:nothing.read"]}
    assert refused(422, admin.put, "/roles/wrong", wrong)["code"] == "permission_unknown"
    admin.post("/departments", {"code": "S", "name": "销售部"})
    admin.post(
        "/users",
        {"username": "lea", "password": PASSWORD, "name": "莉", "department": "S", "roles": ["lead_clerk"]},
    )
    lea = suite.client().sign_in("lea", PASSWORD)
    assert "form:crm-lead.read" in lea.get("/me")["permissions"]
    admin.post(records, {"fields": {"公司": "大海集团", "预算": "9000.00"}})
    seen = lea.get(records)["items"]
    assert [one["fields"] for one in seen] == [{"公司": "蓝天贸易", "手机": "138****8000", "预算": "1000.00"}]
    one = f"{records}/{first['id']}"
    refused(404, lea.patch, one, {"fields": {"公司": "x"}})
    refused(403, lea.delete, one)
    refused(403, lea.post, records, {"fields": {"公司": "x", "手机": "13800138001"}})
    own = lea.post(records, {"fields": {"公司": "晴空", "预算": "10.00"}})
    assert "佣金" not in own["fields"]
    changed = lea.patch(f"{records}/{own['id']}", {"version": 1, "fields": {"预算": "20.00"}})
    assert (changed["version"], changed["fields"]["预算"]) == (2, "20.00")
    refused(409, lea.patch, f"{records}/{own['id']}", {"version": 1, "fields": {"预算": "30.00"}})
    assert [each["fields"]["公司"] for each in admin.get(records, q="蓝天")["items"]] == ["蓝天贸易"]
    assert [each["fields"]["公司"] for each in admin.get(records, filter="预算 > 5000")["items"]] == [
        "大海集团"
    ]

    why = admin.post(
        "/admin/permissions:explain",
        {"username": "lea", "right": "form:crm-lead.update", "record": first["id"]},
    )
    assert (why["allowed"], why["why"]) == (False, "not_reached")
    admin.post("/admin/streams:drain")
    audit = admin.get("/admin/audit", action="record_updated")["items"]
    assert any("预算" in str(line) for line in audit)


def test_what_no_form_can_be_is_told_over_http(suite: Suite) -> None:
    admin = suite.administrator()
    circle = [
        field("a", "formula", formula="b + 1"),
        field("b", "formula", formula="a + 1"),
    ]
    problem = refused(422, admin.post, "/forms", {"key": "circle", "title": {"zh": "圈"}, "fields": circle})
    first = problem["errors"][0]
    assert (first["field"], first["code"]) == ("fields.0.formula", "cycle")
    assert first["message"] == "计算字段循环引用: a → b → a (第 1 个字符)"
    assert first["message_en"] == "the expression is wrong: cycle at 1"
    many = [field(f"f{place}", "number") for place in range(1_000)]
    problem = refused(422, admin.post, "/forms", {"key": "many", "title": {"zh": "多"}, "fields": many})
    assert problem["errors"][0]["code"] == "too_many_fields"
    large = {"key": "large", "title": {"zh": "大"}, "fields": [], "note": "x" * 9_000_000}
    assert refused(413, admin.post, "/forms", large)["code"] == "definition_too_large"
    refused(422, admin.post, "/forms", {"title": {"zh": "无"}})
    refused(422, admin.post, "/forms", {"key": "customer", "title": {"zh": "客户"}, "fields": []})
    dangling = {"key": "dangling", "title": {"zh": "悬"}, "fields": [field("r", "relation", form="nothing")]}
    admin.post("/forms", dangling)
    assert refused(422, admin.post, "/forms/dangling:publish", {})["errors"][0]["code"] == "form_missing"
    refused(404, admin.get, "/forms/nothing")
    refused(403, admin.get, "/forms/nothing/records")
    assert {one["key"] for one in admin.get("/forms")["items"]} >= {"customer", "dangling"}


def test_customers_and_applications_get_further_fields_from_an_admin(suite: Suite) -> None:
    admin = suite.administrator()
    form = admin.get("/forms/customer")
    more = [
        field("信用分", "number", minimum=0, maximum=100, required=True),
        field("评语", "text", searchable=True, visible_when="信用分 >= 60"),
        field("折算额度", "formula", formula="信用分 * 1000"),
    ]
    refused(422, admin.put, "/forms/customer", {**form, "fields": [field("x", "text", unique=True)]})
    saved = admin.put("/forms/customer", {**form, "fields": [*form["fields"], *more]})
    assert (saved["state"], saved["version"]) == ("changed", 1)
    assert admin.post("/forms/customer:publish", {})["version"] == 2
    assert [one["version"] for one in admin.get("/forms/customer/versions")["items"]] == [2, 1]
    body = {"code": "F-1", "name": "蓝天", "fields": {"信用分": 101, "颜色": "红"}}
    problem = refused(422, admin.post, "/customers", body)
    assert {error["field"] for error in problem["errors"]} == {"fields.信用分", "fields.颜色"}
    made = admin.post("/customers", {**body, "fields": {"信用分": 80, "评语": "优", "listed": True}})
    assert made["fields"] == {"信用分": "80", "评语": "优", "listed": True, "折算额度": "80000"}
    one = f"/customers/{made['id']}"
    hidden = refused(422, admin.patch, one, {"fields": {"信用分": 10, "评语": "差"}})
    assert hidden["errors"][0]["code"] == "hidden_field"
    changed = admin.patch(one, {"fields": {"信用分": 90}})
    assert changed["fields"]["折算额度"] == "90000"
    assert [each["code"] for each in admin.get("/customers", 评语="优")["items"]] == ["F-1"]
    tried = admin.post("/forms/customer:evaluate", {"fields": {"信用分": 50}})
    assert (tried["hidden"], tried["fields"]["折算额度"]) == (["评语"], "50000")

    asked = {"customer_id": made["id"], "amount": "100.00", "currency": "CNY"}
    free = admin.post("/applications", {**asked, "fields": {"任意": 1}})
    assert free["fields"] == {"任意": 1}, "without a published form, fields stay as they were sent"
    purpose = [field("用途", "text", required=True, searchable=True), field("期数", "number")]
    admin.post("/forms", {"key": "application", "title": {"zh": "授信申请"}, "fields": purpose})
    admin.post("/forms/application:publish", {})
    problem = refused(422, admin.post, "/applications", {**asked, "fields": {"期数": "x"}})
    assert {error["field"] for error in problem["errors"]} == {"fields.用途", "fields.期数"}
    filed = admin.post("/applications", {**asked, "fields": {"用途": "采购", "期数": 3}})
    assert filed["fields"] == {"用途": "采购", "期数": "3"}
    found = admin.get("/applications", 用途="采购")["items"]
    assert [each["id"] for each in found] == [filed["id"]]


def test_a_salesperson_tries_out_values_before_filing(suite: Suite) -> None:
    admin = suite.administrator()
    fields = [
        field("单价", "number"),
        field("总价", "formula", formula="单价 * 12"),
        field("说明", "text", visible_when="单价 > 100", required_when="单价 > 100"),
    ]
    forms = {one["key"]: one for one in admin.get("/forms")["items"]}
    for key in ("application", "customer"):
        draft = {"key": key, "title": {"zh": key}, "fields": []}
        form = forms.get(key) or admin.post("/forms", draft)
        admin.put(f"/forms/{key}", {**form, "fields": fields})
        admin.post(f"/forms/{key}:publish", {})
    admin.post("/departments", {"code": "T", "name": "试算部"})
    for name, role in (("seller", "salesperson"), ("seller2", "salesperson"), ("teller", "finance")):
        person = {"username": name, "password": PASSWORD, "name": name, "department": "T", "roles": [role]}
        admin.post("/users", person)
    seller, other, teller = (suite.client().sign_in(n, PASSWORD) for n in ("seller", "seller2", "teller"))

    customer = seller.post("/customers", {"name": "试算客户", "fields": {"单价": "5"}})
    for form in ("application", "customer"):
        tried = seller.post(f"/forms/{form}:evaluate", {"fields": {"单价": "200"}})
        assert (tried["fields"]["总价"], tried["required"]) == ("2400", ["说明"])
        assert tried["errors"][0]["field"] == "fields.说明"
    of_one = {"record_id": customer["id"], "fields": {}}
    assert seller.post("/forms/customer:evaluate", of_one)["fields"]["总价"] == "60"
    asked = {"customer_id": customer["id"], "amount": "1.00", "currency": "CNY", "fields": {"单价": "7"}}
    filed = seller.post("/applications", asked)
    of_one = {"record_id": filed["id"], "fields": {}}
    assert seller.post("/forms/application:evaluate", of_one)["fields"]["总价"] == "84"
    changed = seller.post("/forms/application:evaluate", {**of_one, "fields": {"单价": "8"}})
    assert changed["fields"]["总价"] == "96"
    assert seller.get(f"/applications/{filed['id']}")["fields"]["总价"] == "84", "nothing is written"
    refused(404, other.post, "/forms/application:evaluate", of_one)
    refused(404, seller.post, "/forms/customer:evaluate", of_one)
    problem = refused(403, teller.post, "/forms/application:evaluate", {"fields": {}})
    assert problem["permission"] == "applications.create"
