"""Every field type: what it takes, what it refuses, how it is written as text, and where it says so."""

from __future__ import annotations

from typing import Any

import pytest

from services.common import expressions, field_rights
from services.common.expressions.types import declared
from services.common.forms import OPERATORS, TYPES, compile_form, load_values, settle_values

ID = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
FILE = {"id": ID, "name": "执照.png", "size_bytes": 10, "content_type": "image/png"}
OPTIONS = {"options": [{"value": "a", "label": {"zh": "甲"}}, {"value": "b", "label": {"zh": "乙"}}]}
_HANGZHOU = {"value": "h", "label": {"zh": "杭州"}}
TREE = {"options": [{"value": "z", "label": {"zh": "浙江"}, "children": [_HANGZHOU]}]}
AMOUNT_COLUMN = {"key": "金额", "label": {"zh": "金额"}, "type": "money"}
# type, settings, a value it takes, as it is stored, as text, a value that it refuses with this code
CASES: list[tuple[str, dict[str, Any], Any, Any, str, Any, str]] = [
    ("text", {"max_length": 3}, " 甲 ", "甲", "甲", "四个字的", "too_long"),
    ("text", {}, "甲", "甲", "甲", "a\nb", "control_character"),
    ("textarea", {}, "a\nb", "a\nb", "a\nb", "", "blank"),
    ("rich_text", {}, '<p onclick="x()">甲<script>alert(1)</script></p>', "<p>甲</p>", "甲", 5, "not_text"),
    ("number", {"decimals": 1, "minimum": 0}, "1.5", "1.5", "1.5", "1.55", "too_precise"),
    ("number", {"minimum": 0}, 5, "5", "5", -1, "below_minimum"),
    ("money", {"currency": "JPY"}, "100", "100", "100", "1.5", "amount_too_precise"),
    ("percent", {}, "0.8", "0.8", "80%", "x", "not_a_number"),
    ("rating", {}, 4, "4", "4", 6, "above_maximum"),
    ("rating", {"half": True}, "4.5", "4.5", "4.5", "4.2", "off_step"),
    ("slider", {"step": 5}, 35, "35", "35", 36, "off_step"),
    ("date", {"minimum": "2026-01-01"}, "2026-02-28", "2026-02-28", "2026-02-28", "2026-02-30",
     "date_unknown"),
    ("date_range", {}, {"start": "2026-01-01", "end": "2026-01-02"},
     {"start": "2026-01-01", "end": "2026-01-02"}, "2026-01-01~2026-01-02",
     {"start": "2026-01-02", "end": "2026-01-01"}, "range_reversed"),
    ("datetime", {}, "2026-01-01T08:00:00+08:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z",
     "2026-01-01", "instant_malformed"),
    ("time", {}, "08:30", "08:30", "08:30", "24:00", "time_malformed"),
    ("year_month", {}, "2026-03", "2026-03", "2026-03", "2026-13", "year_month_malformed"),
    ("select", OPTIONS, "a", "a", "甲", "c", "not_a_choice"),
    ("radio", OPTIONS, "b", "b", "乙", ["a"], "not_a_choice"),
    ("multi_select", OPTIONS, ["a", "b"], ["a", "b"], "甲、乙", ["a", "a"], "choice_twice"),
    ("checkbox_group", OPTIONS | {"items_max": 1}, ["a"], ["a"], "甲", ["a", "b"], "too_many"),
    ("switch", {}, True, True, "是", "也许", "not_a_flag"),
    ("cascader", TREE, ["z", "h"], ["z", "h"], "浙江/杭州", ["z"], "not_a_choice"),
    ("region", {}, "350102", "350102", "福建省/福州市/鼓楼区", "999999", "not_a_region"),
    ("region", {"level": "province"}, "71", "71", "台湾省", "350102", "region_level"),
    ("mobile", {}, "138 0013 8000", "13800138000", "13800138000", "12345678901", "mobile"),
    ("phone", {}, "+86 (591) 8888-0000", "+86 (591) 8888-0000", "+86 (591) 8888-0000", "电话", "phone"),
    ("email", {}, "ap@example.com", "ap@example.com", "ap@example.com", "x@", "email"),
    ("url", {}, "https://example.com/a", "https://example.com/a", "https://example.com/a",
     "javascript:alert(1)", "url"),
    ("uscc", {}, "91350100m000100y43", "91350100M000100Y43", "91350100M000100Y43", "91350100M000100Y44",
     "uscc_check_character"),
    ("id_card", {}, "11010519491231002x", "11010519491231002X", "11010519491231002X", "110105194912310021",
     "id_card"),
    ("bank_account", {"card": True}, "6222 0200 0000 0000 000", "6222020000000000000", "6222020000000000000",
     "6222020000000000009", "bank_card_check"),
    ("barcode", {"symbology": "ean13"}, "4006381333931", "4006381333931", "4006381333931", "4006381333932",
     "barcode"),
    ("attachment", {}, [FILE], [FILE], "执照.png", [{**FILE, "size_bytes": 10**9}], "file_size"),
    ("image", {}, [FILE], [FILE], "执照.png", [{**FILE, "content_type": "text/html"}], "file_kind"),
    ("signature", {}, FILE, FILE, "执照.png", [FILE], "not_a_file"),
    ("user", {}, "wang", "wang", "wang", "a b", "not_a_key"),
    ("user", {"multiple": True}, ["wang", "li"], ["wang", "li"], "wang、li", "wang", "not_a_list"),
    ("department", {}, "sales-1", "sales-1", "sales-1", 5, "not_a_key"),
    ("role", {}, "cfo", "cfo", "cfo", {}, "not_a_key"),
    ("relation", {"form": "customer"}, ID, ID, ID, "1", "not_an_id"),
    ("relations", {"form": "customer"}, [ID, ID], [ID], ID, ["x"], "not_an_id"),
    ("tags", {}, ["重点", "重点", "华东"], ["重点", "华东"], "重点、华东", [""], "blank"),
    ("colour", {}, "#ff00aa", "#FF00AA", "#FF00AA", "red", "colour"),
    ("location", {}, {"longitude": "119.30", "latitude": "26.08", "address": "福州"},
     {"longitude": "119.30", "latitude": "26.08", "address": "福州"}, "119.30,26.08 福州",
     {"longitude": "200", "latitude": "0"}, "location"),
    ("json", {"bytes_max": 20}, {"a": [1, None]}, {"a": [1, None]}, '{"a":[1,null]}', {"a": "x" * 30},
     "json_too_large"),
    ("sub_table", {"fields": [AMOUNT_COLUMN]}, [{"金额": "1.00"}], [{"金额": "1.00"}], '[{"金额":"1.00"}]',
     [{"数量": 1}], "unknown_field"),
]  # fmt: skip
COMPUTED = {"formula": {"formula": "1"}, "auto_number": {}}
COMPUTED["lookup"] = {"relation": "r", "field": "name"}
COMPUTED["rollup"] = {"form": "visit", "relation": "r", "aggregate": "count"}
LAYOUT = {
    "group": {"children": ["r"]},
    "tabs": {"tabs": [{"label": {"zh": "一"}, "children": ["r"]}]},
    "columns": {"columns": [["r"], []]},
    "divider": {},
    "note": {"text": "请如实填写"},
}


def form_of(kind: str, settings: Any, **more: Any) -> Any:
    relation = {"key": "r", "label": {"zh": "关联"}, "type": "relation", "form": "customer"}
    field = {"key": "x", "label": {"zh": "字段"}, "type": kind, **settings, **more}
    return compile_form({"key": "f", "title": {"zh": "表单"}, "fields": [field, relation]}, 1)


def test_there_are_more_than_forty_types_and_every_one_of_them_is_tried() -> None:
    assert len(TYPES) >= 45
    assert set(TYPES) == {case[0] for case in CASES} | set(COMPUTED) | set(LAYOUT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_type_takes_its_values_and_names_what_it_refuses(case: Any) -> None:
    kind, settings, value, stored, _, wrong, code = case
    form = form_of(kind, settings)
    assert load_values(form, {"x": value}) == {"x": stored}
    assert load_values(form, {"x": stored}) == {"x": stored}, "what was read can be written again"
    faults = settle_values(form, {"x": wrong}).faults
    assert [one.code for one in faults] == [code]
    assert faults[0].path.startswith("x")
    assert faults[0].zh
    assert faults[0].en.isascii()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_what_an_export_writes_an_import_reads(case: Any) -> None:
    kind, settings, _, stored, text, _, _ = case
    form = form_of(kind, settings)
    field, known = form.definition.fields[0], TYPES[kind]
    assert known.to_text(stored, field) == text
    assert known.to_text(None, field) == ""
    if known.family != "file" and kind != "rich_text":
        assert known.load(known.from_text(text, field), field) == stored


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_type_says_how_it_is_stored_searched_masked_and_computed_with(kind: str) -> None:
    known = TYPES[kind]
    settings = next((case[1] for case in CASES if case[0] == kind), None)
    form = form_of(kind, settings if settings is not None else (COMPUTED | LAYOUT)[kind])
    field = form.definition.fields[0]
    assert known.zh
    assert known.en.isascii()
    assert known.stores in OPERATORS or known.operators
    assert known.mask in field_rights.MASKS
    assert declared(known.expression_type(field))
    if known.has_value and settings is not None:
        stored = next(case[3] for case in CASES if case[0] == kind)
        expressions.from_json(stored, declared(known.expression_type(field)), "x")


@pytest.mark.parametrize(("kind", "settings"), [*COMPUTED.items(), *LAYOUT.items()])
def test_nobody_writes_what_is_computed_or_has_no_value(kind: str, settings: Any) -> None:
    codes = [one.code for one in settle_values(form_of(kind, settings), {"x": "1"}).faults]
    assert codes == ["no_value" if kind in LAYOUT else "computed"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_setting_that_a_type_does_not_have_is_refused_by_name(case: Any) -> None:
    with pytest.raises(Exception, match=r"fields\.0\.wheels"):
        form_of(case[0], {**case[1], "wheels": 4})
