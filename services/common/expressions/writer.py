"""Tree to text: what a person can read and `parse` reads back to the same tree."""

from __future__ import annotations

from services.common.expressions.parser import Tree

_BINDING = {"or": 1, "and": 2, "not": 3, "in": 4, "&": 5, "+": 6, "-": 6, "*": 7, "/": 7, "negative": 8}
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_TIGHTEST = 9


def to_text(tree: Tree) -> str:
    """The text of a tree."""
    return _write(tree, 0)


def _write(tree: Tree, outer: int) -> str:
    if "field" in tree:
        return str(tree["field"])
    if "value" in tree:
        return _literal(tree)
    operator, arguments = tree["op"], tree["args"]
    if operator == "list":
        return "[" + ", ".join(_write(argument, 0) for argument in arguments) + "]"
    binding = 4 if operator in _COMPARISONS else _BINDING.get(operator)
    if operator == "percent":
        return _write(arguments[0], _TIGHTEST) + "%"
    if binding is None:
        return f"{operator}({', '.join(_write(argument, 0) for argument in arguments)})"
    text = _infix(operator, arguments, binding)
    return f"({text})" if binding < outer else text


def _infix(operator: str, arguments: list[Tree], binding: int) -> str:
    if operator == "not":
        return f"not {_write(arguments[0], binding)}"
    if operator == "negative":
        return f"-{_write(arguments[0], binding)}"
    first, *rest = arguments
    left = _write(first, binding if operator in "+-*/" else binding + 1)
    return left + "".join(f" {operator} {_write(argument, binding + 1)}" for argument in rest)


def _literal(tree: Tree) -> str:
    value = tree["value"]
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if tree["type"] == "text":
        return '"' + str(value).replace('"', '""') + '"'
    return str(value)
