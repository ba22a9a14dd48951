"""The shared vectors in Python: every operator and function, with nulls and at the edges."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.expressions import check, compile_tree, parse, to_json, to_text
from services.common.expressions.functions import FUNCTIONS
from services.common.expressions.trees import OPERATORS, walk, without_positions
from tests.support.vectors import read_vectors

VECTORS = read_vectors()
CASES = VECTORS.cases
CASES_MIN = 400


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:60])
def test_python_gives_the_value_of_a_vector(case: dict[str, Any]) -> None:
    checked = check(parse(case["text"]), VECTORS.catalogue)
    assert checked.type == case["type"]
    assert to_json(compile_tree(checked.tree)(VECTORS.record, VECTORS.world)) == case["value"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:60])
def test_the_tree_of_a_vector_is_written_and_read_again_without_loss(case: dict[str, Any]) -> None:
    tree = parse(case["text"])
    assert without_positions(parse(to_text(tree))) == without_positions(tree)
    checked = check(tree, VECTORS.catalogue).tree
    assert without_positions(parse(to_text(checked))) == without_positions(checked)


def test_the_vectors_cover_every_function_and_operator() -> None:
    assert len(CASES) >= CASES_MIN
    used = {node.get("op") for case in CASES for node in walk(parse(case["text"]))}
    assert (set(FUNCTIONS) - {"AND", "OR", "NOT"}) | OPERATORS <= used
