"""Tree to value: compiled once to closures, exact Decimals, nulls defined, nothing raised but our own.

An unknown (null) operand makes arithmetic null and a comparison false; `and`, `or` and `not` take anything
but true as false. Division by zero is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation, Overflow
from typing import Any

from services.common.expressions.functions import CONTEXT, FUNCTIONS
from services.common.expressions.parser import ExpressionError, Tree, error, number_of

Compiled = Callable[[Mapping[str, Any]], Any]
_TEXT_MAX = 100_000
_LARGEST = Decimal(10) ** 30


def evaluate(tree: Tree, record: Mapping[str, Any]) -> Any:
    """The value of a checked tree over a record: Decimal, str, bool, date, list or None."""
    return compile_tree(tree)(record)


def compile_tree(tree: Tree) -> Compiled:
    """A function of a record; compile once to evaluate often."""
    if "field" in tree:
        return _field(tree["field"])
    if "value" in tree:
        value = number_of(tree) if tree["type"] == "number" else tree["value"]
        return lambda record: value
    operator = tree["op"]
    arguments = [compile_tree(argument) for argument in tree["args"]]
    if operator in ("and", "or"):
        return _logic(operator, arguments)
    if operator == "IF":
        return _lazy_if(arguments)
    if operator in FUNCTIONS:
        apply = FUNCTIONS[operator].apply
        return lambda record: _guarded(apply, [argument(record) for argument in arguments])
    if operator not in _OPERATORS:
        raise ExpressionError([error(tree.get("at", 0), "unknown_function", f"未知的函数 {operator}")])
    apply = _OPERATORS[operator]
    return lambda record: _guarded(apply, [argument(record) for argument in arguments])


def _field(path: str) -> Compiled:
    parts = path.split(".")

    def read(record: Mapping[str, Any]) -> Any:
        if path in record:
            return _value(record[path])
        found: Any = record
        for part in parts:
            if isinstance(found, list):
                found = [item.get(part) for item in found if isinstance(item, Mapping)]
            elif isinstance(found, Mapping):
                found = found.get(part)
            else:
                return None
        return _value(found)

    return read


def _value(found: Any) -> Any:
    if isinstance(found, bool) or found is None:
        return found
    if isinstance(found, int):
        return Decimal(found)
    if isinstance(found, list):
        return [_value(item) for item in found]
    return found


def _logic(operator: str, arguments: list[Compiled]) -> Compiled:
    if operator == "and":
        return lambda record: all(argument(record) is True for argument in arguments)
    return lambda record: any(argument(record) is True for argument in arguments)


def _lazy_if(arguments: list[Compiled]) -> Compiled:
    condition, then, *rest = arguments

    def choose(record: Mapping[str, Any]) -> Any:
        if condition(record) is True:
            return then(record)
        return rest[0](record) if rest else None

    return choose


def _guarded(apply: Callable[..., Any], values: list[Any]) -> Any:
    try:
        result = apply(*values)
    except (InvalidOperation, Overflow, TypeError, ValueError):
        return None
    if isinstance(result, Decimal) and abs(result) > _LARGEST:
        return None
    if isinstance(result, str) and len(result) > _TEXT_MAX:
        return None
    return result


def _arithmetic(compute: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if not isinstance(left, Decimal) or not isinstance(right, Decimal):
            return None
        return compute(left, right)

    return apply


def _divide(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise InvalidOperation
    return CONTEXT.divide(left, right)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        left, right = _comparable(left, right)
        return type(left) is type(right) and compare(left, right)

    return apply


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    # A date beside a text is compared as the date that the text writes.
    if isinstance(left, date) and isinstance(right, str):
        return left, date.fromisoformat(right)
    if isinstance(left, str) and isinstance(right, date):
        return date.fromisoformat(left), right
    return left, right


def _join(*values: Any) -> str:
    return "".join("" if value is None else _shown(value) for value in values)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _negative(value: Any) -> Any:
    return -value if isinstance(value, Decimal) else None


def _percent(value: Any) -> Any:
    return value / 100 if isinstance(value, Decimal) else None


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right)


def _in(value: Any, items: Any) -> bool:
    return value is not None and any(_comparison(_equal)(value, item) for item in items)


_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "+": _arithmetic(CONTEXT.add),
    "-": _arithmetic(CONTEXT.subtract),
    "*": _arithmetic(CONTEXT.multiply),
    "/": _arithmetic(_divide),
    "&": _join,
    "=": _comparison(_equal),
    "<>": _comparison(lambda left, right: bool(left != right)),
    "<": _comparison(lambda left, right: bool(left < right)),
    "<=": _comparison(lambda left, right: bool(left <= right)),
    ">": _comparison(lambda left, right: bool(left > right)),
    ">=": _comparison(lambda left, right: bool(left >= right)),
    "in": _in,
    "not": lambda value: value is not True,
    "negative": _negative,
    "percent": _percent,
    "list": lambda *values: list(values),
}
