"""The tree of an expression: plain JSON, the same from a text and from a visual builder.

A node is one of
- `{"op": name, "args": [node, ...]}`: an operator (`OPERATORS`) or a function (in capitals),
- `{"field": "明细.金额"}`: a field, or a column of a record or sub-table,
- `{"value": ..., "type": ...}`: a literal; numbers, dates and instants as text, so that nothing is rounded.

A node that was parsed also carries `at`, its offset in the text. The condition of a visual builder is such a
tree: `group("and", [row({"field": "amount"}, ">", number("5")), ...])`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from services.common.expressions.problems import DEPTH_MAX, TOKENS_MAX, refuse

Tree = dict[str, Any]

COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "^"})
GROUPS = frozenset({"and", "or"})
# Operators that have a name in text take the place of the functions of that name: one tree for both.
NAMED_OPERATORS = {"AND": "and", "OR": "or", "NOT": "not", "LIST": "list"}
OPERATORS = COMPARISONS | ARITHMETIC | GROUPS | {"&", "in", "not", "negative", "percent", "list"}


def node(operator: str, arguments: Sequence[Tree], at: int | None = None) -> Tree:
    """An operator or a function over its arguments."""
    made: Tree = {"op": operator, "args": list(arguments)}
    return made if at is None else {**made, "at": at}


def literal(value: Any, type_name: str, at: int | None = None) -> Tree:
    """A literal; `value` as JSON: numbers, dates and instants as text."""
    made: Tree = {"value": value, "type": type_name}
    return made if at is None else {**made, "at": at}


def field(path: str, at: int | None = None) -> Tree:
    """A field, or a column of a record or sub-table (`明细.金额`)."""
    made: Tree = {"field": path}
    return made if at is None else {**made, "at": at}


def number(value: Decimal | int | str) -> Tree:
    """A number as a literal."""
    return literal(f"{Decimal(value):f}", "number")


def text(value: str) -> Tree:
    """A text as a literal."""
    return literal(value, "text")


def row(subject: Tree, operator: str, value: Tree) -> Tree:
    """A row of a condition builder: a field, an operator or a yes-or-no function, and a value."""
    return node(operator, [subject, value])


def group(word: str, conditions: Sequence[Tree]) -> Tree:
    """A group of a condition builder: all (`and`) or any (`or`) of at least one condition."""
    return node(word, conditions)


def position(tree: Any) -> int:
    """Where a node stands in its text; 0 for one that was never text."""
    at = tree.get("at") if isinstance(tree, dict) else None
    return at if isinstance(at, int) and not isinstance(at, bool) else 0


def without_positions(tree: Tree) -> Tree:
    """The tree alone, to compare what two texts say."""
    kept = {name: value for name, value in tree.items() if name != "at"}
    if "args" in kept:
        kept["args"] = [without_positions(argument) for argument in kept["args"]]
    return kept


def is_row(tree: Tree) -> bool:
    """Whether a builder shows this node as one row: a field beside something constant."""
    arguments = tree.get("args")
    if not arguments or "field" not in arguments[0]:
        return False
    return all(_is_constant(argument) for argument in arguments[1:])


def is_condition(tree: Tree) -> bool:
    """Whether a builder can show this tree: groups of `and` and `or`, `not`, and rows."""
    if tree.get("op") in GROUPS or tree.get("op") == "not":
        return all(is_condition(argument) for argument in tree["args"])
    return is_row(tree)


def _is_constant(tree: Tree) -> bool:
    if "args" in tree:
        return tree["op"] in ("list", "percent", "negative") and all(map(_is_constant, tree["args"]))
    return "value" in tree


def walk(tree: Any) -> Iterator[Tree]:
    """Every node of a tree from anywhere, outermost first; `ExpressionError` for what is no tree of ours.

    Bounded by depth and number of nodes, so that whoever walks first may recurse afterwards.
    """
    todo: list[tuple[Any, int]] = [(tree, 1)]
    count = 0
    while todo:
        current, depth = todo.pop()
        count += 1
        if depth > DEPTH_MAX:
            raise refuse(
                position(current), "too_deep", f"表达式嵌套最多 {DEPTH_MAX} 层", "拆成几个字段来计算"
            )
        if count > TOKENS_MAX:
            raise refuse(
                position(current), "too_large", f"表达式最多 {TOKENS_MAX} 个部分", "拆成几个字段来计算"
            )
        arguments = _arguments_of(current)
        yield current
        todo += [(argument, depth + 1) for argument in reversed(arguments)]


def _arguments_of(current: Any) -> list[Any]:
    if isinstance(current, dict):
        kinds = [kind for kind in ("op", "field", "value") if kind in current]
        if kinds == ["op"] and isinstance(current["op"], str) and isinstance(current.get("args"), list):
            return list(current["args"])
        if kinds == ["field"] and isinstance(current["field"], str):
            return []
        if kinds == ["value"] and isinstance(current.get("type"), str):
            return []
    raise refuse(position(current), "malformed", "表达式结构不正确", "每个节点应为 op、field 或 value 之一")
