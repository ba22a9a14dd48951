"""Functions of lists and sub-tables in SQL that give one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Numeric, cast, func, not_

from services.common.expressions.sql.pieces import Sql, clamped, number, quotient, settled
from services.common.expressions.sql.rows import Rows
from services.common.expressions.typed import Typed

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

Make = Callable[["Compiler", Typed], Sql]


def _by_row(build: Callable[[Rows, Sql], Sql]) -> Make:
    """A function of the rows and of the condition in each."""

    def make(compiler: Compiler, node: Typed) -> Sql:
        rows = compiler.rows(node.args[0])
        with compiler.looking_at(node.args, rows):
            return build(rows, compiler.condition(node.args[1]))

    return make


def _sum(rows: Rows, condition: Sql) -> Sql:
    total = func.coalesce(func.sum(rows.item, type_=Numeric()), number(0))
    return clamped(rows.select(total).where(condition).scalar_subquery())


def _average(rows: Rows, condition: Sql) -> Sql:
    mean = quotient(func.sum(rows.item, type_=Numeric()), cast(func.count(rows.item), Numeric()))
    return settled(rows.select(mean).where(condition).scalar_subquery())


def _count(rows: Rows, condition: Sql) -> Sql:
    return cast(rows.select(func.count()).where(condition).scalar_subquery(), Numeric())


def _any(rows: Rows, condition: Sql) -> Sql:
    result: Sql = rows.select(func.count()).where(condition).scalar_subquery() > 0
    return result


def _all(rows: Rows, condition: Sql) -> Sql:
    result: Sql = rows.select(func.count()).where(not_(condition)).scalar_subquery() == 0
    return result


def _end(descending: bool) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        rows = compiler.rows(node.args[0])
        item = rows.row if node.type.kind == "record" else rows.item
        place = rows.place.desc() if descending else rows.place.asc()
        found: Sql = (
            rows.select(item).where(rows.item.is_not(None)).order_by(place).limit(1).scalar_subquery()
        )
        return found

    return make


CALLS: dict[str, Make] = {
    "SUMIF": _by_row(_sum),
    "COUNTIF": _by_row(_count),
    "AVERAGEIF": _by_row(_average),
    "ANY": _by_row(_any),
    "ALL": _by_row(_all),
    "FIRST": _end(False),
    "LAST": _end(True),
}
