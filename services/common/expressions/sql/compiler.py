"""Walks a checked tree and makes its SQL; what each function is, is in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Integer, Text, and_, case, cast, false, func, not_, or_, true, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

from services.common.expressions.catalogue import Catalogue
from services.common.expressions.checker import Checked
from services.common.expressions.functions import FUNCTIONS
from services.common.expressions.literals import value_of
from services.common.expressions.names import rows_below
from services.common.expressions.sql import calls, rows
from services.common.expressions.sql.numbers import power
from services.common.expressions.sql.pieces import (
    Sql,
    bounded,
    clamped,
    constant,
    from_jsonb,
    let,
    missing,
    moved_days,
    not_in_sql,
    number,
    quotient,
    settled,
    sql_type,
    whole,
)
from services.common.expressions.sql.rows import Rows
from services.common.expressions.trees import ARITHMETIC, COMPARISONS, GROUPS, OPERATORS
from services.common.expressions.typed import Typed
from services.common.expressions.types import ANY, BOOL, NUMBER, Type, column_of
from services.common.expressions.world import World

Columns = Mapping[str, Sql]
_DAYS_MAX = 4_000_001
_LISTS = frozenset({"list", "SPLIT", "FILTER", "MAP", "UNIQUE"})
# How deep expressions may be nested; those that name their values make a query each, and count for several.
_DEPTH_MAX = 48
_WEIGHT = 6
_SHALLOW = OPERATORS - {"^", "in", "list", "&"} | {"IF", "COALESCE"}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def compile_value(checked: Checked, columns: Columns, world: World) -> Sql:
    """The value of an expression as SQL: numeric, text, date, timestamptz, boolean, or JSONB for lists and
    records.

    `columns` gives each field that is read its SQL: a column of its type, or JSONB (a path into a document, a
    sub-table's array), which is read as the catalogue declares the field. `ExpressionError` (`not_in_sql`,
    `unknown_field`) for what has no SQL.
    """
    return Compiler(columns, world).value(checked.typed)


def compile_condition(checked: Checked, columns: Columns, world: World) -> Sql:
    """A condition for WHERE, see `compile_value`: it holds for the same rows, and leaves indexes usable."""
    return Compiler(columns, world).condition(checked.typed, filtering=True)


def document_columns(catalogue: Catalogue, document: Sql) -> dict[str, Sql]:
    """The fields of a catalogue in a JSONB document, each at its path."""
    return {key: document[field.steps] for key, field in catalogue.fields.items()}


class Compiler:
    """Makes SQL of typed nodes; knows the rows that are looked at, and the world at the time of compiling."""

    def __init__(self, columns: Columns, world: World) -> None:
        self.columns = columns
        self.world = world
        self._rows: dict[str, tuple[Rows, Type]] = {}
        self._depth = 0

    def value(self, node: Typed, wanted: str | None = None) -> Sql:
        """The SQL of a node; `wanted` is the type of a null."""
        if node.type.kind == "null":
            return missing(wanted or "text")
        if node.is_literal:
            return constant(value_of(node.type.kind, node.value), sql_type(node.type))
        if not node.op:
            return self._named(node)
        with self._deeper(node):
            return self._operation(node)

    @contextmanager
    def _deeper(self, node: Typed) -> Iterator[None]:
        """Refuses what is nested too deep for SQLAlchemy's compiler, which recurses."""
        weight = 1 if node.op in _SHALLOW else _WEIGHT
        self._depth += weight
        if self._depth > _DEPTH_MAX:
            raise not_in_sql(node.at, "嵌套太深的表达式", "拆成几个字段来计算")
        try:
            yield
        finally:
            self._depth -= weight

    def _operation(self, node: Typed) -> Sql:
        if node.op in _LISTS:
            return self._list_value(node)
        if node.op in GROUPS or node.op in COMPARISONS or node.op in ("not", "in"):
            return self.condition(node)
        if node.op in ARITHMETIC:
            return self._arithmetic(node)
        if node.op in _SIMPLE:
            return _SIMPLE[node.op](self, node)
        return calls.call(self, node)

    def values(self, nodes: list[Typed], wanted: str | None = None) -> list[Sql]:
        """The SQL of several nodes."""
        return [self.value(node, wanted) for node in nodes]

    # --- conditions --------------------------------------------------------------------------------------

    def condition(self, node: Typed, *, filtering: bool = False) -> Sql:
        """A node that is true or not, never null; with `filtering`, null may stand for false."""
        if node.op in GROUPS:
            join = and_ if node.op == "and" else or_
            return join(*[self.condition(argument, filtering=filtering) for argument in node.args])
        if node.op == "not":
            return not_(self.condition(node.args[0]))
        if node.op in COMPARISONS:
            found = self._comparison(node)
        elif node.op == "in":
            found = self._in(node)
        else:
            found = self.value(node, "bool")
        return found if filtering else func.coalesce(found, false(), type_=sql_type(BOOL))

    def _comparison(self, node: Typed) -> Sql:
        left, right = node.args
        if "null" in (left.type.kind, right.type.kind):
            return false()
        one, two = self.alike(left, right)
        if left.type.kind == "text" and node.op not in ("=", "<>"):
            one, two = one.collate("C"), two.collate("C")
        found: Sql = _OPERATORS[node.op](one, two)
        return found

    def alike(self, left: Typed, right: Typed) -> tuple[Sql, Sql]:
        """Two values to compare; an instant beside a date counts as its local date."""
        return self.beside(left, right.type), self.beside(right, left.type)

    def beside(self, node: Typed, other: Type) -> Sql:
        """The value of a node to be compared with one of another type."""
        found = self.value(node, other.kind)
        return self.local_date(found) if (node.type.kind, other.kind) == ("datetime", "date") else found

    def local(self, value: Sql) -> Sql:
        """An instant as the clocks of the zone show it."""
        return func.timezone(self.world.zone, value)

    def local_date(self, value: Sql) -> Sql:
        """The local date of an instant."""
        return cast(self.local(value), sql_type(Type("date")))

    def _in(self, node: Typed) -> Sql:
        value, items = node.args
        if "null" in (value.type.kind, items.type.of_items.kind):
            return false()
        if items.op == "list":
            if not items.args:
                return false()
            return let(
                [self.value(value)],
                lambda one: or_(*[self.equals(one, value.type, item) for item in items.args]),
            )
        found = self.rows(items)

        def contained(one: Sql) -> Sql:
            count = found.select(func.count()).where(found.item == one).scalar_subquery()
            result: Sql = count > 0
            return and_(one.is_not(None), result)

        return let([self.value(value)], contained)

    def equals(self, one: Sql, kind: Type, item: Typed) -> Sql:
        """Whether a value of a type equals an item; never null."""
        if item.type.kind == "null":
            return false()
        left = self.local_date(one) if (kind.kind, item.type.kind) == ("datetime", "date") else one
        return func.coalesce(left == self.beside(item, kind), false())

    # --- operators ---------------------------------------------------------------------------------------

    def _arithmetic(self, node: Typed) -> Sql:
        left, right = node.args
        if "date" in (left.type.kind, right.type.kind):
            return self._date_arithmetic(node)
        one, two = self.value(left, "number"), self.value(right, "number")
        if node.op == "+":
            return clamped(one + two)
        if node.op == "-":
            return clamped(one - two)
        if node.op == "*":
            return settled(one * two)
        return settled(quotient(one, two)) if node.op == "/" else power(one, two)

    def _date_arithmetic(self, node: Typed) -> Sql:
        left, right = node.args
        if left.type.kind == right.type.kind == "date":
            return cast(self.value(left).op("-", return_type=Integer())(self.value(right)), sql_type(NUMBER))
        day, days = (left, right) if left.type.kind == "date" else (right, left)
        count = whole(self.value(days, "number"), -_DAYS_MAX, _DAYS_MAX)
        return moved_days(self.value(day, "date"), count if node.op == "+" else -count)

    def join(self, nodes: list[Typed]) -> Sql:
        """The texts of values, one after the other; null is a text without characters."""
        parts = [func.coalesce(self.shown(node), "", type_=Text()) for node in nodes]
        joined: Sql = parts[0]
        for part in parts[1:]:
            joined = joined.op("||", return_type=Text())(part)
        return bounded(joined)

    def shown(self, node: Typed) -> Sql:
        """A value as text; null stays null."""
        return self.shown_as(self.value(node), node.type)

    def shown_as(self, value: Sql, kind: Type) -> Sql:
        """A value of a type as text; null stays null."""
        if kind.kind == "number":
            return cast(func.trim_scale(value), Text())
        if kind.kind == "bool":
            return case((value.is_(True), "TRUE"), (value.is_(False), "FALSE"), else_=missing("text"))
        if kind.kind == "date":
            return func.to_char(value, "YYYY-MM-DD", type_=Text())
        if kind.kind == "datetime":
            return func.to_char(self.local(value), "YYYY-MM-DD HH24:MI:SS", type_=Text())
        return value

    # --- names and lists ---------------------------------------------------------------------------------

    def _named(self, node: Typed) -> Sql:
        if node.row is not None:
            found, kind = self._rows[node.row]
            if not node.columns:
                return found.item if node.type.kind not in ("record", "list") else found.row
            value, _ = rows.descend(found.row, kind, node.columns, node.at)
            return from_jsonb(value, node.type)
        if _list_step(node) is not None:
            listed = self.rows(node)
            return rows.list_or_null(self._holder(node)[0], listed.value(listed.item))
        return self._scalar_field(node)

    def _scalar_field(self, node: Typed) -> Sql:
        column = self._column(node)
        if node.columns or isinstance(column.type, JSON):
            value, _ = rows.descend(column, _holder_type(node), node.columns, node.at)
            return from_jsonb(type_coerce(value, JSONB()), node.type)
        if isinstance(column.type, ARRAY):
            return func.to_jsonb(column, type_=JSONB())
        if node.type.kind == "number" and isinstance(column.type, Integer):
            return cast(column, sql_type(NUMBER))
        return column

    def _column(self, node: Typed) -> Sql:
        key = node.source.key if node.source else ""
        if node.source and node.source.type.loose:
            suggestion = '声明为 [{…}] (子表) 或 {"type": "record", …}'
            raise not_in_sql(node.at, f"未声明为子表或记录的字段 {key}", suggestion)
        if key not in self.columns:
            raise not_in_sql(node.at, f"字段 {key}", "这里只能使用存入数据库的字段")
        return self.columns[key]

    def _holder(self, node: Typed) -> tuple[Sql, Type, tuple[str, ...]]:
        """The JSONB array below a list or a column of one, its type, and the columns inside of its rows."""
        step = _list_step(node)
        place = len(node.columns) if step is None else step
        column = self._column(node)
        if isinstance(column.type, ARRAY):
            column = func.to_jsonb(column, type_=JSONB())
        value, kind = rows.descend(column, _holder_type(node), node.columns[:place], node.at)
        return type_coerce(value, JSONB()), kind, node.columns[place:]

    def rows(self, node: Typed) -> Rows:
        """The rows of a list."""
        if node.op in _LISTS:
            return self._made_rows(node)
        if node.source is not None:
            value, kind, columns = self._holder(node)
            return rows.elements(value, kind, columns, node.at)
        return rows.elements(self.value(node, "list"), node.type, (), node.at)

    def _made_rows(self, node: Typed) -> Rows:
        kind = node.type.of_items
        if node.op == "list":
            return rows.of_values(self.values(node.args, kind.kind), kind)
        if node.op == "SPLIT":
            return rows.of_array(let(self.values(node.args, "text"), rows.split), kind)
        found = self.rows(node.args[0])
        if node.op == "UNIQUE":
            return rows.unique(found)
        with self.looking_at(node.args, found):
            if node.op == "FILTER":
                return rows.filtered(found, self.condition(node.args[1], filtering=True))
            return rows.mapped(found, self.value(node.args[1]))

    def _list_value(self, node: Typed) -> Sql:
        found = self.rows(node)
        listed = found.value(found.row if node.type.of_items.kind == "record" else found.item)
        if node.op != "SPLIT":
            return listed
        given = and_(*[value.is_not(None) for value in self.values(node.args, "text")])
        return case((given, listed), else_=missing("list"))

    @contextmanager
    def looking_at(self, arguments: list[Typed], found: Rows) -> Iterator[None]:
        """While the expression is made that is computed for each row of a list."""
        listed = arguments[0]
        base, kind = rows_below(listed)
        before = dict(self._rows)
        self._rows[base] = (found, kind)
        try:
            yield
        finally:
            self._rows = before


def _holder_type(node: Typed) -> Type:
    return node.source.type if node.source else ANY


def _list_step(node: Typed) -> int | None:
    """How many columns lead to the list whose column this is; None when the field itself is what is read."""
    holder = _holder_type(node)
    for place, name in enumerate(node.columns):
        if holder.kind == "list":
            return place
        holder = column_of(holder, name) or holder
    return None


def _if(compiler: Compiler, node: Typed) -> Sql:
    condition, then, *rest = node.args
    kind = node.type.kind
    otherwise = compiler.value(rest[0], kind) if rest else missing(kind)
    return case((compiler.condition(condition), compiler.value(then, kind)), else_=otherwise)


def _ifs(compiler: Compiler, node: Typed) -> Sql:
    kind = node.type.kind
    pairs = zip(node.args[::2], node.args[1::2], strict=True)
    whens = [(compiler.condition(condition), compiler.value(value, kind)) for condition, value in pairs]
    return case(*whens, else_=missing(kind))


def _switch(compiler: Compiler, node: Typed) -> Sql:
    subject, *rest = node.args
    kind = node.type.kind
    otherwise = compiler.value(rest.pop(), kind) if len(rest) % 2 else missing(kind)
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    if subject.type.kind == "null":
        return otherwise

    def choose(one: Sql) -> Sql:
        whens = [
            (compiler.equals(one, subject.type, each), compiler.value(value, kind)) for each, value in pairs
        ]
        return case(*whens, else_=otherwise)

    return let([compiler.value(subject)], choose)


def _isempty(compiler: Compiler, node: Typed) -> Sql:
    (inner,) = node.args
    if inner.type.kind == "null":
        return true()
    if inner.type.kind == "list":
        found = compiler.rows(inner)
        result: Sql = found.select(func.count()).scalar_subquery() == 0
        return result
    value = compiler.value(inner)
    return func.coalesce(value == "", true()) if inner.type.kind == "text" else value.is_(None)


_SIMPLE: dict[str, Callable[[Compiler, Typed], Sql]] = {
    "negative": lambda compiler, node: -compiler.value(node.args[0], "number"),
    "percent": lambda compiler, node: settled(
        compiler.value(node.args[0], "number") * number(Decimal("0.01"))
    ),
    "&": lambda compiler, node: compiler.join(node.args),
    "CONCAT": lambda compiler, node: compiler.join(node.args),
    "IF": _if,
    "IFS": _ifs,
    "SWITCH": _switch,
    "ISEMPTY": _isempty,
    "COALESCE": lambda compiler, node: func.coalesce(
        *compiler.values(node.args, node.type.kind), type_=sql_type(node.type)
    ),
}
COMPILED = (
    _LISTS | frozenset(_SIMPLE) | frozenset(calls.CALLS) | (frozenset(FUNCTIONS) & {"AND", "OR", "NOT"})
)
