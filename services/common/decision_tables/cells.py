"""A cell as a condition on its column: `>= 5`, `[1..10)`, `"A", "B"`, `not("C")`, `null`, `-` for
anything.
"""

from __future__ import annotations

from services.common.expressions import Tree, trees
from services.common.expressions.parser import parse_cell


def condition(cell: str, subject: Tree) -> Tree | None:
    """The condition that a cell puts on its column; None for `-`. `ExpressionError` for what is no cell."""
    tests = parse_cell(cell)
    return None if tests is None else _any_of([_test(test, subject) for test in tests])


def _any_of(conditions: list[Tree]) -> Tree:
    return (
        conditions[0] if len(conditions) == 1 else trees.node("or", conditions, trees.position(conditions[0]))
    )


def _test(test: Tree, subject: Tree) -> Tree:
    at = trees.position(test)
    if test["op"] == "none_of":
        return trees.node("not", [_any_of([_test(inner, subject) for inner in test["args"]])], at)
    if test["op"] == "bound":
        return trees.node(test["compare"], [subject, test["args"][0]], at)
    if test["op"] == "range":
        (low, high), (low_closed, high_closed) = test["args"], test["closed"]
        from_low = trees.node(">=" if low_closed else ">", [subject, low], at)
        to_high = trees.node("<=" if high_closed else "<", [subject, high], at)
        return trees.node("and", [from_low, to_high], at)
    (value,) = test["args"]
    # Nothing equals null; in a cell it means that there is no value.
    if value.get("type") == "null":
        return trees.node("ISEMPTY", [subject], at)
    return trees.node("=", [subject, value], at)
