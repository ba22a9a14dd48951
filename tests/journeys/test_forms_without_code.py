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
