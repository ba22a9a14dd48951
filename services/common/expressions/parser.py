"""Text to tree: one grammar, bounded before it is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from services.common.expressions import trees
from services.common.expressions.problems import (
    NAME_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    TOKENS_MAX,
    ExpressionError,
    refuse,
)
from services.common.expressions.trees import Tree

_NESTING_MAX = 60
_TOKEN = re.compile(r'"[^"]*"|[^\W]+|[^\w\s]')
_BRACKET = re.compile(r'"[^"]*"|[(\[（)\]）]')
_SHOWN = 12
_SURROGATE = re.compile("[\ud800-\udfff\x00]")


def parse(text: str) -> Tree:
    """The tree of a text, see `trees`. `ExpressionError` names the place of what cannot be read."""
    tree: Tree = _parsed(text, "start")
    return tree


def parse_cell(text: str) -> list[Tree] | None:
    """The conditions of a decision table's cell, of which one must hold; None for `-`, which is anything.

    Each is `{"op": "bound" | "range" | "none_of" | "same", "args": [...]}`: `bound` with its `compare`,
    `range` with `closed` (a pair: whether the ends belong to it), `none_of` over such conditions.
    """
    found: list[Tree] | None = _parsed(text, "cell")
    return found


def _parsed(text: str, start: str) -> Any:
    _refuse_oversize(text)
    try:
        return _grammar.parse(text, start=start)
    except UnexpectedInput as problem:
        raise _syntax(text, problem) from problem
    except VisitError as problem:
        if isinstance(problem.orig_exc, ExpressionError):
            raise problem.orig_exc from problem
        raise


def _syntax(text: str, problem: UnexpectedInput) -> ExpressionError:
    token = getattr(problem, "token", None)
    at_end = token is not None and token.type == "$END"
    place = len(text) if at_end else int(problem.pos_in_stream or 0)
    near = text[place : place + _SHOWN]
    if not near:
        return refuse(place, "syntax", "表达式不完整", "补全这里缺少的值、名称或右括号")
    if near[0] == '"':
        return refuse(
            place, "syntax", f"这里无法理解: {near}", "文本应以双引号开始并以双引号结束, 前后用运算符相连"
        )
    return refuse(place, "syntax", f"这里无法理解: {near}", "检查这里是否缺少运算符、逗号或括号")


def _refuse_oversize(text: str) -> None:
    if len(text) > TEXT_LENGTH_MAX:
        message = f"表达式最多 {TEXT_LENGTH_MAX} 个字符"
        raise refuse(TEXT_LENGTH_MAX, "too_long", message, "拆成几个字段来计算")
    forbidden = _SURROGATE.search(text)
    if forbidden:
        raise refuse(forbidden.start(), "syntax", "表达式含有无效的字符", "删除这个字符")
    depth = 0
    for found in _BRACKET.finditer(text):
        bracket = found.group()
        depth += (bracket in "([（") - (bracket in ")]）")
        if depth > _NESTING_MAX:
            raise refuse(found.start(), "too_deep", f"括号嵌套最多 {_NESTING_MAX} 层", "拆成几个字段来计算")
    tokens = sum(1 for _ in _TOKEN.finditer(text))
    if tokens > TOKENS_MAX:
        raise refuse(0, "too_large", f"表达式最多 {TOKENS_MAX} 个部分", "拆成几个字段来计算")


class _Group(dict[str, Any]):
    """A tree that stood in brackets of its own; `-(5)` is not the number -5."""


def _arguments(parts: list[Any]) -> list[Tree]:
    return [part for part in parts if part is not None and not isinstance(part, Token)]


def _infix(operator: str, arguments: list[Tree]) -> Tree:
    return trees.node(operator, arguments, arguments[0]["at"])


class _Builder(Transformer[Token, Any]):
    """Makes our nodes while lark reads; the methods are named after the grammar's rules."""

    def number(self, parts: list[Token]) -> Tree:
        return trees.literal(str(parts[0]), "number", parts[0].start_pos)

    def text(self, parts: list[Token]) -> Tree:
        return trees.literal(parts[0][1:-1].replace('""', '"'), "text", parts[0].start_pos)

    def date(self, parts: list[Token]) -> Tree:
        written = parts[0][1:-1].strip()
        kind = "datetime" if "T" in written or " " in written else "date"
        return trees.literal(written, kind, parts[0].start_pos)

    def true(self, parts: list[Token]) -> Tree:
        return trees.literal(True, "bool", parts[0].start_pos)

    def false(self, parts: list[Token]) -> Tree:
        return trees.literal(False, "bool", parts[0].start_pos)

    def null(self, parts: list[Token]) -> Tree:
        return trees.literal(None, "null", parts[0].start_pos)

    def field(self, parts: list[Token]) -> Tree:
        names = [part[1:-1].strip() if part.type == "BRACKETED" else str(part) for part in parts]
        path = ".".join(names)
        if len(path) > NAME_LENGTH_MAX or not all(names):
            raise refuse(
                parts[0].start_pos or 0, "syntax", f"字段名应有 1 到 {NAME_LENGTH_MAX} 个字符", "缩短名称"
            )
        return trees.field(path, parts[0].start_pos)

    def items(self, parts: list[Any]) -> Tree:
        return trees.node("list", _arguments(parts), parts[0].start_pos)

    def call(self, parts: list[Any]) -> Tree:
        name = parts[0].upper()
        operator = trees.NAMED_OPERATORS.get(name, name)
        return trees.node(operator, _arguments(parts[1:]), parts[0].start_pos)

    def group(self, parts: list[Any]) -> Tree:
        return _Group(parts[1])

    def or_(self, parts: list[Tree]) -> Tree:
        return _infix("or", parts)

    def and_(self, parts: list[Tree]) -> Tree:
        return _infix("and", parts)

    def not_(self, parts: list[Any]) -> Tree:
        return trees.node("not", [parts[1]], parts[0].start_pos)

    def compare(self, parts: list[Any]) -> Tree:
        left, operator, right = parts
        return _infix(str(operator), [left, right])

    def in_(self, parts: list[Tree]) -> Tree:
        return _infix("in", parts)

    def not_in(self, parts: list[Any]) -> Tree:
        left, _, right = parts
        return _infix("not", [_infix("in", [left, right])])

    def join(self, parts: list[Tree]) -> Tree:
        return _infix("&", parts)

    def chain(self, parts: list[Any]) -> Tree:
        tree: Tree = parts[0]
        for operator, right in zip(parts[1::2], parts[2::2], strict=True):
            tree = _infix(str(operator), [tree, right])
        return tree

    def negative(self, parts: list[Any]) -> Tree:
        minus, value = parts
        if value.get("type") == "number" and not isinstance(value, _Group) and value["value"][0] != "-":
            return trees.literal("-" + value["value"], "number", minus.start_pos)
        return trees.node("negative", [value], minus.start_pos)

    def percent(self, parts: list[Tree]) -> Tree:
        return _infix("percent", parts)

    def anything(self, parts: list[Token]) -> None:
        return None

    def any_of(self, parts: list[Tree]) -> list[Tree]:
        return parts

    def bound(self, parts: list[Any]) -> Tree:
        return {"op": "bound", "compare": str(parts[0]), "args": [parts[1]], "at": parts[0].start_pos}

    def range(self, parts: list[Any]) -> Tree:
        opened, low, high, closed = parts
        ends = [opened.type == "LSQB", closed.type == "RSQB"]
        return {"op": "range", "closed": ends, "args": [low, high], "at": opened.start_pos}

    def none_of(self, parts: list[Any]) -> Tree:
        return {"op": "none_of", "args": _arguments(parts), "at": parts[0].start_pos}

    def same(self, parts: list[Tree]) -> Tree:
        return {"op": "same", "args": parts, "at": parts[0]["at"]}


_grammar = Lark(
    (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    lexer="contextual",
    start=["start", "cell"],
    transformer=_Builder(),
    maybe_placeholders=False,
    propagate_positions=False,
)
