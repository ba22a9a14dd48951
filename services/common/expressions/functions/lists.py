"""Functions of lists and sub-tables; a list that is null has no items.

In the condition of a function that looks at each row, the path of the list means the row: in
`SUMIF(明细.金额, 明细.类别 = "A")`, `明细.类别` is the category of the row that is looked at.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.common.expressions.functions.numbers import average
from services.common.expressions.functions.table import define
from services.common.expressions.values import CONTEXT, within

Pairs = list[tuple[Any, Any]]


@define(
    "list",
    "SUMIF(values: list(number), condition: row bool) -> number",
    "条件成立的各行的合计, 空值跳过; 没有则为 0。",
    "The sum of the rows for which the condition holds, without nulls; 0 when there is none.",
    "SUMIF(明细.金额, 明细.金额 > 10)",
    "50",
    strict=False,
    by_row=True,
)
def _sumif(rows: Pairs) -> Decimal | None:
    total = Decimal(0)
    for item, holds in rows:
        if holds is True and item is not None:
            total = CONTEXT.add(total, item)
    return within(total)


@define(
    "list",
    "COUNTIF(items: list, condition: row bool) -> number",
    "条件成立的行数。",
    "How many rows the condition holds for.",
    'COUNTIF(明细, 明细.类别 = "A")',
    "2",
    strict=False,
    by_row=True,
)
def _countif(rows: Pairs) -> Decimal:
    return Decimal(sum(holds is True for _, holds in rows))


@define(
    "list",
    "AVERAGEIF(values: list(number), condition: row bool) -> number",
    "条件成立的各行的平均值, 空值跳过; 没有则为空。",
    "The mean of the rows for which the condition holds, without nulls; null when there is none.",
    'AVERAGEIF(明细.金额, 明细.类别 = "A")',
    "20",
    strict=False,
    by_row=True,
)
def _averageif(rows: Pairs) -> Decimal | None:
    return average([item for item, holds in rows if holds is True])


@define(
    "list",
    "FILTER(items: list(T), condition: row bool) -> list(T)",
    "条件成立的各项。",
    "The items for which the condition holds.",
    'FILTER(明细.金额, 明细.类别 = "A")',
    "[10, 30]",
    strict=False,
    by_row=True,
)
def _filter(rows: Pairs) -> list[Any]:
    return [item for item, holds in rows if holds is True]


@define(
    "list",
    "MAP(items: list, value: row T) -> list(T)",
    "对每一行计算一个值。",
    "A value computed for each row.",
    "SUM(MAP(明细, 明细.金额 * 2))",
    "120",
    strict=False,
    by_row=True,
)
def _map(rows: Pairs) -> list[Any]:
    return [value for _, value in rows]


@define(
    "list",
    "ANY(items: list, condition: row bool) -> bool",
    "至少一行使条件成立。",
    "Whether the condition holds for at least one row.",
    "ANY(明细, 明细.金额 > 25)",
    "true",
    strict=False,
    by_row=True,
)
def _any(rows: Pairs) -> bool:
    return any(holds is True for _, holds in rows)


@define(
    "list",
    "ALL(items: list, condition: row bool) -> bool",
    "每一行都使条件成立; 没有行时成立。",
    "Whether the condition holds for every row; it does when there is none.",
    "ALL(明细, 明细.金额 > 25)",
    "false",
    strict=False,
    by_row=True,
)
def _all(rows: Pairs) -> bool:
    return all(holds is True for _, holds in rows)


@define(
    "list",
    "FIRST(items: list(T)) -> T",
    "第一个不为空的项; 没有则为空。",
    "The first item that is not null; null when there is none.",
    "FIRST([3, 1, 2])",
    "3",
    strict=False,
)
def _first(items: list[Any] | None) -> Any:
    return next((item for item in items or () if item is not None), None)


@define(
    "list",
    "LAST(items: list(T)) -> T",
    "最后一个不为空的项; 没有则为空。",
    "The last item that is not null; null when there is none.",
    "LAST([3, 1, 2])",
    "2",
    strict=False,
)
def _last(items: list[Any] | None) -> Any:
    return next((item for item in reversed(items or ()) if item is not None), None)


@define(
    "list",
    "UNIQUE(items: list(scalar)) -> same",
    "不重复的各项, 按第一次出现的次序, 不含空值。",
    "The different items in the order in which they first come, without nulls.",
    'UNIQUE(["A", "B", "A"])',
    '["A", "B"]',
    strict=False,
)
def _unique(items: list[Any] | None) -> list[Any]:
    return list(dict.fromkeys(item for item in items or () if item is not None))
