"""Tree to value in Python: compiled once to closures, exact, nothing raised but the language's own errors.

Null: arithmetic with it is null, a comparison with it is false, and conditions take anything but true as
false; functions say what it is to them. Division by zero, and a result beyond 10^30, is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.common.expressions.functions import FUNCTIONS, Function
from services.common.expressions.functions.dates import shift_days
from services.common.expressions.functions.numbers import arithmetic
from services.common.expressions.functions.texts import concat
from services.common.expressions.literals import value_of
from services.common.expressions.problems import ExpressionError, refuse
from services.common.expressions.readers import Scope, reader, rows_reader
from services.common.expressions.trees import ARITHMETIC, COMPARISONS, Tree, position, walk
from services.common.expressions.values import CONTEXT
from services.common.expressions.world import Run, World

Closure = Callable[[Any, Run], Any]
_NOWHERE = World()
_HUNDREDTH = Decimal("0.01")
_ARITHMETIC = arithmetic()
_ORDERED = (Decimal, str, date, datetime)


class Compiled:
    """A tree to be computed over many records; it keeps no state, so threads may share it."""

    __slots__ = ("_compute",)

    def __init__(self, tree: Tree) -> None:
        for _ in walk(tree):
            continue
        self._compute = _closure(tree, Scope())

    def __call__(self, record: Mapping[str, Any], world: World = _NOWHERE) -> Any:
        """The value over a record: Decimal, str, bool, date, datetime, list, mapping or None.

        `record` holds values of the language (whole numbers may be int), see `values.from_json`.
        `ExpressionError` when it does not fit the tree, when `world` lacks what the tree needs, and for
        work beyond the limits.
        """
        try:
            return self._compute(record, Run(world))
        except ExpressionError:
            raise
        except (TypeError, ValueError, AttributeError, ArithmeticError) as problem:
            message = "记录中有一个值与字段的类型不符"
            raise refuse(0, "wrong_value", message, "检查记录中各字段的值") from problem


def compile_tree(tree: Tree) -> Compiled:
    """A function of a record; compile a checked tree once to evaluate it often."""
    return Compiled(tree)


def evaluate(tree: Tree, record: Mapping[str, Any], world: World = _NOWHERE) -> Any:
    """The value of a checked tree over one record, see `Compiled`."""
    return Compiled(tree)(record, world)


def _closure(tree: Tree, scope: Scope) -> Closure:
    if "field" in tree:
        return reader(tree["field"], scope)
    if "value" in tree:
        value = value_of(tree["type"], tree["value"])
        return lambda record, run: value
    operator, arguments = tree["op"], tree["args"]
    function = FUNCTIONS.get(operator)
    if function is not None and function.by_row:
        return _by_row(function, arguments, scope)
    compiled = [_closure(argument, scope) for argument in arguments]
    if operator in _LAZY:
        return _LAZY[operator](compiled)
    if operator in COMPARISONS:
        return _comparison(operator, compiled[0], compiled[1])
    if operator in ARITHMETIC:
        return _between(operator, compiled[0], compiled[1])
    if operator == "in":
        return _in(arguments[1], compiled)
    if function is None:
        raise refuse(position(tree), "unknown_function", f"未知的函数 {operator[:60]}", "先检查表达式")
    return _call(function, compiled)


# --- logic -----------------------------------------------------------------------------------------------


def _and(conditions: list[Closure]) -> Closure:
    if len(conditions) == 2:
        left, right = conditions
        return lambda record, run: left(record, run) is True and right(record, run) is True

    def every(record: Any, run: Run) -> bool:
        for condition in conditions:  # noqa: SIM110 - a generator costs twice as much
            if condition(record, run) is not True:
                return False
        return True

    return every


def _or(conditions: list[Closure]) -> Closure:
    def some(record: Any, run: Run) -> bool:
        for condition in conditions:  # noqa: SIM110 - a generator costs twice as much
            if condition(record, run) is True:
                return True
        return False

    return some


def _not(conditions: list[Closure]) -> Closure:
    (condition,) = conditions
    return lambda record, run: condition(record, run) is not True


def _null(record: Any, run: Run) -> None:
    return None


def _if(arguments: list[Closure]) -> Closure:
    condition, then = arguments[:2]
    otherwise = arguments[2] if len(arguments) > 2 else _null
    return lambda record, run: then(record, run) if condition(record, run) is True else otherwise(record, run)


def _ifs(arguments: list[Closure]) -> Closure:
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))

    def choose(record: Any, run: Run) -> Any:
        for condition, value in pairs:
            if condition(record, run) is True:
                return value(record, run)
        return None

    return choose


def _switch(arguments: list[Closure]) -> Closure:
    subject, *rest = arguments
    otherwise = rest.pop() if len(rest) % 2 else _null
    pairs = list(zip(rest[::2], rest[1::2], strict=True))

    def choose(record: Any, run: Run) -> Any:
        wanted = subject(record, run)
        for case, value in pairs:
            if wanted is not None and _equal(wanted, case(record, run), run):
                return value(record, run)
        return otherwise(record, run)

    return choose


def _coalesce(arguments: list[Closure]) -> Closure:
    def first(record: Any, run: Run) -> Any:
        for argument in arguments:
            value = argument(record, run)
            if value is not None:
                return value
        return None

    return first


# --- operators -------------------------------------------------------------------------------------------


def _negative(arguments: list[Closure]) -> Closure:
    (inner,) = arguments

    def negate(record: Any, run: Run) -> Decimal | None:
        value = inner(record, run)
        return None if value is None else CONTEXT.minus(value)

    return negate


def _percent(arguments: list[Closure]) -> Closure:
    (inner,) = arguments
    multiply = _ARITHMETIC["*"]

    def percent(record: Any, run: Run) -> Decimal | None:
        value = inner(record, run)
        return None if value is None else multiply(value, _HUNDREDTH)

    return percent


def _join(arguments: list[Closure]) -> Closure:
    return lambda record, run: concat(run, *[argument(record, run) for argument in arguments])


def _items(arguments: list[Closure]) -> Closure:
    return lambda record, run: [argument(record, run) for argument in arguments]


_LAZY: dict[str, Callable[[list[Closure]], Closure]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "IF": _if,
    "IFS": _ifs,
    "SWITCH": _switch,
    "COALESCE": _coalesce,
    "negative": _negative,
    "percent": _percent,
    "&": _join,
    "list": _items,
}


def _between(operator: str, left: Closure, right: Closure) -> Closure:
    compute = _ARITHMETIC[operator]
    dated = _DATED.get(operator)

    def between(record: Any, run: Run) -> Any:
        one = left(record, run)
        if one is None:
            return None
        two = right(record, run)
        if two is None:
            return None
        if dated is not None and (isinstance(one, date) or isinstance(two, date)):
            return dated(one, two)
        return compute(one, two)

    return between


def _later(one: Any, two: Any) -> date | None:
    return shift_days(one, two) if isinstance(one, date) else shift_days(two, one)


def _earlier(one: date, two: Any) -> date | Decimal | None:
    return Decimal((one - two).days) if isinstance(two, date) else shift_days(one, CONTEXT.minus(two))


_DATED: dict[str, Callable[[Any, Any], Any]] = {"+": _later, "-": _earlier}


def _comparison(operator: str, left: Closure, right: Closure) -> Closure:
    compare = _COMPARE[operator]

    def compared(record: Any, run: Run) -> bool:
        one = left(record, run)
        if one is None:
            return False
        two = right(record, run)
        if two is None:
            return False
        if type(one) is not type(two):
            one, two = _alike(one, two, run)
        return compare(one, two)

    return compared


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, two: bool(one == two),
    "<>": lambda one, two: bool(one != two),
    "<": lambda one, two: bool(one < two),
    "<=": lambda one, two: bool(one <= two),
    ">": lambda one, two: bool(one > two),
    ">=": lambda one, two: bool(one >= two),
}


def _alike(one: Any, two: Any, run: Run) -> tuple[Any, Any]:
    """An instant beside a date counts as its local date."""
    if isinstance(one, datetime) and isinstance(two, date):
        return run.world.local(one).date(), two
    if isinstance(two, datetime) and isinstance(one, date):
        return one, run.world.local(two).date()
    raise TypeError(f"{type(one)} beside {type(two)}")


def _equal(one: Any, two: Any, run: Run) -> bool:
    if two is None:
        return False
    if type(one) is not type(two):
        one, two = _alike(one, two, run)
    return bool(one == two)


def _in(items: Tree, compiled: list[Closure]) -> Closure:
    value, listed = compiled
    if items.get("op") == "list" and all("value" in item for item in items["args"]):
        constants = [value_of(item["type"], item["value"]) for item in items["args"]]
        known = frozenset(item for item in constants if item is not None)
        kinds = {type(item) for item in known}

        def among(record: Any, run: Run) -> bool:
            one = value(record, run)
            if one is None or type(one) in kinds:
                return one in known
            return any(_equal(one, item, run) for item in known)

        return among

    def contained(record: Any, run: Run) -> bool:
        one = value(record, run)
        return one is not None and any(_equal(one, item, run) for item in listed(record, run) or ())

    return contained


# --- functions -------------------------------------------------------------------------------------------


def _call(function: Function, arguments: list[Closure]) -> Closure:
    apply, runs = function.apply, function.runs
    if not function.strict:
        if runs:
            return lambda record, run: apply(run, *[argument(record, run) for argument in arguments])
        return lambda record, run: apply(*[argument(record, run) for argument in arguments])
    missing = False if function.returns == "bool" else None

    def call(record: Any, run: Run) -> Any:
        values = []
        for argument in arguments:
            value = argument(record, run)
            if value is None:
                return missing
            values.append(value)
        return apply(run, *values) if runs else apply(*values)

    return call


def _by_row(function: Function, arguments: list[Tree], scope: Scope) -> Closure:
    """A function over the rows of a list; each row costs as many steps as its expression has nodes."""
    subject, computed = arguments
    rows, item_of, inner_scope = rows_reader(subject["field"], scope)
    inner = _closure(computed, inner_scope)
    cost = sum(1 for _ in walk(computed))
    apply = function.apply

    def call(record: Any, run: Run) -> Any:
        found = rows(record, run) or ()
        run.charge(len(found) * cost)
        return apply([(item_of(row), inner((record, row), run)) for row in found])

    return call
