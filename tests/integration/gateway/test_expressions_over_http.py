"""`POST /expressions:check` and `:evaluate`: trees, values, mistakes with their places, and hostile input."""

from __future__ import annotations

import os
import time
from typing import Any

import psutil
import pytest

from tests.integration.gateway.conftest import Api

FIELDS = {
    "年销售额": "number",
    "明细": {"金额": "number"},
    "客户": {"名称": "text"},
    "due": "date",
    "at": "datetime",
}
RECORD = {
    "年销售额": "6000000",
    "明细": [{"金额": "1.10"}, {"金额": 2}],
    "客户": {"名称": "恒信"},
    "due": "2026-01-31",
    "at": "2026-01-31T00:00:00Z",
}
FORMULA = "IF(年销售额 * 0.1 > 500000, 500000, 年销售额 * 0.1)"
# A request costs more than its expression: authentication, reading and writing JSON.
MILLISECONDS_MAX = 500
BYTES_MAX = 50 * 1024 * 1024


def test_a_checked_expression_answers_its_type_its_tree_and_what_it_reads(admin: Api) -> None:
    answer = admin.json("POST", "/expressions:check", json={"text": FORMULA, "fields": FIELDS})
    assert (answer["type"], answer["reads"]) == ("number", ["年销售额"])
    assert answer["tree"]["op"] == "IF"
    comparison = answer["tree"]["args"][0]
    assert comparison["op"] == ">"
    assert comparison["args"][1] == {"value": "500000", "type": "number", "at": 16}
    listed = admin.json("POST", "/expressions:check", json={"text": "SUM(明细.金额)", "fields": FIELDS})
    assert (listed["type"], listed["reads"]) == ("number", ["明细.金额"])


@pytest.mark.parametrize(
    ("text", "value", "type_name"),
    [
        (FORMULA, "500000", "number"),
        ("SUM(明细.金额)", "3.1", "number"),
        ("0.1 + 0.2", "0.3", "number"),
        ("年销售额 / 0", None, "null"),
        ('客户.名称 = "恒信" and due < "2026-02-01"', True, "bool"),
        ('客户.名称 & "!"', "恒信!", "text"),
        ("due + 1", "2026-02-01", "date"),
        ("at", "2026-01-31T00:00:00Z", "datetime"),
        ("FILTER(明细.金额, 明细.金额 > 1.5)", ["2"], "list"),
        ("FIRST(明细)", {"金额": "1.1"}, "record"),
        ("TODAY() > due and NOW() > at", True, "bool"),
        ("9^9^9^9", None, "null"),
    ],
)
def test_an_expression_is_evaluated_over_a_record(admin: Api, text: str, value: Any, type_name: str) -> None:
    received = {"text": text, "fields": FIELDS, "record": RECORD}
    assert admin.json("POST", "/expressions:evaluate", json=received) == {"value": value, "type": type_name}


def test_every_mistake_is_answered_with_its_place(admin: Api) -> None:
    text = '年消售额 > "x" and FOO(1) and DATE(2026, 2, 30) > due'
    for door in ("check", "evaluate"):
        problem = admin.refused("POST", f"/expressions:{door}", 422, json={"text": text, "fields": FIELDS})
        found = [(error["position"], error["code"]) for error in problem["errors"]]
        assert found == [(0, "unknown_field"), (15, "unknown_function"), (31, "invalid_date")]
        assert problem["errors"][0]["suggestion"] == "年销售额"
        assert all(error["message"] and error["suggestion"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("received", "field", "code"),
    [
        ({"text": "1", "fields": {"a": "money!"}}, "fields", "bad_type"),
        ({"text": "1", "fields": {"a": 3}}, "fields", "bad_type"),
        ({"text": "a", "fields": {"a": "number"}, "record": {"a": "many"}}, "record", "wrong_value"),
        ({"text": "a", "fields": {"a": "number"}, "record": {"a": [1]}}, "record", "wrong_value"),
        ({"text": "a", "fields": {"a": "date"}, "record": {"a": "2026-02-30"}}, "record", "wrong_value"),
        ({"text": "a", "fields": {"a": "number"}, "record": {"a": "1" * 31}}, "record", "wrong_value"),
        (
            {"text": "COUNT(a)", "fields": {"a": ["number"]}, "record": {"a": [1] * 20_000}},
            "record",
            "list_too_large",
        ),
        ({"text": 'LOOKUP("a", "b", 1, "c")'}, "text", "no_lookup"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_refused_by_name(
    admin: Api, received: dict[str, Any], field: str, code: str
) -> None:
    problem = admin.refused("POST", "/expressions:evaluate", 422, json=received)
    assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == (field, code)


def test_it_takes_somebody_who_is_signed_in(api: Api) -> None:
    api.refused("POST", "/expressions:check", 401, json={"text": "1"})


HOSTILE = [
    {"text": "(" * 10_000 + "1" + ")" * 10_000},
    {"text": "1+" * 500_000 + "1"},
    {"text": "9^9^9^9"},
    {"text": "POWER(" * 50 + "9" + ", 9999)" * 50},
    {"text": 'REGEXMATCH("' + "a" * 9_000 + '!", "^(a+)+$")'},
    {"text": 'REGEXMATCH("a", "((a{100}){100}){100}")'},
    {"text": "1" + "+1" * 99},
    {
        "text": "COUNT(SPLIT(a, b))",
        "fields": {"a": "text", "b": "text"},
        "record": {"a": "x," * 50_000, "b": ","},
    },
    {"text": "+".join(["SUM(a)"] * 90), "fields": {"a": ["number"]}, "record": {"a": [1] * 10_000}},
    {
        "text": "ANY(a, ANY(a, ANY(a, 1 = 2)))",
        "fields": {"a": ["number"]},
        "record": {"a": [1] * 10_000},
    },
    {"text": "a", "fields": {f"f{number}": "number" for number in range(5_000)}},
    {"text": "a & a & a & a", "fields": {"a": "text"}, "record": {"a": "x" * 90_000}},
]


@pytest.mark.parametrize("received", HOSTILE, ids=lambda received: received["text"][:30])
def test_hostile_input_is_refused_or_bounded(admin: Api, received: dict[str, Any]) -> None:
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    began = time.perf_counter()
    response = admin.send("POST", "/api/v1/expressions:evaluate", json=received)
    elapsed = time.perf_counter() - began
    assert response.status_code in (200, 422), response.text
    assert elapsed * 1_000 < MILLISECONDS_MAX
    to_check = {name: value for name, value in received.items() if name != "record"}
    assert admin.send("POST", "/api/v1/expressions:check", json=to_check).status_code in (200, 422)
    assert process.memory_info().rss - before < BYTES_MAX
