"""Static check of a tree against a field catalogue: every mistake, each with its place and a suggestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from services.common.expressions.functions import FUNCTIONS
from services.common.expressions.parser import DEPTH_MAX, ExpressionError, Tree, error

Catalogue = Mapping[str, Any]
_NUMBERS = frozenset({"+", "-", "*", "/", "negative", "percent"})
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_LOGIC = frozenset({"and", "or", "not"})
_ANY = "any"


@dataclass
class Checked:
    """What a check found: the type of the whole and the fields that it reads."""

    type: str
    reads: list[str] = field(default_factory=list)


def check(tree: Tree, catalogue: Catalogue, wanted: str | None = None) -> Checked:
    """The type of a tree and what it reads; `ExpressionError` holds every mistake.

    `catalogue` names the fields and their types; a nested mapping is a record or a sub-table. `wanted` is
    the type that the whole must have.
    """
    checker = _Checker(catalogue)
    found = checker.visit(tree, 0)
    if wanted and not checker.errors and found not in (wanted, _ANY, "null"):
        message = f"结果应为 {wanted}, 实际为 {found}"
        checker.errors.append(error(tree.get("at") or 0, "wrong_type", message))
    if checker.errors:
        raise ExpressionError(sorted(checker.errors, key=lambda found: found["position"]))
    return Checked(found, sorted(checker.reads))


class _Checker:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.errors: list[dict[str, Any]] = []
        self.reads: set[str] = set()

    def visit(self, tree: Any, depth: int) -> str:
        if not isinstance(tree, dict) or depth > DEPTH_MAX * 4:
            self.errors.append(error(0, "malformed", "表达式结构不正确"))
            return _ANY
        if "field" in tree:
            return self._field(tree)
        if "value" in tree:
            return str(tree.get("type", _ANY))
        types = [self.visit(argument, depth + 1) for argument in tree.get("args") or ()]
        return self._operator(tree, types)

    def _field(self, tree: Tree) -> str:
        path = str(tree["field"])
        self.reads.add(path)
        if path in self.catalogue:
            return _type_name(self.catalogue[path])
        found: Any = self.catalogue
        for part in path.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return self._unknown_field(tree, path)
            found = found[part]
        nested = "." in path and isinstance(self.catalogue.get(path.split(".")[0]), Mapping)
        return "list" if nested else _type_name(found)

    def _unknown_field(self, tree: Tree, path: str) -> str:
        near = get_close_matches(path, list(self.catalogue), n=1)
        hint = f", 是否为 {near[0]}" if near else ""
        found = error(tree.get("at") or 0, "unknown_field", f"未知的字段 {path}{hint}")
        self.errors.append({**found, **({"suggestion": near[0]} if near else {})})
        return _ANY

    def _operator(self, tree: Tree, types: list[str]) -> str:
        operator, at = str(tree.get("op")), tree.get("at") or 0
        if operator in _NUMBERS:
            self._all(types, "number", at, operator)
            return "number"
        if operator in _LOGIC:
            self._all(types, "bool", at, operator)
            return "bool"
        if operator in _COMPARISONS:
            self._same(types, at, operator)
            return "bool"
        if operator == "&":
            return "text"
        if operator == "in":
            return "bool"
        if operator == "list":
            return "list"
        return self._function(operator, types, at)

    def _function(self, name: str, types: list[str], at: int) -> str:
        function = FUNCTIONS.get(name)
        if function is None:
            near = get_close_matches(name, list(FUNCTIONS), n=1)
            hint = f", 是否为 {near[0]}" if near else ""
            self.errors.append(error(at, "unknown_function", f"未知的函数 {name[:60]}{hint}"))
            return _ANY
        if len(types) < function.least or (function.most is not None and len(types) > function.most):
            most = "任意" if function.most is None else function.most
            message = f"{name} 需要 {function.least} 到 {most} 个参数, 实际为 {len(types)}"
            self.errors.append(error(at, "argument_count", message))
        if name == "IF" and types:
            self._all(types[:1], "bool", at, name)
            return next((each for each in types[1:] if each != "null"), _ANY)
        if function.returns == "same":
            return next((each for each in types if each not in ("null", _ANY)), _ANY)
        return function.returns

    def _all(self, types: list[str], wanted: str, at: int, operator: str) -> None:
        wrong = [found for found in types if found not in (wanted, _ANY, "null")]
        if wrong:
            self.errors.append(error(at, "wrong_type", f"{operator} 需要 {wanted}, 实际为 {wrong[0]}"))

    def _same(self, types: list[str], at: int, operator: str) -> None:
        known = {found for found in types if found not in (_ANY, "null")}
        if len(known) > 1 and known != {"date", "text"}:
            self.errors.append(
                error(at, "wrong_type", f"{operator} 两边类型不同: {', '.join(sorted(known))}")
            )


def _type_name(declared: Any) -> str:
    if isinstance(declared, Mapping):
        return "record"
    return "number" if declared in ("money", "percent", "integer") else str(declared)
