"""Decision tables: what they decide by each hit policy, and every mistake, gap and overlap by row and
column.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.decision_tables import Table, check_table, coverage
from services.common.decision_tables.cells import condition
from services.common.expressions import ExpressionError, check, evaluate

FIELDS = {"amount": "number", "grade": "text", "frozen": "bool", "due": "date", "items": [{"x": "number"}]}


def definition(rows: list[tuple[list[str], list[str]]], **more: Any) -> dict[str, Any]:
    return {
        "inputs": [{"expression": "amount", "title": "金额"}, {"expression": "grade", "title": "等级"}],
        "outputs": [{"key": "limit", "type": "number"}, {"key": "why", "type": "text"}],
        "rows": [{"when": when, "then": then} for when, then in rows],
        **more,
    }


def table(rows: list[tuple[list[str], list[str]]], **more: Any) -> Table:
    return check_table(definition(rows, **more), FIELDS)


def record(amount: Any, grade: str | None) -> dict[str, Any]:
    return {"amount": None if amount is None else Decimal(amount), "grade": grade}


ROWS = [
    (["[0..100)", '"A", "B"'], ["amount * 2", '"小额"']),
    ([">= 50", "-"], ["80", '"通用"']),
    (["null", 'not("A")'], ["0", "grade"]),
]


@pytest.mark.parametrize(
    ("hit", "amount", "grade", "rows", "limits"),
    [
        ("first", 60, "A", (1,), [120]),
        ("first", 60, "C", (2,), [80]),
        ("first", 100, "A", (2,), [80]),
        ("first", -1, "A", (), []),
        ("first", None, "B", (3,), [0]),
        ("collect", 60, "A", (1, 2), [120, 80]),
        ("collect", 10, "C", (), []),
        ("max", 60, "B", (1,), [120]),
        ("min", 60, "B", (2,), [80]),
        ("min", -5, "B", (), []),
    ],
)
def test_a_table_decides_by_its_hit_policy(
    hit: str, amount: Any, grade: str, rows: tuple[int, ...], limits: list[int]
) -> None:
    outcome = table(ROWS, hit=hit).decide(record(amount, grade))
    assert outcome.rows == rows
    assert [values["limit"] for values in outcome.values] == limits
    assert (outcome.value or {}).get("limit") == (limits[0] if limits else None)


@pytest.mark.parametrize(
    ("cell", "holds", "fails"),
    [
        (">= 5", ["5", "6"], ["4.99"]),
        ("[1..10)", ["1", "9.99"], ["10", "0"]),
        ("(1..10]", ["10", "1.01"], ["1"]),
        ("1, 3, > 10", ["1", "3", "11"], ["2", "10"]),
        ("not(1, [5..6])", ["2", "7"], ["1", "5", "6"]),
        ("<> 4", ["5"], ["4"]),
        ("2 * 3", ["6"], ["5"]),
        ("-5", ["-5"], ["5"]),
        ("10%", ["0.1"], ["10"]),
    ],
)
def test_a_cell_is_a_condition_on_its_column(cell: str, holds: list[str], fails: list[str]) -> None:
    tree = check(condition(cell, {"field": "amount"}), FIELDS).tree
    for amount in [*holds, *fails]:
        assert evaluate(tree, {"amount": Decimal(amount)}) is (amount in holds), amount


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (([">> 5", "-"], ["1", '"x"']), "金额", "syntax"),
        ((['"A"', "-"], ["1", '"x"']), "金额", "wrong_type"),
        ((["-", "5"], ["1", '"x"']), "等级", "wrong_type"),
        ((["-", "A"], ["1", '"x"']), "等级", "unknown_field"),
        ((["", "-"], ["1", '"x"']), "金额", "unreadable_cell"),
        ((["-", "-"], ['"x"', '"x"']), "limit", "wrong_type"),
        ((["-", "-"], ["1", "nobody"]), "why", "unknown_field"),
        ((["[1..", "-"], ["1", '"x"']), "金额", "syntax"),
        ((["> " + "9" * 31, "-"], ["1", '"x"']), "金额", "number_too_large"),
        ((["-", "-"], ["1"]), None, "malformed"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_row_and_column(
    row: tuple[list[str], list[str]], column: str | None, code: str
) -> None:
    with pytest.raises(ExpressionError) as refusal:
        table([ROWS[0], row, ([">", "-"], ["1", '"x"'])])
    found = refusal.value.errors
    assert (found[0]["row"], found[0].get("column"), found[0]["code"]) == (2, column, code)
    assert found[-1]["row"] == 3
    assert all(each["suggestion"] for each in found)


@pytest.mark.parametrize(
    "received",
    [
        None,
        {},
        definition([]),
        definition(ROWS, hit="any"),
        definition(ROWS, inputs=[{"expression": "items"}]),
        definition(ROWS, inputs=[{"expression": 3}]),
        definition(ROWS, inputs=[{"expression": "amoun"}]),
        definition(ROWS, outputs=[{"key": "a", "type": "list"}]),
        definition(ROWS, outputs=[{"key": "a", "type": "text"}, {"key": "a", "type": "text"}]),
        definition(ROWS, outputs=[{"key": "a", "type": "text"}, {"key": "b", "type": "text"}], hit="max"),
        definition(ROWS * 1_000),
        {"inputs": 5, "outputs": "x", "rows": {}},
        definition(ROWS * 600, inputs=[{"expression": "amount"}] * 20),
    ],
)
def test_a_definition_that_is_no_table_is_refused(received: Any) -> None:
    with pytest.raises(ExpressionError):
        check_table(received, FIELDS)


def test_gaps_overlaps_and_rows_that_are_never_reached_are_found() -> None:
    found = coverage(
        table(
            [
                (["< 50", '"A"'], ["1", '"x"']),
                (["[50..100]", "-"], ["2", '"x"']),
                (["[20..60)", '"A", "B"'], ["3", '"x"']),
                (["70", '"B"'], ["4", '"x"']),
                (["> amount + 1", "-"], ["5", '"x"']),
            ]
        )
    )
    assert found.gaps == [
        {"金额": "< 20", "等级": '"B", not("A", "B")'},
        {"金额": "[20..50)", "等级": 'not("A", "B")'},
        {"金额": "> 100", "等级": "-"},
    ]
    assert [overlap["rows"] for overlap in found.overlaps] == [[1, 3], [2, 3], [2, 4]]
    assert found.overlaps[0]["case"] == {"金额": "[20..50)", "等级": '"A"'}
    assert found.unreachable == [4]
    assert found.not_analysed == [5]
    assert found.complete


def test_a_table_without_gaps_has_none() -> None:
    complete = check_table(
        {
            "inputs": [{"expression": "due"}, {"expression": "frozen"}],
            "outputs": [{"key": "days", "type": "number"}],
            "rows": [
                {"when": ["< #2026-01-01#", "-"], "then": ["1"]},
                {"when": [">= #2026-01-01#", "true"], "then": ["2"]},
                {"when": ['>= "2026-01-01"', "false"], "then": ["3"]},
            ],
        },
        FIELDS,
    )
    found = coverage(complete)
    assert (found.gaps, found.overlaps, found.unreachable, found.not_analysed) == ([], [], [], [])
    assert complete.reads == ["due", "frozen"]


_cells = st.sampled_from(
    ["-", "< 3", "[1..5)", "(2..4]", "3", "1, 4", ">= 4", "not(2)", "not([1..3])", "2 * 2"]
)
_grades = st.sampled_from(["-", '"A"', '"A", "B"', 'not("A")', 'not("A", "B")'])


@given(st.lists(st.tuples(_cells, _grades), min_size=1, max_size=5))
def test_every_case_is_covered_or_in_a_gap(cells: list[tuple[str, str]]) -> None:
    made = table([([one, two], ["1", '"x"']) for one, two in cells], hit="collect")
    found = coverage(made)
    gaps = [table([([case["金额"], case["等级"]], ["1", '"x"'])]) for case in found.gaps]
    for amount in ["0", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6"]:
        for grade in ("A", "B", "C"):
            given_record = record(amount, grade)
            in_gap = any(gap.decide(given_record).rows for gap in gaps)
            rows = made.decide(given_record).rows
            assert bool(rows) is not in_gap
            pairs = {tuple(overlap["rows"]) for overlap in found.overlaps}
            assert all((one, two) in pairs for one in rows for two in rows if one < two)


def test_a_large_table_is_checked_and_analysed_in_bounded_time() -> None:
    rows = [([f"[{place}..{place + 2})", f'"{place % 7}"'], ["1", '"x"']) for place in range(400)]
    began = time.perf_counter()
    found = coverage(table(rows))
    assert time.perf_counter() - began < 5
    assert found.gaps
