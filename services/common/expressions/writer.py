"""Tree to text: what a person can read, and `parse` reads back to the same tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from services.common.expressions import parser
from services.common.expressions.problems import ExpressionError, refuse
from services.common.expressions.trees import COMPARISONS, NAMED_OPERATORS, Tree, position, walk

_OR, _AND, _NOT, _COMPARE, _JOIN, _SUM, _PRODUCT, _POWER, _UNARY, _POSTFIX, _ATOM = range(1, 12)
_BINDING = {
    "or": _OR,
    "and": _AND,
    "not": _NOT,
    **dict.fromkeys(COMPARISONS | {"in"}, _COMPARE),
    "&": _JOIN,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "^": _POWER,
    "negative": _UNARY,
    "percent": _POSTFIX,
}
_GROUPED = frozenset({"and", "or", "&"})
_FUNCTION_OF = {operator: name for name, operator in NAMED_OPERATORS.items()}
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_CALLED = re.compile(r"[A-Z][A-Z0-9_]*")


def to_text(tree: Tree, names: Mapping[str, str] | None = None) -> str:
    """The text of a tree; `names` puts other words for fields (their labels, by key).

    `ExpressionError` for a tree that no text says, as one with a name that brackets cannot hold.
    """
    for _ in walk(tree):
        continue
    return _Writer(names or {}).write(tree, 0)


class _Writer:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def write(self, tree: Tree, outer: int) -> str:
        if "field" in tree:
            return self._field(tree)
        if "value" in tree:
            text, binding = _literal(tree)
        else:
            text, binding = self._operator(tree)
        return f"({text})" if binding < outer else text

    def _field(self, tree: Tree) -> str:
        path = tree["field"]
        name = self.names.get(path, path)
        return ".".join(_name(part, position(tree)) for part in name.split("."))

    def _operator(self, tree: Tree) -> tuple[str, int]:
        operator, arguments = tree["op"], tree["args"]
        if operator == "list":
            return self._list(arguments), _ATOM
        binding = _BINDING.get(operator)
        if binding is None or (operator in _GROUPED and len(arguments) < 2):
            return self._call(tree), _ATOM
        prefix_or_infix: Callable[[str, list[Tree], int], str] = self._infix
        if binding in (_NOT, _UNARY, _POSTFIX):
            prefix_or_infix = self._one_sided
        return prefix_or_infix(operator, arguments, binding), binding

    def _call(self, tree: Tree) -> str:
        name: str = _FUNCTION_OF.get(tree["op"]) or tree["op"]
        if not _CALLED.fullmatch(name):
            raise refuse(
                position(tree), "malformed", f"没有这样的运算: {name[:40]}", "使用表达式语言中的运算或函数"
            )
        return f"{name}({self._arguments(tree['args'])})"

    def _arguments(self, arguments: list[Tree]) -> str:
        return ", ".join(self.write(argument, 0) for argument in arguments)

    def _list(self, arguments: list[Tree]) -> str:
        written = self._arguments(arguments)
        # Brackets around a single name are that field, so a list of one expression is called by its name.
        plain = len(arguments) != 1 or "value" in arguments[0]
        return f"[{written}]" if plain else f"LIST({written})"

    def _one_sided(self, operator: str, arguments: list[Tree], binding: int) -> str:
        if len(arguments) != 1:
            raise refuse(position(arguments), "malformed", f"{operator} 只有一个运算对象", "检查树的结构")
        (inner,) = arguments
        if operator == "not":
            return f"not {self.write(inner, binding)}"
        if operator == "percent":
            return f"{self.write(inner, binding)}%"
        # Without brackets `-5` would be read as the number -5.
        return f"-({inner['value']})" if inner.get("type") == "number" else f"-{self.write(inner, binding)}"

    def _infix(self, operator: str, arguments: list[Tree], binding: int) -> str:
        if operator not in _GROUPED and len(arguments) != 2:
            raise refuse(position(arguments), "malformed", f"{operator} 有两个运算对象", "检查树的结构")
        first, *rest = arguments
        left_to_right = binding in (_SUM, _PRODUCT, _POWER)
        left = self.write(first, binding if left_to_right else binding + 1)
        return left + "".join(f" {operator} {self.write(argument, binding + 1)}" for argument in rest)


def _literal(tree: Tree) -> tuple[str, int]:
    value, kind = tree["value"], tree["type"]
    if value is None:
        return "null", _ATOM
    if isinstance(value, bool):
        return ("true" if value else "false"), _ATOM
    if not isinstance(value, str):
        raise refuse(position(tree), "malformed", "常量的值应为文本", "数字和日期在树中写作文本")
    if kind == "text":
        return '"' + value.replace('"', '""') + '"', _ATOM
    if kind in ("date", "datetime"):
        return f"#{value}#", _ATOM
    return value, _UNARY if value.startswith("-") else _ATOM


@lru_cache(maxsize=4096)
def _name(part: str, place: int) -> str:
    """One name as text: bare where it reads as a name, else in brackets."""
    for written in (part, f"[{part}]"):
        if part.lower() in _KEYWORDS and written == part:
            continue
        try:
            if parser.parse(written) == {"field": part, "at": 0}:
                return written
        except ExpressionError:
            continue
    raise refuse(
        place, "unwritable_name", f"名称不能写入表达式: {part[:40]}", "名称不能含有方括号、引号、逗号或点"
    )
