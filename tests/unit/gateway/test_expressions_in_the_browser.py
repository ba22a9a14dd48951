"""The browser's half of the expression language: the same vectors, the same trees, the same refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.node import WEB, Node, find_node, wheel_node
from services.common.expressions import ExpressionError, check, evaluate, parse, to_json, to_text
from tests.support.pace import slowness
from tests.support.random_expressions import expressions
from tests.support.vectors import PATH, read_vectors

RUNNER = Path(__file__).parents[2] / "web" / "run_vectors.mjs"
CPU_MILLISECONDS_MAX = 50
HOSTILE = [
    "(" * 10_000 + "1" + ")" * 10_000,
    "9^9^9^9^9^9",
    "a" * 1_000_000,
    "1+" * 500_000 + "1",
    "-" * 9_000 + "1",
    "[" * 4_000,
    'REGEXMATCH("' + "a" * 5_000 + '!", "^(a+)+$")',
    "amount >",
    "1 < 2 < 3",
    'name = "x',
    "((n)",
    "[a] [b]",
    "not",
    "n . ",
    "FOO(1)",
]


@pytest.fixture(scope="module")
def node() -> Node:
    return find_node()


@pytest.fixture(scope="module")
def built(node: Node) -> Path:
    """Where the browser's code stands, its types checked."""
    return node.compile_expressions()


def answers(node: Node, built: Path, folder: Path, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser's half says to each case."""
    vectors = {**json.loads(PATH.read_text(encoding="utf-8")), "cases": cases}
    path = folder / "vectors.json"
    path.write_text(json.dumps(vectors), encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(node.run(str(RUNNER), str(path), str(built)))
    return found


def test_the_browser_gives_the_values_of_the_vectors(node: Node, built: Path, tmp_path: Path) -> None:
    vectors = read_vectors()
    cases = []
    for case in vectors.cases:
        tree = parse(case["text"])
        cases.append({**case, "parsed": tree, "tree": check(tree, vectors.catalogue).tree})
    wrong = []
    for case, answer in zip(cases, answers(node, built, tmp_path, cases), strict=True):
        expected = {"tree": case["parsed"], "value": case["value"], "checked": case["value"]}
        if {name: answer.get(name) for name in expected} != expected:
            wrong.append((case["text"], answer, case["value"]))
    assert not wrong


def test_the_browser_bounds_hostile_expressions(node: Node, built: Path, tmp_path: Path) -> None:
    found = answers(node, built, tmp_path, [{"text": text} for text in HOSTILE])
    assert max(answer["cpu_milliseconds"] for answer in found) < CPU_MILLISECONDS_MAX * slowness()
    refused = [text[:20] for text, answer in zip(HOSTILE, found, strict=True) if "errors" not in answer]
    assert refused == ["9^9^9^9^9^9", 'REGEXMATCH("aaaaaaaa']
    assert [answer["value"] for answer in found if "value" in answer] == [None, False]


def test_the_wheel_brings_a_node_for_machines_without_one() -> None:
    found = wheel_node()
    assert int(found.run("--version").strip().removeprefix("v").split(".")[0]) >= 20
    assert found.npm_run("--version")


def test_the_lock_of_the_browsers_packages_names_no_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = [package for path, package in lock["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees=st.lists(expressions(), min_size=100, max_size=100))
def test_the_browser_agrees_with_python_on_random_expressions(
    node: Node, built: Path, tmp_path: Path, trees: list[dict[str, Any]]
) -> None:
    vectors = read_vectors()
    cases = []
    for tree in trees:
        try:
            checked = check(tree, vectors.catalogue).tree
        except ExpressionError:
            # A constant date that does not exist, which the generator may make.
            continue
        value = to_json(evaluate(checked, vectors.record, vectors.world))
        cases.append({"text": to_text(checked), "tree": checked, "expected": value})
    found = answers(node, built, tmp_path, cases)
    wrong = [
        (case["text"], answer, case["expected"])
        for case, answer in zip(cases, found, strict=True)
        if [answer.get("value"), answer.get("checked")] != [case["expected"]] * 2
    ]
    assert not wrong
