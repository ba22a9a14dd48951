"""Text to tree: one grammar, bounded before it is read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import LarkError

Tree = dict[str, Any]
TEXT_LENGTH_MAX = 10_000
DEPTH_MAX = 60
NODES_MAX = 2_000
_NUMBER_DIGITS_MAX = 30


class ExpressionError(Exception):
    """Mistakes in an expression: `errors` is a list of `{"position", "code", "message"}`."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = errors


def error(position: int, code: str, message: str, **more: Any) -> dict[str, Any]:
    """One mistake and its place: the offset in the text, in characters."""
    return {"position": position, "code": code, "message": message, **more}


def parse(text: str) -> Tree:
    """The tree of a text. `ExpressionError` names the position of what cannot be read.

    Nodes are `{"op": name, "args": [...]}`, `{"field": "客户.年销售额"}` and `{"value": …, "type": …}`
    (numbers as decimal text); each carries `at`, its position in the text.
    """
    _refuse_oversize(text)
    try:
        parsed = _grammar.parse(text)
        tree: Tree = _Builder().transform(parsed)
    except UnexpectedInput as problem:
        position = min(max(problem.pos_in_stream or 0, 0), len(text))
        if getattr(problem, "token", None) is not None and problem.token.type == "$END":  # type: ignore[attr-defined]
            position = len(text)
        near = text[position : position + 10]
        said = f"这里无法理解: {near!r}" if near else "表达式不完整"
        raise ExpressionError([error(position, "syntax", said)]) from problem
    except (LarkError, RecursionError) as problem:
        raise ExpressionError([error(0, "syntax", "表达式无法理解")]) from problem
    return tree


def _refuse_oversize(text: str) -> None:
    if len(text) > TEXT_LENGTH_MAX:
        raise ExpressionError([error(TEXT_LENGTH_MAX, "too_long", f"表达式最多 {TEXT_LENGTH_MAX} 个字符")])
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth > DEPTH_MAX:
            raise ExpressionError([error(position, "too_deep", f"括号嵌套最多 {DEPTH_MAX} 层")])
    operators = sum(text.count(sign) for sign in "+-*/&=<>,%") + text.lower().count("not")
    if operators > NODES_MAX:
        raise ExpressionError([error(0, "too_large", f"表达式最多 {NODES_MAX} 个运算")])


class _Builder(Transformer):  # type: ignore[type-arg]
    """Turns lark's tree into ours."""

    def number(self, parts: list[Token]) -> Tree:
        token = parts[0]
        if len(token.replace(".", "")) > _NUMBER_DIGITS_MAX:
            raise ExpressionError([error(token.start_pos or 0, "number_too_large", "数字超出 10^30")])
        return {"value": str(token), "type": "number", "at": token.start_pos}

    def text(self, parts: list[Token]) -> Tree:
        token = parts[0]
        return {"value": token[1:-1].replace('""', '"'), "type": "text", "at": token.start_pos}

    def true(self, parts: list[Any]) -> Tree:
        return {"value": True, "type": "bool", "at": 0}

    def false(self, parts: list[Any]) -> Tree:
        return {"value": False, "type": "bool", "at": 0}

    def null(self, parts: list[Any]) -> Tree:
        return {"value": None, "type": "null", "at": 0}

    def field(self, parts: list[Token]) -> Tree:
        return {"field": ".".join(parts), "at": parts[0].start_pos}

    def items(self, parts: list[Any]) -> Tree:
        items = [part for part in parts if part is not None]
        return {"op": "list", "args": items, "at": items[0]["at"] if items else 0}

    def call(self, parts: list[Any]) -> Tree:
        name, *arguments = parts
        kept = [argument for argument in arguments if argument is not None]
        return {"op": name.upper(), "args": kept, "at": name.start_pos}

    def or_(self, parts: list[Tree]) -> Tree:
        return _node("or", parts)

    def and_(self, parts: list[Tree]) -> Tree:
        return _node("and", parts)

    def not_(self, parts: list[Tree]) -> Tree:
        return _node("not", parts)

    def negative(self, parts: list[Tree]) -> Tree:
        return _node("negative", parts)

    def percent(self, parts: list[Tree]) -> Tree:
        return _node("percent", parts)

    def join(self, parts: list[Tree]) -> Tree:
        return _node("&", parts)

    def in_(self, parts: list[Tree]) -> Tree:
        return _node("in", parts)

    def compare(self, parts: list[Any]) -> Tree:
        left, operator, right = parts
        return _node(str(operator), [left, right])

    def sum(self, parts: list[Any]) -> Tree:
        return _left_to_right(parts)

    def product(self, parts: list[Any]) -> Tree:
        return _left_to_right(parts)


def _left_to_right(parts: list[Any]) -> Tree:
    tree: Tree = parts[0]
    for operator, right in zip(parts[1::2], parts[2::2], strict=True):
        tree = _node(str(operator), [tree, right])
    return tree


def _node(operator: str, arguments: list[Tree]) -> Tree:
    return {"op": operator, "args": list(arguments), "at": arguments[0]["at"]}


def number_of(tree: Tree) -> Decimal:
    """The value of a number node."""
    return Decimal(tree["value"])


_grammar = Lark(
    (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    maybe_placeholders=True,
    propagate_positions=False,
)
