"""Functions of logic. Those that must not compute what is not needed are compiled; what they say is here."""

from __future__ import annotations

from typing import Any

from services.common.expressions.functions.table import define


def _lazy(*values: Any) -> Any:
    """Stands in the table for what the backends compile themselves."""
    raise AssertionError("compiled by every backend itself")


define(
    "logic",
    "IF(condition: bool, then: T, otherwise?: T) -> T",
    "条件成立时取第二个值, 否则取第三个值 (没有则为空)。条件为空视为不成立。",
    "The second value if the condition holds, else the third (null without one). A null condition does not "
    "hold.",
    'IF(3 > 2, "是", "否")',
    '"是"',
    strict=False,
)(_lazy)
define(
    "logic",
    "IFS(condition: bool, value: T) -> T",
    "依次检查条件, 取第一个成立的条件后面的值; 都不成立则为空。",
    "The value after the first condition that holds; null if none does.",
    'IFS(5 > 10, "大", 5 > 3, "中", true, "小")',
    '"中"',
    strict=False,
)(_lazy)
define(
    "logic",
    "SWITCH(subject: S, case: S, value: T, otherwise?: T) -> T",
    "取第一个与第一个参数相等的情形后面的值; 都不相等取最后单独的值, 没有则为空。",
    "The value after the first case that equals the subject, else the last single value, else null.",
    'SWITCH("B", "A", 100, "B", 80, 0)',
    "80",
    strict=False,
)(_lazy)
define(
    "logic",
    "AND(condition+: bool) -> bool",
    "所有条件都成立。与 `a and b` 相同; 空值视为不成立。",
    "Whether every condition holds. The same as `a and b`; null does not hold.",
    "AND(1 < 2, 2 < 3)",
    "true",
    strict=False,
)(_lazy)
define(
    "logic",
    "OR(condition+: bool) -> bool",
    "至少一个条件成立。与 `a or b` 相同; 空值视为不成立。",
    "Whether at least one condition holds. The same as `a or b`; null does not hold.",
    "OR(1 > 2, 2 < 3)",
    "true",
    strict=False,
)(_lazy)
define(
    "logic",
    "NOT(condition: bool) -> bool",
    "条件不成立。与 `not a` 相同; 空值视为不成立, 所以 `NOT(null)` 成立。",
    "Whether the condition does not hold. The same as `not a`; null does not hold, so `NOT(null)` is true.",
    "NOT(1 > 2)",
    "true",
    strict=False,
)(_lazy)
define(
    "logic",
    "COALESCE(value+: T) -> T",
    "第一个不为空的值; 都为空则为空。",
    "The first value that is not null; null if all are.",
    "COALESCE(null, 3, 4)",
    "3",
    strict=False,
)(_lazy)


@define(
    "logic",
    "ISEMPTY(value: any) -> bool",
    "空值、空文本或没有任何项的列表。",
    "Whether the value is null, a text without characters or a list without items.",
    'ISEMPTY("")',
    "true",
    strict=False,
)
def _isempty(value: Any) -> bool:
    return value is None or value == "" or value == []
