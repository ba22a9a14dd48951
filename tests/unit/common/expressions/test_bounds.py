"""Evaluation is bounded: whatever is asked, within 50 ms and 50 MB there is an answer or a refusal."""

from __future__ import annotations

import time
import tracemalloc
from datetime import date
from typing import Any

import pytest

from services.common.expressions import ExpressionError, World, check, compile_tree, parse, record_from_json
from services.common.expressions.catalogue import Fields
from tests.support.pace import slowness

_TRIES = 3
MILLISECONDS_MAX = 50
BYTES_MAX = 50 * 1024 * 1024
FIELDS = Fields({"a": ["number"], "t": "text", "s": "text", "rows": [{"x": "number"}], "d": "date"})
RECORD = record_from_json(
    {
        "a": ["1"] * 10_000,
        "t": "x," * 50_000,
        "s": "a" * 90_000,
        "rows": [{"x": number} for number in range(10_000)],
        "d": "2026-01-31",
    },
    FIELDS,
)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("9^9^9^9", None),
        ("POWER(" * 50 + "9" + ", 9999)" * 50, None),
        ("2^9999", None),
        ("1.00000000000000000001^10000", "a number"),
        ('REGEXMATCH(s & "!", "^(a+)+$")', False),
        (" or ".join(['REGEXMATCH(s & "!", "^(a+)+$")'] * 40), False),
        (" or ".join(['REGEXMATCH(s & "!", "^(a+)+$")'] * 90), "too_many_steps"),
        ("COUNT(SPLIT(t, s))", "a number"),
        ('SPLIT(t, ",")', None),
        ("+".join(["SUM(a)"] * 90), "too_many_steps"),
        ("ANY(a, ANY(rows, rows.x = 0 - a))", "too_many_steps"),
        ("SUM(MAP(rows, SUM(MAP(a, a * 2))))", "too_many_steps"),
        ("s & s", None),
        ('REPLACE(s, "a", s)', None),
        ("COUNT(UNIQUE(rows.x))", "a number"),
        ("d + 999999999", None),
        ("WORKDAY(d, 9999)", "a date"),
        (" & ".join(["WORKDAY(d, 9999)"] * 60), "too_many_steps"),
        ("NETWORKDAYS(#0001-01-01#, #9999-12-31#)", "a number"),
        ('TEXT(10^29, "0.' + "0" * 20 + '")', "a text"),
        ("RMB(10^29)", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_work_is_bounded(text: str, outcome: Any) -> None:
    compiled = compile_tree(check(parse(text), FIELDS).tree)
    found = _outcome(compiled)
    assert min(_milliseconds(compiled) for _ in range(_TRIES)) < MILLISECONDS_MAX * slowness()
    tracemalloc.start()
    assert _outcome(compiled) == found
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BYTES_MAX
    if isinstance(outcome, str) and outcome.startswith("a "):
        assert found not in (None, "too_many_steps")
    else:
        assert found == outcome


def _milliseconds(compiled: Any) -> float:
    """What one evaluation costs the processor."""
    began = time.process_time()
    _outcome(compiled)
    return (time.process_time() - began) * 1_000


def _outcome(compiled: Any) -> Any:
    try:
        return compiled(RECORD, World(today=date(2026, 3, 15)))
    except ExpressionError as refusal:
        return refusal.errors[0]["code"]


@pytest.mark.parametrize("text", ["TODAY()", "NOW()", 'LOOKUP("a", "b", 1, "c")'])
def test_what_the_world_lacks_is_an_error_of_the_language(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_tree(check(parse(text), FIELDS).tree)({})


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("SUM(a)", {"a": [object()]}),
        ("t & s", {"t": 1.5, "s": "x"}),
        ("LEN(t)", {"t": 3}),
        ("d + 1", {"d": "2026-01-31"}),
        ("d > #2026-01-01#", {"d": "2026-01-31"}),
        ("SUM(a)", {"a": ["x"]}),
        ("SUMIF(rows.x, rows.x > 1)", {"rows": [{"x": "y"}]}),
        ("UNIQUE(a)", {"a": [{}]}),
        ("SUM(a)", {"a": [1] * 10_001}),
        ("COUNT(rows.x)", {"rows": [{}] * 10_001}),
    ],
)
def test_a_record_that_does_not_fit_is_an_error_of_the_language(text: str, record: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_tree(check(parse(text), FIELDS).tree)(record)
    assert refusal.value.errors[0]["code"] in ("wrong_value", "list_too_large")
