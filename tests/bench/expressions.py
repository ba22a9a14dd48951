"""`python -m tests.bench.expressions`: the speed of the expression language; `make bench` measures it too.

`expression_evals_per_s` is a compiled condition over a record of 100 fields on one core, and
`expression_parse_ms` a formula of 200 characters parsed and checked anew each time; `zen_evals_per_s` is
zen-engine with a compiled condition of the same meaning over the same record, in floats.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import zen

from services.common.expressions import Fields, check, compile_tree, parse
from tests.bench.report import Figures, run_alone

_SECONDS = 2.0
_ROUNDS = 5
_PARSES = 200
CONDITION = '年销售额 * 0.1 > 500000 and 等级 in ["A", "B"] and not 冻结 and 逾期天数 <= 30'
ZEN_CONDITION = 'f0 * 0.1 > 500000 and grade in ["A", "B"] and not frozen and overdue <= 30'
FORMULA = (
    'IF(年销售额 * 0.1 > 500000 and 等级 in ["A", "B"] and not 冻结, MIN(500000, ROUND(年销售额 * 0.1, 2)), '
    "COALESCE(字段1, 0) * 80%) + SUM(字段2, 字段3, 字段4) - IF(ISEMPTY(等级), 0, LEN(等级)) + "
    "字段5 * 2.5 / MAX(字段6, 1) + ABS(字段7 - 字段8)"
)
FORMULA_LENGTH_MIN = 200


def catalogue() -> Fields:
    """A hundred fields."""
    numbers = {f"字段{number}": "number" for number in range(96)}
    return Fields({"年销售额": "number", "逾期天数": "number", "等级": "text", "冻结": "bool", **numbers})


def record() -> dict[str, Any]:
    """A record of them."""
    numbers = {f"字段{number}": Decimal(number) for number in range(96)}
    return {"年销售额": Decimal(6_000_000), "逾期天数": Decimal(12), "等级": "B", "冻结": False, **numbers}


def measure() -> Figures:
    """Every figure."""
    ours, theirs = (
        compile_tree(check(parse(CONDITION), catalogue()).tree),
        zen.compile_expression(ZEN_CONDITION),
    )
    values = record()
    floats: dict[str, Any] = {f"f{number}": float(number) for number in range(1, 97)}
    floats |= {"f0": 6e6, "overdue": 12.0, "grade": "B", "frozen": False}
    assert ours(values) is True
    assert theirs.evaluate(floats) is True
    assert len(values) == len(floats) == 100
    return {
        "expression_evals_per_s": round(_per_second(lambda: ours(values))),
        "expression_parse_ms": round(_parse_ms(), 2),
        "zen_evals_per_s": round(_per_second(lambda: theirs.evaluate(floats))),
    }


def _per_second(work: Callable[[], Any]) -> float:
    """The median of a few rounds."""
    rates = []
    for _ in range(_ROUNDS):
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < _SECONDS / _ROUNDS:
            for _ in range(100):
                work()
            count += 100
        rates.append(count / (time.perf_counter() - began))
    return statistics.median(rates)


def _parse_ms() -> float:
    assert len(FORMULA) >= FORMULA_LENGTH_MIN
    fields, times = catalogue(), []
    for _ in range(_PARSES):
        began = time.perf_counter()
        check(parse(FORMULA), fields)
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


if __name__ == "__main__":
    run_alone(__doc__, measure)
