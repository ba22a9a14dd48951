"""The pages on the language: up to date, complete, and every example gives what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from credit.expression_reference import DOCS, NOT_IN_SQL, PAGES, page
from services.common.expressions import Calendar, World, check, evaluate, parse, to_text
from services.common.expressions.functions import FUNCTIONS, Function
from services.common.expressions.sql.compiler import COMPILED

FIELDS = {"明细": [{"金额": "number", "类别": "text"}]}
RECORD = {
    "明细": [
        {"金额": Decimal(amount), "类别": category} for amount, category in ((10, "A"), (20, "B"), (30, "A"))
    ]
}
WORLD = World(
    now=datetime(2026, 3, 15, 2, 30, tzinfo=UTC),
    calendar=Calendar(frozenset({date(2026, 2, 16)}), frozenset({date(2026, 2, 14)})),
    lookup=lambda form, column, value, wanted: {"客户编码C1等级": "A"}.get(f"{form}{column}{value}{wanted}"),
)
FUNCTIONS_USUAL = 70


@pytest.mark.parametrize("language", PAGES)
def test_the_page_is_what_the_table_says(language: str) -> None:
    written = (DOCS / PAGES[language]).read_text(encoding="utf-8")
    assert written == page(language), "run `make reference`"
    assert all(f"`{function.signature}`" in written for function in FUNCTIONS.values())


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_every_example_gives_what_the_page_says(function: Function) -> None:
    example, result = check(parse(function.example), FIELDS), check(parse(function.result), {})
    assert function.name in to_text(parse(function.example)).upper()
    assert evaluate(example.tree, RECORD, WORLD) == evaluate(result.tree, {})
    assert function.zh.endswith("。")
    assert function.en.endswith(".")


def test_the_page_says_which_functions_have_no_sql() -> None:
    assert set(FUNCTIONS) - COMPILED == set(NOT_IN_SQL)
    assert len(FUNCTIONS) >= FUNCTIONS_USUAL
