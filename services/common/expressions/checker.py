"""Static check of a tree against a field catalogue: every mistake, each with its place and a suggestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.expressions import literals
from services.common.expressions.catalogue import Catalogue, Fields
from services.common.expressions.functions import FUNCTIONS, Function
from services.common.expressions.names import Names
from services.common.expressions.problems import ERRORS_MAX, ExpressionError, Problem, error
from services.common.expressions.signatures import Match
from services.common.expressions.trees import (
    ARITHMETIC,
    COMPARISONS,
    GROUPS,
    NAMED_OPERATORS,
    OPERATORS,
    Tree,
    walk,
)
from services.common.expressions.typed import Typed
from services.common.expressions.types import (
    ANY,
    BOOL,
    DATE,
    NAMES_ZH,
    NULL,
    NUMBER,
    SCALARS,
    TEXT,
    Type,
    common,
    declared,
    fits,
    list_of,
)

_ARITY = {"not": 1, "negative": 1, "percent": 1, "in": 2, **dict.fromkeys(ARITHMETIC | COMPARISONS, 2)}
_ORDERED = SCALARS - {"bool"} | {"any", "null"}
_CONVERSIONS = {
    ("number", "text"): "用 VALUE(…) 把文本转为数字",
    ("text", "number"): "用 TEXT(…) 或 & 把数字转为文本",
    ("date", "text"): "日期写作 #2026-01-31#, 或用 DATEVALUE(…) 转换",
    ("date", "datetime"): "用 DATEVALUE(…) 取时刻的日期",
    ("text", "date"): '用 TEXT(…, "yyyy-mm-dd") 把日期转为文本',
    ("bool", "text"): '写成比较, 如 … = "是"',
    ("bool", "number"): "写成比较, 如 … > 0",
    ("number", "list"): "用 SUM、MAX、FIRST 等把列表变为一个值",
    ("text", "list"): "用 TEXTJOIN、FIRST 等把列表变为一个值",
}


@dataclass
class Checked:
    """What a check found: the type of the whole, the fields that it reads, and the tree with its types.

    `tree` is what to keep: fields by their keys, and dates written as text where a date belongs as dates.
    """

    type: str
    reads: list[str]
    typed: Typed

    @property
    def tree(self) -> Tree:
        """The plain tree."""
        return self.typed.tree()


def check(tree: Any, catalogue: Catalogue | Mapping[str, Any], wanted: str | Type | None = None) -> Checked:
    """The type of a tree and what it reads; `ExpressionError` holds every mistake.

    `catalogue` knows the fields; a mapping declares them, see `catalogue.Fields`. `wanted` is the type
    that the whole must have.
    """
    for _ in walk(tree):
        continue
    fields = Fields(catalogue) if isinstance(catalogue, Mapping) else catalogue
    checker = _Checker(fields)
    typed = checker.visit(tree)
    if wanted is not None:
        typed = checker.fit(typed, declared(wanted), "结果")
    if checker.errors:
        raise ExpressionError(sorted(checker.errors, key=lambda found: int(found["position"]))[:ERRORS_MAX])
    return Checked(typed.type.kind, sorted(checker.names.reads), typed)


class _Checker:
    """Walks a tree once; what is wrong becomes an error and counts as of any type from there on."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.errors: list[Problem] = []
        self.names = Names(catalogue, self.errors)

    def visit(self, tree: Tree) -> Typed:
        if "value" in tree:
            return literals.typed(tree, self.errors)
        if "field" in tree:
            return self.names.resolve(tree)
        operator = tree["op"]
        at = tree.get("at") or 0
        if operator in OPERATORS:
            return self._operator(operator, [self.visit(argument) for argument in tree["args"]], at)
        return self._call(tree, at)

    def fit(self, found: Typed, wanted: Type, place: str) -> Typed:
        """The node as the wanted type: a text that writes a date becomes one; else an error."""
        fitted = literals.as_date(found, wanted, self.errors)
        if fits(fitted.type, wanted):
            return fitted
        self._wrong_type(found, wanted.kind, f"{place}应为{wanted.shown}, 实际为{found.type.shown}")
        return Typed(wanted, found.at, "", [], value=None)

    def _wrong_type(self, found: Typed, wanted: str, message: str) -> None:
        suggestion = _CONVERSIONS.get((wanted, found.type.kind), f"这里需要{NAMES_ZH.get(wanted, wanted)}")
        self.errors.append(error(found.at, "wrong_type", message, suggestion))

    def _operator(self, operator: str, arguments: list[Typed], at: int) -> Typed:
        wanted = _ARITY.get(operator)
        if (wanted is not None and len(arguments) != wanted) or (not arguments and operator != "list"):
            message = f"{operator} 需要 {wanted or '至少 1'} 个运算对象, 实际为 {len(arguments)}"
            self.errors.append(error(at, "argument_count", message, "补全或删除运算对象"))
            return Typed(ANY, at)
        if operator in ("+", "-"):
            return self._sum(operator, arguments, at)
        if operator in ARITHMETIC or operator in ("negative", "percent"):
            return self._all(operator, arguments, NUMBER, at, NUMBER)
        if operator in GROUPS or operator == "not":
            return self._all(operator, arguments, BOOL, at, BOOL)
        if operator == "&":
            return Typed(TEXT, at, "&", [self._scalar(argument, "&") for argument in arguments])
        if operator == "in":
            return self._in(arguments, at)
        if operator == "list":
            return self._list(arguments, at)
        return self._comparison(operator, arguments, at)

    def _all(self, operator: str, arguments: list[Typed], wanted: Type, at: int, result: Type) -> Typed:
        shown = {"negative": "-", "percent": "%"}.get(operator, operator)
        fitted = [self.fit(argument, wanted, f"{shown} 的运算对象") for argument in arguments]
        return Typed(result, at, operator, fitted)

    def _sum(self, operator: str, arguments: list[Typed], at: int) -> Typed:
        """Numbers; and dates: a date plus or minus days, the days between two dates."""
        left, right = arguments
        if "date" not in (left.type.kind, right.type.kind):
            return self._all(operator, arguments, NUMBER, at, NUMBER)
        if left.type.kind == "date" and operator == "-":
            right = literals.as_date(right, DATE, self.errors) if right.type.kind == "text" else right
            if right.type.kind == "date":
                return Typed(NUMBER, at, operator, [left, right])
            return Typed(DATE, at, operator, [left, self.fit(right, NUMBER, "日期减去的")])
        if right.type.kind == "date" and operator == "-" and left.type.kind == "text":
            return Typed(NUMBER, at, operator, [self.fit(left, DATE, "- 的运算对象"), right])
        if left.type.kind == "date":
            return Typed(DATE, at, operator, [left, self.fit(right, NUMBER, "日期加上的")])
        wanted = NUMBER if operator == "+" else DATE
        return Typed(DATE, at, operator, [self.fit(left, wanted, f"{operator} 的运算对象"), right])

    def _scalar(self, found: Typed, place: str) -> Typed:
        if found.type.kind in ("list", "record") and not found.type.loose:
            message = f"{place} 的运算对象应为单个值, 实际为{found.type.shown}"
            self._wrong_type(found, "text", message)
        return found

    def _comparison(self, operator: str, arguments: list[Typed], at: int) -> Typed:
        left, right = self._alike(arguments[0], arguments[1], operator)
        for side in (left, right):
            kind = side.type.of_items.kind if side.type.loose else side.type.kind
            if operator not in ("=", "<>") and kind not in _ORDERED:
                self._wrong_type(side, "number", f"{operator} 不能比较{side.type.shown}的大小")
            elif kind in ("list", "record"):
                self._wrong_type(side, "text", f"{operator} 不能比较{side.type.shown}")
        return Typed(BOOL, at, operator, [left, right])

    def _alike(self, left: Typed, right: Typed, operator: str) -> tuple[Typed, Typed]:
        """Both sides as of one type; a date beside an instant is compared with its local date."""
        left = literals.as_date(left, right.type, self.errors)
        right = literals.as_date(right, left.type, self.errors)
        kinds = {left.type.kind, right.type.kind}
        if kinds != {"date", "datetime"} and common(left.type, right.type) is None:
            message = f"{operator} 两边类型不同: {left.type.shown}与{right.type.shown}"
            self._wrong_type(right, left.type.kind, message)
        return left, right

    def _in(self, arguments: list[Typed], at: int) -> Typed:
        value, items = arguments
        self._scalar(value, "in")
        items = self.fit(items, list_of(ANY), "in 后面")
        if items.op == "list":
            items.args = [self._alike(value, item, "in")[1] for item in items.args]
            # A literal that stands before dates is one itself.
            value = literals.as_date(value, items.type.of_items, self.errors)
        elif common(value.type, items.type.of_items) is None:
            message = f"in 两边类型不同: {value.type.shown}与{items.type.shown}"
            self._wrong_type(items, value.type.kind, message)
        return Typed(BOOL, at, "in", [value, items])

    def _list(self, arguments: list[Typed], at: int) -> Typed:
        item = NULL
        for argument in arguments:
            found = common(item, self._scalar(argument, "列表").type)
            if found is None:
                message = f"列表各项类型不同: {item.shown}与{argument.type.shown}"
                self._wrong_type(argument, item.kind, message)
            else:
                item = found
        return Typed(list_of(item), at, "list", arguments)

    def _call(self, tree: Tree, at: int) -> Typed:
        name = tree["op"]
        function = FUNCTIONS.get(name) if name not in NAMED_OPERATORS else None
        if function is None:
            self._unknown_function(str(name), at)
            for argument in tree["args"]:
                self.visit(argument)
            return Typed(ANY, at)
        parameters = function.parameters_of(len(tree["args"]))
        if parameters is None:
            message = f"{name} 的参数个数不对, 实际为 {len(tree['args'])}"
            self.errors.append(error(at, "argument_count", message, f"写作 {function.signature}"))
        if function.by_row and len(tree["args"]) >= 2:
            arguments = self._by_row(function, tree["args"])
        else:
            arguments = [self.visit(argument) for argument in tree["args"]]
        if parameters is None:
            return Typed(ANY, at, name, arguments)
        return self._matched(function, Match(function, parameters, self.fit), arguments, at)

    def _matched(self, function: Function, match: Match, arguments: list[Typed], at: int) -> Typed:
        call = Typed(ANY, at, function.name, match.fitted(arguments, self._wrong_type))
        call.type = match.result(call.args)
        if function.check is not None:
            found = function.check(tuple(literals.constant(argument) for argument in call.args))
            if found is not None:
                number, code, message, suggestion = found
                self.errors.append(error(call.args[number].at, code, message, suggestion))
        if function.name == "LOOKUP":
            call.type = self._lookup(call)
        return call

    def _by_row(self, function: Function, arguments: list[Tree]) -> list[Typed]:
        """The list, and what is computed for each of its rows, in which its path means the row."""
        subject, *computed = arguments
        listed = self.visit(subject)
        if "field" not in subject:
            message = f"{function.name} 的第一个参数应为子表或子表的列"
            self.errors.append(error(listed.at, "needs_list", message, f"写作 {function.signature}"))
            return [listed, *[self.visit(each) for each in computed]]
        with self.names.rows_of(listed):
            return [listed, *[self.visit(each) for each in computed]]

    def _unknown_function(self, name: str, at: int) -> None:
        near = self.names.nearest(name, known=FUNCTIONS)
        hint = f", 是否为 {near}" if near else ""
        suggestion = near or "查看函数列表 (docs/expressions.zh-CN.md)"
        self.errors.append(error(at, "unknown_function", f"未知的函数 {name[:60]}{hint}", suggestion))

    def _lookup(self, call: Typed) -> Type:
        form, column, _, wanted = (literals.constant(argument) for argument in call.args)
        for place, name in ((0, form), (1, column), (3, wanted)):
            if not isinstance(name, str):
                message = "LOOKUP 的表单与列应为文本常量"
                self.errors.append(error(call.args[place].at, "needs_literal", message, '写作 "客户"'))
                return ANY
        for place, name in ((1, column), (3, wanted)):
            if self.catalogue.lookup(form, name) is None:
                message = f"没有可读取的列 {form[:40]}.{name[:40]}"
                self.errors.append(error(call.args[place].at, "unknown_field", message, "检查表单与列的名称"))
                return ANY
        key_type = self.catalogue.lookup(form, column) or ANY
        call.args[2] = self.fit(call.args[2], key_type, "LOOKUP 的值")
        return self.catalogue.lookup(form, wanted) or ANY
