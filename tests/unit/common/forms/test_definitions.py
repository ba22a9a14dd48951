"""Form definitions, and the checks made from them."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.errors import Invalid, PayloadTooLarge
from services.common.forms import Form, compile_form, load_values, read_definition

FORM: dict[str, Any] = {
    "key": "customer",
    "title": {"zh": "客户"},
    "fields": [
        {"key": "名称", "label": {"zh": "名称"}, "type": "text", "required": True, "max_length": 5},
        {"key": "count", "label": {"zh": "数量"}, "type": "number"},
        {"key": "capital", "label": {"zh": "资本"}, "type": "money", "currency": "JPY"},
        {"key": "day", "label": {"zh": "日期"}, "type": "date"},
        {"key": "kind", "label": {"zh": "类别"}, "type": "select",
         "options": [{"value": "a", "label": {"zh": "甲"}}]},
        {"key": "listed", "label": {"zh": "上市"}, "type": "bool"},
        {"key": "phone", "label": {"zh": "电话"}, "type": "phone"},
        {"key": "email", "label": {"zh": "邮箱"}, "type": "email"},
        {"key": "fields", "label": {"zh": "信用代码"}, "type": "uscc"},
    ],
}  # fmt: skip
GOOD: dict[str, Any] = {
    "名称": "甲", "count": "1.50", "capital": "-100", "day": "2028-02-29", "kind": "a", "listed": False,
    "phone": "+86 (591) 8888-0000", "email": "a@example.com", "fields": "91350100m000100y43",
}  # fmt: skip


@pytest.fixture
def form() -> Form:
    return compile_form(FORM, 1)


def faults(form: Form, received: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        load_values(form, received, **options)
    return {error["field"]: error["code"] for error in refused.value.errors}


def test_good_values_become_plain_json(form: Form) -> None:
    assert load_values(form, GOOD) == {**GOOD, "fields": "91350100M000100Y43"}


def test_every_wrong_value_is_named_with_its_field(form: Form) -> None:
    wrong = {
        "名称": "六个字的名称", "count": "x", "capital": "1.5", "day": "2027-02-29", "kind": "b",
        "listed": "是", "phone": "call me", "email": "x@", "fields": "1", "colour": "red",
    }  # fmt: skip
    assert faults(form, wrong) == {
        "fields.名称": "too_long", "fields.count": "not_a_number", "fields.capital": "amount_too_precise",
        "fields.day": "date_unknown", "fields.kind": "not_a_choice", "fields.listed": "not_a_flag",
        "fields.phone": "phone", "fields.email": "email", "fields.fields": "uscc_length",
        "fields.colour": "unknown_field",
    }  # fmt: skip


def test_the_text_of_a_refusal_speaks_of_labels(form: Form) -> None:
    with pytest.raises(Invalid, match="名称 必填"):
        load_values(form, {})


@pytest.mark.parametrize("received", [None, [], "x", 5])
def test_values_that_are_no_object_are_refused(form: Form, received: object) -> None:
    assert faults(form, received) == {"fields": "not_an_object"}


def test_a_part_of_the_values_may_be_changed_but_no_required_one_emptied(form: Form) -> None:
    before = {"名称": "甲", "count": "1"}
    assert load_values(form, {"count": None}, before) == {"名称": "甲"}
    assert faults(form, {"名称": None}, before=before) == {"fields.名称": "null"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "1a"}, "fields.0.key"),
        ({"key": "a b"}, "fields.0.key"),
        ({"key": "_a"}, "fields.0.key"),
        ({"type": "hologram"}, "fields.0.type"),
        ({"type": "select", "max_length": 5}, "fields.0.max_length"),
        ({"options": [{"value": "a", "label": {"zh": "甲"}}]}, "fields.0.options"),
        ({"label": {}}, "fields.0.label.zh"),
        ({"key": "count"}, "fields.1.key"),
        ({"size": 1}, "fields.0.size"),
    ],
)
def test_a_faulty_definition_is_refused_at_its_place(change: dict[str, Any], field: str) -> None:
    first, *others = FORM["fields"]
    with pytest.raises(Invalid) as refused:
        read_definition({**FORM, "fields": [{**first, **change}, *others]}, 1)
    assert field in [error["field"] for error in refused.value.errors]


def number_fields(count: int) -> list[dict[str, Any]]:
    return [{"key": f"f{place}", "label": {"zh": f"字段{place}"}, "type": "number"} for place in range(count)]


def formula(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": "formula", "formula": text}


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ([formula("a", "b + 1"), formula("b", "a + 1")], "fields.0.formula", "cycle"),
        ([formula("a", "没有 + 1")], "fields.0.formula", "unknown_field"),
        ([formula("a", "1 +")], "fields.0.formula", "syntax"),
        ([formula("a", '"文本"')], "fields.0.formula", "wrong_type"),
        (number_fields(1_000), "fields", "too_many_fields"),
        ([*number_fields(2), *number_fields(1)], "fields.2.key", "key_twice"),
        ([{"key": "t", "label": {"zh": "t"}, "type": "text", "pattern": {"regex": "("}}],
         "fields.0.pattern.regex", "pattern_invalid"),
        ([{"key": "t", "label": {"zh": "t"}, "type": "text", "default": 5}],
         "fields.0.default", "default_invalid"),
        ([{"key": "t", "label": {"zh": "t"}, "type": "number", "minimum": 2, "maximum": 1}],
         "fields.0.minimum", "range_empty"),
        ([{"key": "g", "label": {"zh": "g"}, "type": "group", "children": ["x"]}],
         "fields.0.children", "field_missing"),
        ([{"key": "l", "label": {"zh": "l"}, "type": "lookup", "relation": "r", "field": "name"}],
         "fields.0.relation", "field_missing"),
        ([{"key": "s", "label": {"zh": "s"}, "type": "sub_table", "fields": [
            {"key": "s", "label": {"zh": "s"}, "type": "sub_table", "fields": number_fields(1)}]}],
         "fields.0.fields.0.type", "nested"),
        ([{"key": "s", "label": {"zh": "s"}, "type": "sub_table", "fields": [
            *number_fields(1), formula("x", "f0 + y")]}],
         "fields.0.fields.1.formula", "unknown_field"),
        ([{"key": "j", "label": {"zh": "j"}, "type": "json", "searchable": True}],
         "fields.0.searchable", "not_searchable"),
        ("text", "fields", "not_a_list"),
        ([5], "fields.0", "not_an_object"),
    ],
)  # fmt: skip
def test_what_no_form_can_be_is_told_with_its_place(fields: Any, place: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_form({"key": "visit", "title": {"zh": "拜访"}, "fields": fields}, 1)
    first = refused.value.errors[0]
    assert (first["field"], first["code"]) == (place, code)
    assert first["message"]
    assert first["message_en"].isascii()


def test_a_definition_of_many_megabytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge) as refused:
        compile_form({"key": "v", "title": {"zh": "v"}, "fields": [], "extra": "x" * 9_000_000}, 1)
    assert refused.value.code == "definition_too_large"


def test_a_definition_is_compiled_once() -> None:
    assert compile_form(FORM, 1) is compile_form({**FORM}, 1)
    assert compile_form(FORM, 2) is not compile_form(FORM, 1)
