"""Tables of records come in step by step: uploaded, mapped, tried, run, and told of."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest

from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, refused
from tests.support.suites import Suite, embedded_suite
from tests.support.tables import Tables, csv_of, sign_in, tampered, workbook_of


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    with embedded_suite(module_settings) as running:
        yield running


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


VISIT = {
    "key": "visit",
    "title": {"zh": "拜访"},
    "fields": [
        field("编号", "auto_number", prefix="BF"),
        field("主题", "text", required=True, searchable=True),
        field("证号", "text", unique=True),
        field("等级", "select", options=[{"value": one, "label": {"zh": f"{one}级"}} for one in "AB"]),
        field("金额", "money"),
        field("税后", "formula", formula="金额 * 0.87", decimals=2),
        field("日期", "date"),
        field("时刻", "datetime"),
        field("重点", "switch"),
        field("客户", "relation", form="customer"),
        field("负责人", "user"),
    ],
    "checks": [{"when": "金额 > 9000", "message": {"zh": "金额过大"}, "field": "金额"}],
}


@pytest.fixture(scope="module")
def tables(suite: Suite) -> Tables:
    """Whoever may bring visits in, with a customer to point to."""
    settings = suite.settings
    tables = sign_in(suite.client(), settings.admin_username, settings.admin_password, "visit")
    tables.folder = Path(settings.files_url)
    tables.client.post("/forms", VISIT)
    tables.client.post("/forms/visit:publish", {})
    tables.client.post("/customers", {"code": "C-1", "name": "蓝天"})
    return tables


def test_a_template_has_the_columns_and_their_choices(tables: Tables) -> None:
    content = tables.download("/forms/visit/import-template?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    assert heads[:10] == ["主题", "证号", "等级", "金额", "日期", "时刻", "重点", "客户", "负责人", "记录 id"]
    rules = {str(one.sqref)[0]: one for one in sheet.data_validations.dataValidation}
    assert rules["C"].type == "list"
    assert rules["D"].prompt.startswith("金额")
    plain = tables.download("/forms/visit/import-template?format=csv").decode("utf-8-sig")
    assert plain.strip().split(",") == heads


def test_a_table_is_mapped_tried_and_brought_in_and_the_rest_comes_back(tables: Tables) -> None:
    rows = [
        ["主题", "证 号", "等级", "金额", "日期", "时刻", "重点", "客户", "负责人", "备注"],
        ["回访", "Z-1", "A级", "1,000.00", "2026/3/1", "2026-03-01 08:30", "是", "C-1", "admin", "x"],
        ["", "Z-2", "A", "1.00", "", "", "", "", "", ""],
        ["甲", "Z-1", "C级", "1.234", "2026-02-30", "", "", "C-9", "ghost", ""],
        ["乙", "Z-3", "", "9500.00", "", "", "", "", "", ""],
        ["丙", "Z-4", "B", "50", "2026年3月2日", "", "否", "", "", ""],
        ["丁", "Z-4", "B", "50", "", "", "", "", "", ""],
    ]
    made = tables.upload("拜访.xlsx", workbook_of(rows))
    assert (made["state"], made["rows"], made["preview"][0][0]) == ("uploaded", 6, "回访")
    by_heading = {one["heading"]: one for one in made["columns"]}
    assert by_heading["客户"]["path"] == "fields.客户"
    assert by_heading["备注"]["problem"]["code"] == "column_unknown"
    open_columns = refused(422, tables.client.post, f"{tables.path(made)}:check", {})
    assert {one["field"] for one in open_columns["errors"]} == {"备注", "证 号"}

    mapping = {"证 号": "fields.证号", "备注": None}
    changed = tables.client.patch(tables.path(made), {"version": 1, "mapping": mapping})
    refused(409, tables.client.patch, tables.path(made), {"version": 1, "existing": "skip"})
    assert changed["version"] == 2
    tried = tables.settled(tables.client.post(f"{tables.path(made)}:check", {}), "checked")
    assert (tried["done"], tried["created"], tried["failed"]) == (6, 2, 4)
    assert tables.client.get("/forms/visit/records")["items"] == []
    errors = {one["line"]: one["errors"] for one in tables.client.get(f"{tables.path(made)}/errors")["items"]}
    assert set(errors) == {3, 4, 5, 7}
    assert {one["field"]: one["code"] for one in errors[4]} == {
        "fields.等级": "not_a_choice",
        "fields.金额": "amount_too_precise",
        "fields.日期": "date_unknown",
        "fields.客户": "relation_unknown",
        "fields.负责人": "nobody",
    }
    assert errors[5][0]["message"] == "金额过大"
    assert errors[7][0]["message"] == "与第 6 行重复"

    none = tables.client.post(f"{tables.path(made)}:run", {"mode": "all_or_nothing"})
    failed = tables.settled(none, "failed")
    assert failed["problem"]["code"] == "rows_invalid"
    assert tables.client.get("/forms/visit/records")["items"] == []
    done = tables.settled(tables.client.post(f"{tables.path(made)}:run", {}), "done")
    assert (done["created"], done["failed"]) == (2, 4)
    kept = tables.client.get("/forms/visit/records", sort="created_at")["items"]
    assert [one["fields"]["主题"] for one in kept] == ["回访", "丙"]
    assert kept[0]["fields"]["税后"] == "870"
    assert kept[0]["fields"]["时刻"] == "2026-03-01T00:30:00Z"
    assert [one["fields"]["编号"] for one in kept] == ["BF-000001", "BF-000002"]
    assert kept[0]["fields"]["客户"] == tables.client.get("/customers/C-1")["id"]

    back = openpyxl.load_workbook(io.BytesIO(tables.download(f"{tables.path(made)}/file"))).worksheets[0]
    lines = list(back.iter_rows(values_only=True))
    assert lines[0] == (*rows[0], "行号", "结果")
    assert lines[1][-2:] == ("3", "主题: 必填")
    assert "等级: 不在可选项中" in lines[2][-1]
    assert len(lines) == 5
    refused(409, tables.client.post, f"{tables.path(made)}:run", {})
    tables.client.post("/admin/streams:drain")
    audit = [one["action"] for one in tables.client.get("/admin/audit", subject=made["id"])["items"]]
    assert {"import_started", "import_ended"} <= set(audit)


_BAD_TABLES = {
    "header_doubled": (422, "主题,主题\n甲,乙\n".encode()),
    "header_blank": (422, ",主题\n1,甲\n".encode()),
    "table_empty": (422, "主题\n".encode()),
    "too_many_rows": (422, "主题\n".encode() + b"x\n" * 100_001),
    "row_too_wide": (422, "主题\n甲,乙\n".encode()),
    "cell_too_long": (422, "主题\n".encode() + b"x" * 10_001),
    "table_unreadable": (400, b"PK\x03\x04 no archive"),
}


@pytest.mark.parametrize("code", _BAD_TABLES)
def test_what_is_no_table_is_refused_and_nothing_of_it_stays(tables: Tables, code: str) -> None:
    status, content = _BAD_TABLES[code]
    before = tables.client.get("/forms/visit/imports")["items"]
    assert refused(status, tables.upload, "t.csv", content)["code"] == code
    assert tables.client.get("/forms/visit/imports")["items"] == before
    assert not list(tables.folder.glob("imports/**/*.part"))


def test_bombs_entities_and_macros_are_refused_by_content(tables: Tables) -> None:
    good = workbook_of([["主题"], ["甲"]])
    bomb = tampered(good, "xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * 330_000_000)
    assert refused(422, tables.upload, "t.csv", bomb)["code"] == "table_too_large"
    outside = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'
    for part in ("xl/sharedStrings.xml", "xl/workbook.xml"):
        entities = tampered(good, part, outside)
        assert refused(422, tables.upload, "t.xlsx", entities)["code"] == "table_entities"
    wide = tampered(good, "xl/workbook.xml", outside.decode().replace('"1.0"', '"1.0"').encode("utf-16"))
    assert refused(422, tables.upload, "t.xlsx", wide)["code"] == "table_entities"
    macros = tampered(good, "xl/vbaProject.bin", b"x")
    assert refused(422, tables.upload, "t.xlsx", macros)["code"] == "table_macros"
    program = refused(415, tables.upload, "t.csv", b"MZ\x90\x00")
    assert program["code"] == "file_is_program"


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "utf-16"])
def test_texts_are_read_as_they_are_written(tables: Tables, encoding: str) -> None:
    separator = {"gbk": "\t", "utf-8-sig": ";"}.get(encoding, ",")
    lines = [["主题", "金额"], [f"厦门蓝天 {encoding}", "12.00"]]
    content = "\r\n".join(separator.join(line) for line in lines)
    made = tables.upload("t.csv", content.encode(encoding))
    assert made["preview"] == [lines[1]]
    assert made["separator"] == separator
    tables.settled(tables.client.post(f"{tables.path(made)}:run", {}), "done")
    (kept,) = tables.client.get("/forms/visit/records", q=f"厦门 {encoding.partition('-')[2]}")["items"][:1]
    assert kept["fields"]["金额"] == "12.00"


def test_what_a_column_means_is_checked_by_name(tables: Tables) -> None:
    made = tables.upload("t.csv", "主题,税后,别的\n甲,1,2\n".encode())
    by_heading = {one["heading"]: one for one in made["columns"]}
    assert (by_heading["税后"]["path"], by_heading["税后"]["problem"]["code"]) == (None, "computed")
    path = tables.path(made)
    for mapping, field, code in (
        ({"别的": "fields.没有"}, "fields.没有", "unknown_field"),
        ({"没有": "fields.金额"}, "没有", "heading_unknown"),
        ({"别的": "fields.税后"}, "fields.税后", "computed"),
        ({"别的": "fields.主题"}, "fields.主题", "column_twice"),
    ):
        problem = refused(422, tables.client.patch, path, {"mapping": mapping})
        assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == (field, code)
    tables.client.patch(path, {"mapping": {"主题": None, "别的": "fields.金额"}})
    missing = refused(422, tables.client.post, f"{path}:run", {})
    assert missing["errors"][0] == {
        "field": "fields.主题",
        "code": "column_missing",
        "message": "缺少必填列: 主题",
    }
    stopped = tables.client.post(f"{path}:cancel", {})
    assert stopped["state"] == "cancelled"
    refused(409, tables.client.post, f"{path}:cancel", {})


@pytest.fixture(scope="module")
def clerk(suite: Suite, tables: Tables) -> Tables:
    """Somebody who brings in and takes out visits, and not every field of them."""
    admin = tables.client
    admin.post("/departments", {"code": "S", "name": "销售部"})
    rights = [{"right": f"form:visit.{one}"} for one in ("import", "export", "update")]
    own = {"right": "form:visit.read", "scopes": [{"kind": "own"}]}
    fields = {"fields.金额": "read", "fields.证号": "masked", "fields.日期": "hidden"}
    role = {"label": "录入员", "grants": [*rights, own], "fields": {"form:visit": fields}}
    admin.put("/roles/visit_clerk", role)
    person = {"username": "lea", "password": PASSWORD, "name": "莉", "department": "S"}
    admin.post("/users", {**person, "roles": ["visit_clerk"]})
    return sign_in(suite.client(), "lea", PASSWORD, "visit")


def test_a_field_without_the_right_is_refused_by_name_and_never_dropped(
    tables: Tables, clerk: Tables
) -> None:
    made = clerk.upload("t.csv", "主题,金额\n莉一,5.00\n".encode())
    assert made["columns"][1]["problem"]["code"] == "field_not_writable"
    for path, body in ((f"{clerk.path(made)}:run", {}), (f"{clerk.path(made)}:check", {})):
        problem = refused(403, clerk.client.post, path, body)
        assert (problem["code"], problem["errors"][0]["field"]) == ("field_not_writable", "fields.金额")
    problem = refused(403, clerk.client.patch, clerk.path(made), {"mapping": {"金额": "fields.金额"}})
    assert problem["errors"][0]["field"] == "fields.金额"
    clerk.client.patch(clerk.path(made), {"mapping": {"金额": None}})
    clerk.settled(clerk.client.post(f"{clerk.path(made)}:run", {}), "done")
    plain = clerk.download("/forms/visit/import-template?format=csv").decode("utf-8-sig")
    assert plain.startswith("主题,等级,时刻,重点,客户")
    refused(404, tables.client.get, clerk.path(made))
    nobody = refused(403, clerk.client.get, "/forms/customer/imports")
    assert nobody["permission"] == "customers.import"


def test_records_go_out_as_they_are_seen_and_come_in_again(tables: Tables, clerk: Tables) -> None:
    admin = tables.client
    risky = {"主题": "=HYPERLINK(1)", "证号": "Z-900", "金额": "7.00", "日期": "2026-05-01", "等级": "A"}
    admin.post("/forms/visit/records", {"fields": risky})
    whole = tables.rows("/forms/visit/records:export?等级=A&sort=-created_at")
    assert whole[0][:8] == ["编号", "主题", "证号", "等级", "金额", "税后", "日期", "时刻"]
    assert whole[1][1] == "'=HYPERLINK(1)"
    assert (whole[1][3], whole[1][6]) == ("A级", "2026-05-01")
    pointing = tables.rows("/forms/visit/records:export?filter=" + quote('主题 = "回访"'))
    assert pointing[1][pointing[0].index("客户")] == "C-1"
    assert pointing[1][pointing[0].index("时刻")] == "2026-03-01 08:30:00"
    view = {"name": "甲", "filter": '等级 = "A"', "columns": ["主题", "created_by"]}
    saved = admin.post("/forms/visit/views", view)
    listed = tables.rows(f"/forms/visit/records:export?view={saved['id']}")
    assert listed[0] == ["主题", "创建人"]
    assert all(row[1] == "admin" for row in listed[1:])
    book = tables.download("/forms/visit/records:export?format=xlsx&等级=A&sort=-created_at")
    cells = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    assert (cells["B2"].value, cells["B2"].data_type) == ("'=HYPERLINK(1)", "s")
    admin.post("/admin/streams:drain")
    assert admin.get("/admin/audit", action="record.export")["items"][0]["subject"] == "visit"

    own = clerk.upload("t.csv", "主题,证号\n莉二,Z-777\n".encode())
    refused(403, clerk.client.post, f"{clerk.path(own)}:run", {})
    seen = clerk.rows("/forms/visit/records:export")
    assert [row[seen[0].index("主题")] for row in seen[1:]] == ["莉一"], "its own records alone"
    assert "日期" not in seen[0]
    (mine,) = clerk.client.get("/forms/visit/records")["items"]
    admin.patch(f"/forms/visit/records/{mine['id']}", {"fields": {"证号": "Z-1234567"}})
    seen = clerk.rows("/forms/visit/records:export")
    assert seen[1][seen[0].index("证号")] == "Z****"
    assert clerk.send("GET", "/forms/visit/records:export?sort=-日期").status_code in (403, 422)
    hidden = clerk.send("GET", "/forms/visit/records:export?filter=" + quote("日期 > #2026-01-01#"))
    assert hidden.json()["code"] == "field_not_seen"
    assert tables.send("GET", "/forms/visit/records:export?format=pdf").status_code == 422

    (changed,) = [row for row in tables.rows("/forms/visit/records:export?等级=A") if "=HYPER" in row[1]]
    head = whole[0]
    changed[head.index("金额")] = "70.00"
    again = tables.upload("again.csv", csv_of([head, changed]))
    tables.client.patch(tables.path(again), {"existing": "update"})
    done = tables.settled(tables.client.post(f"{tables.path(again)}:run", {}), "done")
    assert (done["updated"], done["failed"]) == (1, 0)
    kept = admin.get(f"/forms/visit/records/{changed[head.index('记录 id')]}")
    assert (kept["fields"]["金额"], kept["fields"]["主题"], kept["version"]) == ("70.00", "=HYPERLINK(1)", 2)
    stale = tables.upload("again.csv", csv_of([head, changed]))
    tables.client.patch(tables.path(stale), {"existing": "update"})
    done = tables.settled(tables.client.post(f"{tables.path(stale)}:run", {}), "done")
    assert done["failed"] == 1
    (wrong,) = tables.client.get(f"{tables.path(stale)}/errors")["items"]
    assert wrong["errors"][0]["code"] == "stale_version"


def test_customers_come_in_by_the_same_way(suite: Suite, tables: Tables) -> None:
    customers = Tables(tables.client, tables.token, "customer", tables.folder)
    admin = tables.client
    admin.post("/customer-groups", {"code": "G-1", "name": "蓝天集团"})
    admin.post("/customers", {"code": "C-OLD", "name": "旧客户", "uscc": "91350100M000100Y43"})
    rows = [
        ["客户编码", "客户名称", "统一社会信用代码", "所属集团", "联系人", "联系手机", "上市公司"],
        ["C-11", "晴空", "", "蓝天集团", "张三", "13800138000", "是"],
        ["", "自动编号", "", "G-1", "", "", ""],
        ["C-12", "重复", "91350100M000100Y43", "", "", "", ""],
        ["C-13", "集团不在", "", "没有", "王五", "12", ""],
        ["C-11", "又一个", "", "", "", "", ""],
        ["C-OLD", "旧客户改名", "", "", "李四", "", ""],
    ]
    form = admin.get("/forms/customer")
    listed = next(one["label"]["zh"] for one in form["fields"] if one["key"] == "listed")
    rows[0][6] = listed
    made = customers.upload("客户.xlsx", workbook_of(rows))
    assert all(one["problem"] is None for one in made["columns"]), made["columns"]
    done = customers.settled(admin.post(f"{customers.path(made)}:run", {}), "done")
    assert (done["created"], done["failed"]) == (2, 4)
    wrong = admin.get(f"{customers.path(made)}/errors")["items"]
    codes = {one["line"]: {error["code"] for error in one["errors"]} for one in wrong}
    assert codes == {
        4: {"customer_uscc_taken"},
        5: {"group_unknown", "phone"},
        6: {"customer_code_taken"},
        7: {"customer_code_taken"},
    }
    assert {error["field"] for error in wrong[1]["errors"]} == {"group_id", "contacts.mobile"}
    assert "C-OLD" in str(wrong[0]["errors"])
    found = admin.get("/customers/C-11")
    assert (found["contacts"][0]["mobile"], found["fields"]["listed"]) == ("13800138000", True)
    again = customers.upload("客户.xlsx", workbook_of([rows[0], rows[-1]]))
    admin.patch(customers.path(again), {"existing": "update"})
    done = customers.settled(admin.post(f"{customers.path(again)}:run", {}), "done")
    assert done["updated"] == 1
    changed = admin.get("/customers/C-OLD")
    assert (changed["name"], changed["uscc"]) == ("旧客户改名", "91350100M000100Y43")
    template = customers.download("/forms/customer/import-template?format=csv").decode("utf-8-sig")
    assert template.startswith("客户编码,客户名称,统一社会信用代码")


def test_whoever_watches_hears_how_far_it_is(tables: Tables) -> None:
    lines = "".join(f"行{number},{number}.00\n" for number in range(2_000))
    made = tables.upload("t.csv", f"主题,金额\n{lines}".encode())
    with closing(tables.send("GET", "/events/stream", stream=True)) as stream:
        tables.client.post(f"{tables.path(made)}:run", {})
        told = []
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("data: ") and made["id"] in line:
                listed = json.loads(line.removeprefix("data: "))["items"]
                told.append(next(one for one in listed if one["id"] == made["id"]))
                if told[-1]["state"] == "done":
                    break
    assert {one["state"] for one in told} >= {"done"}
    assert told[-1]["done"] == told[-1]["created"] == 2_000
