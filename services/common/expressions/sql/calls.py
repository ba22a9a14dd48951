"""The functions in SQL: from a name to what makes it, and the refusal of those that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.expressions.sql import checks, dates, lists, numbers, texts
from services.common.expressions.sql.pieces import Sql, not_in_sql
from services.common.expressions.typed import Typed

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

CALLS = {**numbers.CALLS, **texts.CALLS, **dates.CALLS, **lists.CALLS, **checks.CALLS}


def call(compiler: Compiler, node: Typed) -> Sql:
    """The SQL of a function's call."""
    make = CALLS.get(node.op)
    if make is None:
        raise not_in_sql(node.at, f"函数 {node.op}", "改为在数据中保存计算结果, 再按它筛选")
    return make(compiler, node)
