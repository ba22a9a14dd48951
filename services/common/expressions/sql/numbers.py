"""Functions of numbers in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Numeric, and_, case, cast, func, or_

from services.common.expressions.sql.pieces import (
    Sql,
    clamped,
    let,
    missing,
    number,
    precise,
    quotient,
    settled,
    sql_type,
    whole,
)
from services.common.expressions.typed import Typed
from services.common.expressions.types import NUMBER

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

Make = Callable[["Compiler", Typed], Sql]
_PLACES_MIN, _PLACES_MAX = -30, 20
_EXPONENT_MAX = 10_000
_MAGNITUDE_MAX, _MAGNITUDE_MIN = 32, -40


def _parts(compiler: Compiler, node: Typed, aggregate: str) -> list[Sql]:
    """What each argument adds: a value, or the aggregate of a list."""
    found = []
    for argument in node.args:
        if argument.type.kind == "list":
            rows = compiler.rows(argument)
            # What holds nothing but null is of no type yet.
            item = (
                rows.item if argument.type.of_items.kind != "null" else cast(rows.item, sql_type(node.type))
            )
            made = getattr(func, aggregate)(item, type_=sql_type(node.type))
            found.append(rows.select(made).scalar_subquery())
        else:
            found.append(compiler.value(argument, node.type.kind))
    return found


def _sum_of(parts: list[Sql]) -> Sql:
    total: Sql = func.coalesce(parts[0], number(0))
    for part in parts[1:]:
        total = total + func.coalesce(part, number(0))
    return total


def _sum(compiler: Compiler, node: Typed) -> Sql:
    return clamped(_sum_of(_parts(compiler, node, "sum")))


def _count_of(compiler: Compiler, node: Typed) -> Sql:
    parts: list[Sql] = []
    for argument in node.args:
        if argument.type.kind == "list":
            rows = compiler.rows(argument)
            counted = rows.row if argument.type.of_items.kind == "record" else rows.item
            parts.append(cast(rows.select(func.count(counted)).scalar_subquery(), Numeric()))
        else:
            value = compiler.value(argument)
            parts.append(case((value.is_(None), number(0)), else_=number(1)))
    return _sum_of(parts)


def _avg(compiler: Compiler, node: Typed) -> Sql:
    total, count = _sum_of(_parts(compiler, node, "sum")), _count_of(compiler, node)
    return settled(quotient(total, count))


def _extreme(aggregate: str, of_parts: str) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        parts = _parts(compiler, node, aggregate)
        found: Sql = (
            getattr(func, of_parts)(*parts, type_=sql_type(node.type)) if len(parts) > 1 else parts[0]
        )
        return found

    return make


def _rounded(build: Callable[[Sql, Sql], Sql]) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        value = compiler.value(node.args[0], "number")
        digits = compiler.value(node.args[1], "number") if len(node.args) > 1 else number(0)
        return let(
            [value, whole(digits, _PLACES_MIN, _PLACES_MAX)], lambda one, places: clamped(build(one, places))
        )

    return make


def _away_from_zero(value: Sql, places: Sql) -> Sql:
    cut = func.trunc(value, places, type_=Numeric())
    step = func.round(func.power(number(10), -places, type_=Numeric()), _PLACES_MAX, type_=Numeric())
    return case((cut == value, cut), else_=cut + func.sign(value, type_=Numeric()) * step)


def _multiple(towards: str) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        step = compiler.value(node.args[1], "number") if len(node.args) > 1 else number(1)

        def build(value: Sql, by: Sql) -> Sql:
            count = getattr(func, towards)(quotient(value, by), type_=Numeric())
            return case((by > 0, settled(count * by)), else_=missing("number"))

        return let([compiler.value(node.args[0], "number"), step], build)

    return make


def _mod(compiler: Compiler, node: Typed) -> Sql:
    def build(value: Sql, divisor: Sql) -> Sql:
        rest = func.mod(value, func.nullif(divisor, number(0)), type_=Numeric())

        def signed(found: Sql, by: Sql) -> Sql:
            other = and_(found != 0, func.sign(found) != func.sign(by))
            return case((other, found + by), else_=found)

        return let([rest, divisor], signed)

    return let(compiler.values(node.args, "number"), build)


def power(base: Sql, exponent: Sql) -> Sql:
    """A power as the language has it: null where it is undefined, and for what is beyond the limits."""

    def build(one: Sql, two: Sql) -> Sql:
        undefined = or_(
            func.abs(two) > _EXPONENT_MAX,
            and_(one == 0, two <= 0),
            and_(one < 0, two != func.trunc(two)),
            one.is_(None),
            two.is_(None),
        )
        magnitude = two * func.log(func.abs(one), type_=Numeric())
        return case(
            (undefined, missing("number")),
            (one == 0, number(0)),
            (magnitude > _MAGNITUDE_MAX, missing("number")),
            (magnitude < _MAGNITUDE_MIN, number(0)),
            else_=settled(func.power(one, precise(two), type_=Numeric())),
        )

    return let([base, exponent], build)


def _one(build: Callable[[Sql], Sql]) -> Make:
    return lambda compiler, node: build(compiler.value(node.args[0], "number"))


def _sqrt(value: Sql) -> Sql:
    return let(
        [value],
        lambda one: case(
            (one >= 0, settled(func.sqrt(precise(one), type_=Numeric()))), else_=missing("number")
        ),
    )


CALLS: dict[str, Make] = {
    "SUM": _sum,
    "AVG": _avg,
    "MIN": _extreme("min", "least"),
    "MAX": _extreme("max", "greatest"),
    "COUNT": _count_of,
    "ROUND": _rounded(lambda value, places: func.round(value, places, type_=Numeric())),
    "ROUNDDOWN": _rounded(lambda value, places: func.trunc(value, places, type_=Numeric())),
    "ROUNDUP": _rounded(_away_from_zero),
    "CEILING": _multiple("ceil"),
    "FLOOR": _multiple("floor"),
    "ABS": _one(lambda value: func.abs(value, type_=sql_type(NUMBER))),
    "INT": _one(lambda value: func.floor(value, type_=sql_type(NUMBER))),
    "SIGN": _one(lambda value: func.sign(value, type_=sql_type(NUMBER))),
    "MOD": _mod,
    "POWER": lambda compiler, node: power(*compiler.values(node.args, "number")),
    "SQRT": _one(_sqrt),
}
