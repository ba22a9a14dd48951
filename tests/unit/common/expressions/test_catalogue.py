"""Field catalogues: labels in two languages, sub-tables, other forms, and computed fields in their order."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.expressions import (
    ExpressionError,
    Field,
    Fields,
    check,
    computing_order,
    evaluate,
    labels,
    parse,
    record_from_json,
    to_json,
    to_text,
)
from services.common.expressions.types import declared

CATALOGUE = Fields(
    {
        "annual_sales": Field(
            "annual_sales", declared("money"), "年销售额", "Annual sales", "CNY", ("fields", "sales")
        ),
        "grade": Field("grade", declared("text"), "等级", "Grade"),
        "rank": Field("rank", declared("text"), "等级", "Rank"),
        "lines": Field("lines", declared([{"amount": "number"}]), "明细", "Lines"),
    },
    {"customer": {"code": "text", "limit": "number"}},
)


def errors(text: str, catalogue: Any = CATALOGUE) -> list[dict[str, Any]]:
    with pytest.raises(ExpressionError) as refusal:
        check(parse(text), catalogue)
    return refusal.value.errors


@pytest.mark.parametrize(
    "text",
    [
        "年销售额 * 0.1 + SUM(明细.amount)",
        "[Annual sales] * 0.1 + SUM(Lines.amount)",
        "annual_sales * 0.1 + SUM(lines.amount)",
    ],
)
def test_a_field_answers_to_its_key_and_to_its_labels_and_is_kept_by_its_key(text: str) -> None:
    checked = check(parse(text), CATALOGUE)
    assert checked.reads == ["annual_sales", "lines.amount"]
    assert to_text(checked.tree) == "annual_sales * 0.1 + SUM(lines.amount)"
    assert to_text(checked.tree, labels(CATALOGUE)).startswith("年销售额 * 0.1")
    assert to_text(checked.tree, labels(CATALOGUE, "en")).startswith("[Annual sales] * 0.1")


def test_a_label_of_two_fields_names_neither() -> None:
    assert errors('等级 = "A"')[0]["code"] == "unknown_field"
    assert check(parse('Rank = "A"'), CATALOGUE).reads == ["rank"]


def test_a_field_knows_where_it_is_kept() -> None:
    assert CATALOGUE.fields["annual_sales"].steps == ("fields", "sales")
    assert CATALOGUE.fields["grade"].steps == ("grade",)
    record = record_from_json({"fields": {"sales": "1.50"}, "grade": "A", "annual_sales": "9"}, CATALOGUE)
    assert (to_json(record["annual_sales"]), record["grade"]) == ("1.5", "A")
    assert record_from_json({"fields": 3}, CATALOGUE)["annual_sales"] is None


def test_other_forms_are_read_by_the_columns_that_they_have() -> None:
    assert check(parse('LOOKUP("customer", "code", grade, "limit") + 1'), CATALOGUE).type == "number"
    assert errors('LOOKUP("customer", "code", grade, "limits")')[0]["position"] == 34
    assert errors('LOOKUP("order", "code", grade, "limit")')[0]["code"] == "unknown_field"
    assert errors('LOOKUP("customer", "code", annual_sales, "limit")')[0]["code"] == "wrong_type"


@pytest.mark.parametrize(
    "declaration",
    ["money!", 3, None, [], ["text", "text"], "null", {"a": "b"}, [[[[[[[[[["text"]]]]]]]]]]],
    ids=str,
)
def test_a_type_that_is_none_is_refused(declaration: Any) -> None:
    with pytest.raises(ExpressionError) as refusal:
        Fields({"a": declaration})
    assert refusal.value.errors[0]["code"] == "bad_type"


def test_computed_fields_are_ordered_by_what_they_read() -> None:
    computed = {
        "total": parse("net + tax"),
        "tax": parse("net * 13%"),
        "net": parse("SUM(明细.净额)"),
        "明细.净额": parse("明细.金额 - 明细.折扣"),
    }
    order = computing_order(computed)
    assert sorted(order) == sorted(computed)
    assert order.index("明细.净额") < order.index("net") < order.index("tax") < order.index("total")


def test_a_cycle_between_computed_fields_is_told_with_each_place() -> None:
    computed = {"a": parse("1 + b"), "b": parse("c * 2"), "c": parse("IF(true, a, 0)"), "d": parse("a")}
    with pytest.raises(ExpressionError) as refusal:
        computing_order(computed)
    found = {error["field"]: (error["position"], error["code"]) for error in refusal.value.errors}
    assert found == {"a": (4, "cycle"), "b": (0, "cycle"), "c": (9, "cycle")}
    assert "a → b → c → a" in refusal.value.errors[0]["message"]
    with pytest.raises(ExpressionError):
        computing_order({"x": parse("x + 1")})


def test_a_record_is_read_as_its_fields_declare_it() -> None:
    catalogue = Fields(
        {"客户.额度": "number", "明细": {"金额": "number"}, "at": "datetime", "tags": ["text"]}
    )
    received = {
        "客户": {"额度": "1e3"},
        "明细": [{"金额": 0.1, "别的": 1}],
        "at": "2026-01-31T08:00:00+08:00",
        "x": 1,
    }
    record = record_from_json(received, catalogue)
    assert to_json(record) == {
        "客户.额度": "1000",
        "明细": [{"金额": "0.1"}],
        "at": "2026-01-31T00:00:00Z",
        "tags": None,
    }
    assert evaluate(check(parse("客户.额度 + SUM(明细.金额)"), catalogue).tree, record) == declared_sum()


def declared_sum() -> Any:
    return evaluate(check(parse("1000.1"), {}).tree, {})
