"""Tables of records come in step by step: uploaded, mapped, tried, run, and told of."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest

from services.common.config import Settings
from tests.journeys.conftest import refused
from tests.support.suites import Suite, embedded_suite
from tests.support.tables import Tables, sign_in, workbook_of


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
    ],
    "checks": [{"when": "金额 > 9000", "message": {"zh": "金额过大"}, "field": "金额"}],
}


@pytest.fixture(scope="module")
def tables(suite: Suite) -> Tables:
    """Whoever may bring visits in, with a customer to point to."""
    tables = sign_in(suite.client(), suite.settings.admin_username, suite.settings.admin_password, "visit")
    tables.client.post("/forms", VISIT)
    tables.client.post("/forms/visit:publish", {})
    tables.client.post("/customers", {"code": "C-1", "name": "蓝天"})
    return tables


def test_a_template_has_the_columns_and_their_choices(tables: Tables) -> None:
    content = tables.download("/forms/visit/import-template?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    assert heads[:9] == ["主题", "证号", "等级", "金额", "日期", "时刻", "重点", "客户", "记录 id"]
    rules = {str(one.sqref)[0]: one for one in sheet.data_validations.dataValidation}
    assert rules["C"].type == "list"
    assert rules["D"].prompt.startswith("金额")
    plain = tables.download("/forms/visit/import-template?format=csv").decode("utf-8-sig")
    assert plain.strip().split(",") == heads


def test_a_table_is_mapped_tried_and_brought_in_and_the_rest_comes_back(tables: Tables) -> None:
    rows = [
        ["主题", "证 号", "等级", "金额", "日期", "时刻", "重点", "客户", "备注"],
        ["回访", "Z-1", "A级", "1,000.00", "2026/3/1", "2026-03-01 08:30", "是", "C-1", "x"],
        ["", "Z-2", "A", "1.00", "", "", "", "", ""],
        ["甲", "Z-1", "C级", "1.234", "2026-02-30", "", "", "C-9", ""],
        ["乙", "Z-3", "", "9500.00", "", "", "", "", ""],
        ["丙", "Z-4", "B", "50", "2026年3月2日", "", "否", "", ""],
        ["丁", "Z-4", "B", "50", "", "", "", "", ""],
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
