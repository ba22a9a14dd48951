"""An admin makes a form through the API, people fill it in, and its rights are like those of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, refused
from tests.support.form_definitions import BAD_FIELDS, field
from tests.support.suites import Suite, embedded_suite


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    with embedded_suite(module_settings) as running:
        yield running


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


@pytest.mark.parametrize("what", BAD_FIELDS)
def test_a_faulty_definition_is_refused_at_its_place_and_leaves_nothing(suite: Suite, what: str) -> None:
    admin, (fields, place, code) = suite.administrator(), BAD_FIELDS[what]
    problem = refused(422, admin.post, "/forms", {"key": "faulty", "title": {"zh": "坏"}, "fields": fields})
    first = problem["errors"][0]
    assert (first["field"], first["code"]) == (place, code)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in first["message"])
    assert first["message_en"].isascii()
    refused(404, admin.get, "/forms/faulty")
    refused(422, admin.put, "/forms/customer", {**admin.get("/forms/customer"), "fields": fields})
    assert admin.get("/forms/customer", draft="true")["state"] == "published"


def test_what_is_too_large_or_no_form_is_refused(suite: Suite) -> None:
    admin = suite.administrator()
    large = {"key": "large", "title": {"zh": "大"}, "fields": [], "note": "x" * 9_000_000}
    assert refused(413, admin.post, "/forms", large)["code"] == "definition_too_large"
    larger = {**large, "note": "x" * 10 * 1024 * 1024}
    assert refused(413, admin.post, "/forms", larger)["code"] == "body_too_large"
    refused(422, admin.post, "/forms", {"title": {"zh": "无"}})
    refused(422, admin.post, "/forms", {"key": "customer", "title": {"zh": "客户"}, "fields": []})
    dangling = {"key": "dangling", "title": {"zh": "悬"}, "fields": [field("r", "relation", form="nothing")]}
    admin.post("/forms", dangling)
    assert refused(422, admin.post, "/forms/dangling:publish", {})["errors"][0]["code"] == "form_missing"
    for key in ("nothing", "large", "faulty"):
        refused(404, admin.get, f"/forms/{key}")
    refused(403, admin.get, "/forms/nothing/records")
    assert {one["key"] for one in admin.get("/forms")["items"]} >= {"customer", "dangling"}


def test_a_pattern_that_would_not_end_elsewhere_ends_here(suite: Suite) -> None:
    admin = suite.administrator()
    pattern = {"regex": "(a+)+b", "message": {"zh": "应以 b 结尾"}}
    fields = [field("码", "text", max_length=5_000, pattern=pattern)]
    admin.post("/forms", {"key": "endless", "title": {"zh": "久"}, "fields": fields})
    admin.post("/forms/endless:publish", {})
    problem = refused(422, admin.post, "/forms/endless/records", {"fields": {"码": "a" * 5_000}})
    assert problem["errors"][0]["message"] == "应以 b 结尾"
    assert admin.post("/forms/endless/records", {"fields": {"码": "aab"}})["fields"] == {"码": "aab"}


def test_stale_writes_and_unknown_fields_are_refused_and_lost_fields_counted(suite: Suite) -> None:
    admin = suite.administrator()
    form = {"key": "counted", "title": {"zh": "计"}, "fields": [field("甲", "text"), field("乙", "text")]}
    draft = admin.post("/forms", form)
    admin.put("/forms/counted", {**form, "revision": draft["revision"]})
    stale = refused(409, admin.put, "/forms/counted", {**form, "fields": [], "revision": draft["revision"]})
    assert (stale["code"], stale["revision"]) == ("stale_version", draft["revision"] + 1)
    assert refused(409, admin.post, "/forms/counted:publish", {"revision": 1})["code"] == "stale_version"
    admin.post("/forms/counted:publish", {})
    records = "/forms/counted/records"
    made = [admin.post(records, {"fields": {"甲": "1", "乙": "2"}}) for _ in range(3)]
    admin.post(records, {"fields": {"甲": "1"}})
    problem = refused(422, admin.post, records, {"fields": {"甲": "1", "丙": "3", "丁": {"x": 1}}})
    assert [(one["field"], one["code"]) for one in problem["errors"]] == [
        ("fields.丙", "unknown_field"),
        ("fields.丁", "unknown_field"),
    ]
    one = f"{records}/{made[0]['id']}"
    admin.patch(one, {"version": 1, "fields": {"甲": "9"}})
    assert refused(409, admin.patch, one, {"version": 1, "fields": {"甲": "8"}})["version"] == 2
    assert admin.get(one)["fields"]["甲"] == "9"

    less = {**form, "fields": [field("甲", "number")]}
    warned = [("甲", "field_retyped", 4), ("乙", "field_removed", 3)]
    for answer in (
        admin.put("/forms/counted", less),
        admin.post("/forms/counted:publish", {"dry_run": True}),
        admin.post("/forms/counted:publish", {}),
    ):
        assert [(each["field"], each["code"], each["records"]) for each in answer["warnings"]] == warned
    admin.put("/forms/counted", form)
    admin.post("/forms/counted:publish", {})
    assert admin.get(one)["fields"] == {"甲": "9", "乙": "2"}, "nothing was destroyed"


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


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 64
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 1000


def test_fields_name_only_people_departments_and_roles_that_there_are(suite: Suite) -> None:
    admin = suite.administrator()
    fields = [
        field("负责人", "user"),
        field("抄送", "user", multiple=True),
        field("归口", "department"),
        field("分工", "sub_table", fields=[field("角色", "role")]),
    ]
    admin.post("/forms", {"key": "named", "title": {"zh": "指派"}, "fields": fields})
    admin.post("/forms/named:publish", {})
    records = "/forms/named/records"
    admin.post("/departments", {"code": "N", "name": "新部门"})
    admin.post("/users", {"username": "neo", "password": PASSWORD, "name": "neo", "department": "N"})
    named = {"负责人": "neo", "抄送": ["neo", "admin"], "归口": "N", "分工": [{"角色": "cfo"}]}
    made = admin.post(records, {"fields": named})
    assert made["fields"] == named, "whoever was made a moment ago is there"
    nobody = {"负责人": "ghost", "抄送": ["neo", "ghoul"], "归口": "NOWHERE", "分工": [{"角色": "king"}]}
    problem = refused(422, admin.post, records, {"fields": nobody})
    assert {one["field"]: one["code"] for one in problem["errors"]} == {
        f"fields.{key}": "nobody" for key in nobody
    }
    assert "ghoul" in problem["errors"][1]["message"]
    one = f"{records}/{made['id']}"
    refused(422, admin.patch, one, {"fields": {"负责人": "ghost"}})
    assert admin.get(one)["version"] == 1
    for _ in range(2):
        refused(422, admin.post, records, {"fields": nobody}, key="the same request")


@dataclass
class Sender:
    """Somebody who sends files and fetches them."""

    url: str
    headers: dict[str, str]

    def send(self, form: str, name: str, content: bytes, **asked: str) -> requests.Response:
        url, sent = f"{self.url}/forms/{form}/files", {"file": (name, content)}
        return requests.post(url, params=asked, files=sent, headers=self.headers, timeout=30)

    def fetch(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", headers=self.headers, timeout=30)


def sender(suite: Suite, name: str) -> Sender:
    url, login = f"{suite.url}/api/v1", {"username": name, "password": PASSWORD}
    token = requests.post(f"{url}/auth/login", json=login, timeout=30).json()["access_token"]
    return Sender(url, {"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def papers(suite: Suite) -> str:
    """The path of the records of a form with files, with people who read and write them."""
    admin = suite.administrator()
    fields = [
        field("主题", "text"),
        field("合同", "attachment", size_mb_max=1, content_types=["application/pdf", "text/plain"]),
        field("照片", "image"),
        field("签字", "signature"),
        field("明细", "sub_table", fields=[field("凭证", "attachment")]),
    ]
    default = [field("合同", "attachment", default=[])]
    problem = refused(422, admin.post, "/forms", {"key": "bad", "title": {"zh": "坏"}, "fields": default})
    assert problem["errors"][0]["field"] == "fields.0.default"
    admin.post("/forms", {"key": "papers", "title": {"zh": "资料"}, "fields": fields})
    admin.post("/forms/papers:publish", {})
    admin.post("/departments", {"code": "P", "name": "资料部"})
    own = [{"kind": "own"}]
    grants = [{"right": f"form:papers.{action}", "scopes": own} for action in ("read", "create", "update")]
    admin.put("/roles/paper_clerk", {"label": "资料员", "grants": grants})
    blind = {"form:papers": {"fields.合同": "hidden"}}
    seeing = [{"right": "form:papers.read"}, {"right": "form:papers.create"}]
    admin.put("/roles/paper_reader", {"label": "查阅", "grants": seeing, "fields": blind})
    for name, role in (("pat", "paper_clerk"), ("pia", "paper_clerk"), ("ray", "paper_reader")):
        admin.post("/users", {"username": name, "password": PASSWORD, "name": name, "roles": [role]})
    return "/forms/papers/records"


def test_a_file_is_kept_as_its_field_takes_it(suite: Suite, papers: str) -> None:
    file_pat, file_ray = sender(suite, "pat"), sender(suite, "ray")
    sent = file_pat.send("papers", "../合同.pdf", PDF, field="合同")
    assert sent.status_code == 201, sent.text
    contract = sent.json()
    assert (contract["name"], contract["content_type"]) == ("合同.pdf", "application/pdf")
    for content, asked, status, code in (
        (PNG, "合同", 415, "file_kind"),
        (PDF, "照片", 415, "file_kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "照片", 415, "file_kind"),
        (b"MZ\x90\0" + b"\0" * 99, "合同", 415, "file_is_program"),
        (PDF * 2_000, "合同", 413, "file_too_large"),
        (PDF, "主题", 422, "not_a_file_field"),
        (PDF, "没有", 422, "not_a_file_field"),
    ):
        answer = file_pat.send("papers", "x.pdf", content, field=asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert file_ray.send("papers", "x.pdf", PDF, field="合同").status_code == 403


def test_a_file_belongs_to_one_record_and_follows_its_rights(suite: Suite, papers: str) -> None:
    records, admin = papers, suite.administrator()
    pat, pia = (suite.client().sign_in(name, PASSWORD) for name in ("pat", "pia"))
    file_pat, file_pia, file_ray = (sender(suite, name) for name in ("pat", "pia", "ray"))
    contract = file_pat.send("papers", "合同.pdf", PDF, field="合同").json()
    lie = {**contract, "name": "假.exe", "content_type": "text/html", "size_bytes": 1}
    refused(422, pia.post, records, {"fields": {"合同": [contract]}})
    refused(422, pat.post, records, {"fields": {"照片": [contract]}})
    unknown = {"fields": {"合同": [{**contract, "id": "0" * 8 + "-0000-7000-8000-" + "0" * 12}]}}
    problem = refused(422, pat.post, records, unknown)
    assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == ("fields.合同", "file_unknown")
    slip = file_pat.send("papers", "凭证.txt", "凭证内容".encode(), field="明细.凭证").json()
    made = pat.post(records, {"fields": {"合同": [lie], "明细": [{"凭证": [slip]}]}})
    assert made["fields"]["合同"] == [contract], "what a record says of a file is what was uploaded"
    refused(422, pat.post, records, {"fields": {"合同": [contract]}})

    one = f"{records}/{made['id']}/files/{contract['id']}"
    answer = file_pat.fetch(one)
    assert answer.content == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert file_pat.fetch(f"{records}/{made['id']}/files/{slip['id']}").text == "凭证内容"
    assert file_pia.fetch(one).status_code == 404, "another's record"
    assert file_ray.fetch(one).status_code == 404, "a field that is not seen"
    assert file_ray.fetch(f"{records}/{made['id']}/files/{slip['id']}").status_code == 200
    other = pat.post(records, {"fields": {}})
    assert file_pat.fetch(f"{records}/{other['id']}/files/{contract['id']}").status_code == 404
    pat.patch(f"{records}/{made['id']}", {"fields": {"合同": None}})
    assert file_pat.fetch(one).status_code == 404, "it is not in the record any more"
    pat.patch(f"{records}/{made['id']}", {"fields": {"合同": [contract]}})
    assert file_pat.fetch(one).status_code == 200
    admin.delete(f"{records}/{made['id']}")
    assert file_pat.fetch(one).status_code == 404
    admin.post(f"{records}/{made['id']}:restore", {})
    assert file_pat.fetch(one).status_code == 200


def test_customers_and_applications_hold_files_as_well(suite: Suite) -> None:
    admin = suite.administrator()
    for key in ("customer", "application"):
        form = next(one for one in admin.get("/forms")["items"] if one["key"] == key)
        admin.put(f"/forms/{key}", {**form, "fields": [*form["fields"], field("扫描件", "attachment")]})
        admin.post(f"/forms/{key}:publish", {})
    seller, other = (suite.client().sign_in(name, PASSWORD) for name in ("seller", "seller2"))
    file_seller = sender(suite, "seller")
    scan = file_seller.send("customer", "a.pdf", PDF, field="扫描件").json()
    customer = seller.post("/customers", {"name": "扫描客户", "fields": {"单价": "1", "扫描件": [scan]}})
    assert file_seller.fetch(f"/customers/{customer['id']}/files/{scan['id']}").content == PDF
    scan = file_seller.send("application", "b.pdf", PDF, field="扫描件").json()
    asked = {"customer_id": customer["id"], "amount": "1.00", "currency": "CNY"}
    filed = seller.post("/applications", {**asked, "fields": {"单价": "1", "扫描件": [scan]}})
    assert file_seller.fetch(f"/applications/{filed['id']}/files/{scan['id']}").content == PDF
    refused(422, other.post, "/applications", {**asked, "fields": {"单价": "1", "扫描件": [scan]}})
