"""Functions of numbers. Exact: rounding is half away from zero, and only where it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

from services.common.expressions.functions.table import define, whole
from services.common.expressions.values import CONTEXT, LIMIT, PLACES, settle, within

_ZERO, _ONE = Decimal(0), Decimal(1)
_EXPONENT_MAX = 10_000
_DIGITS_MIN = -30
# Decimal digits beyond which a power is surely out of range, or surely zero in the 20th place.
_MAGNITUDE_MAX = 32
_MAGNITUDE_MIN = -40


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from (item for item in value if item is not None)
        elif value is not None:
            yield value


def _total(numbers: Iterator[Any]) -> Decimal:
    total = _ZERO
    for number in numbers:
        total = CONTEXT.add(total, number)
    return total


@define(
    "number",
    "SUM(value+: number | list(number)) -> number",
    "合计, 空值跳过; 没有数字时为 0。",
    "The sum, without nulls; 0 when there is no number.",
    "SUM(1, 2, [3, 4])",
    "10",
    strict=False,
)
def _sum(*values: Any) -> Decimal | None:
    return within(_total(_flat(values)))


@define(
    "number",
    "AVG(value+: number | list(number)) -> number",
    "平均值, 空值跳过; 没有数字时为空。",
    "The mean, without nulls; null when there is no number.",
    "AVG(1, 2, null, 6)",
    "3",
    strict=False,
)
def average(*values: Any) -> Decimal | None:
    """The mean of what is not null."""
    numbers = list(_flat(values))
    return settle(CONTEXT.divide(_total(iter(numbers)), Decimal(len(numbers)))) if numbers else None


@define(
    "number",
    "MIN(value+: T | list(T)) -> T",
    "最小的数字、日期或时刻, 空值跳过; 没有值时为空。",
    "The smallest number, date or instant, without nulls; null when there is none.",
    "MIN(3, 2, 5)",
    "2",
    strict=False,
)
def _min(*values: Any) -> Any:
    return min(_flat(values), default=None)


@define(
    "number",
    "MAX(value+: T | list(T)) -> T",
    "最大的数字、日期或时刻, 空值跳过; 没有值时为空。",
    "The largest number, date or instant, without nulls; null when there is none.",
    "MAX([3, 2, 5])",
    "5",
    strict=False,
)
def _max(*values: Any) -> Any:
    return max(_flat(values), default=None)


@define(
    "number",
    "COUNT(value+: any) -> number",
    "不为空的值的个数; 子表按行数。",
    "How many values are not null; of a sub-table, its rows.",
    'COUNT(1, null, ["a", "b"])',
    "3",
    strict=False,
)
def _count(*values: Any) -> Decimal:
    return Decimal(sum(1 for _ in _flat(values)))


def _rounded(value: Decimal, digits: Decimal, rounding: str) -> Decimal | None:
    places = max(_DIGITS_MIN, min(PLACES, whole(digits)))
    return within(CONTEXT.plus(value.quantize(_ONE.scaleb(-places), rounding=rounding, context=CONTEXT)))


@define(
    "number",
    "ROUND(number: number, digits?: number) -> number",
    "四舍五入到小数点后几位 (默认 0; 负数为小数点前)。",
    "Rounded to so many places (0 by default; negative: before the point), half away from zero.",
    "ROUND(2.345, 2)",
    "2.35",
)
def _round(value: Decimal, digits: Decimal = _ZERO) -> Decimal | None:
    return _rounded(value, digits, ROUND_HALF_UP)


@define(
    "number",
    "ROUNDUP(number: number, digits?: number) -> number",
    "向远离零的方向舍入到小数点后几位。",
    "Rounded away from zero to so many places.",
    "ROUNDUP(2.341, 2)",
    "2.35",
)
def _roundup(value: Decimal, digits: Decimal = _ZERO) -> Decimal | None:
    return _rounded(value, digits, ROUND_UP)


@define(
    "number",
    "ROUNDDOWN(number: number, digits?: number) -> number",
    "向零的方向舍去, 保留小数点后几位。",
    "Rounded towards zero to so many places.",
    "ROUNDDOWN(-2.349, 2)",
    "-2.34",
)
def _rounddown(value: Decimal, digits: Decimal = _ZERO) -> Decimal | None:
    return _rounded(value, digits, ROUND_DOWN)


def _multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal | None:
    if step <= 0:
        return None
    quotient = CONTEXT.divide(value, step).quantize(_ONE, rounding=rounding, context=CONTEXT)
    return settle(CONTEXT.multiply(CONTEXT.plus(quotient), step))


@define(
    "number",
    "CEILING(number: number, step?: number) -> number",
    "不小于它的最小的步长倍数 (默认 1); 步长不为正则为空。",
    "The smallest multiple of the step (1 by default) that is not smaller; null unless the step is positive.",
    "CEILING(123, 50)",
    "150",
)
def _ceiling(value: Decimal, step: Decimal = _ONE) -> Decimal | None:
    return _multiple(value, step, ROUND_CEILING)


@define(
    "number",
    "FLOOR(number: number, step?: number) -> number",
    "不大于它的最大的步长倍数 (默认 1); 步长不为正则为空。",
    "The largest multiple of the step (1 by default) that is not larger; null unless the step is positive.",
    "FLOOR(-1.5)",
    "-2",
)
def _floor(value: Decimal, step: Decimal = _ONE) -> Decimal | None:
    return _multiple(value, step, ROUND_FLOOR)


@define("number", "ABS(number: number) -> number", "绝对值。", "The absolute value.", "ABS(-3)", "3")
def _abs(value: Decimal) -> Decimal:
    return value.copy_abs()


@define(
    "number",
    "INT(number: number) -> number",
    "不大于它的最大整数。",
    "The largest whole number that is not larger.",
    "INT(-1.2)",
    "-2",
)
def _int(value: Decimal) -> Decimal:
    return CONTEXT.plus(value.to_integral_value(ROUND_FLOOR))


@define(
    "number",
    "SIGN(number: number) -> number",
    "正数为 1, 零为 0, 负数为 -1。",
    "1 for a positive number, 0 for zero, -1 for a negative one.",
    "SIGN(-8)",
    "-1",
)
def _sign(value: Decimal) -> Decimal:
    return Decimal((value > 0) - (value < 0))


@define(
    "number",
    "MOD(number: number, divisor: number) -> number",
    "余数, 符号与除数相同; 除数为零则为空。",
    "The remainder, with the sign of the divisor; null when that is zero.",
    "MOD(-7, 3)",
    "2",
)
def _mod(value: Decimal, divisor: Decimal) -> Decimal | None:
    if divisor == 0:
        return None
    rest = CONTEXT.remainder(value, divisor)
    other_sign = rest and (rest < 0) != (divisor < 0)
    return CONTEXT.add(rest, divisor) if other_sign else CONTEXT.plus(rest)


@define(
    "number",
    "POWER(base: number, exponent: number) -> number",
    "乘幂, 与 `^` 相同。无定义 (0 的非正次幂、负数的小数次幂)、指数超过 10000 或结果超出 10^30 时为空。",
    "The power, the same as `^`. Null when undefined (0 to no positive power, a negative base to a "
    "broken one), "
    "for exponents beyond 10000 and for results beyond 10^30.",
    "POWER(1.1, 2)",
    "1.21",
)
def power(base: Decimal, exponent: Decimal) -> Decimal | None:
    """`base` to the power of `exponent`."""
    is_whole = exponent == exponent.to_integral_value()
    if abs(exponent) > _EXPONENT_MAX or (base == 0 and exponent <= 0) or (base < 0 and not is_whole):
        return None
    if base == 0:
        return _ZERO
    magnitude = CONTEXT.multiply(exponent, base.copy_abs().log10(_ROUGH))
    if magnitude > _MAGNITUDE_MAX:
        return None
    return _ZERO if magnitude < _MAGNITUDE_MIN else settle(CONTEXT.power(base, exponent))


_ROUGH = CONTEXT.copy()
_ROUGH.prec = 9


@define(
    "number",
    "SQRT(number: number) -> number",
    "平方根; 负数为空。",
    "The square root; null for a negative number.",
    "SQRT(16)",
    "4",
)
def _sqrt(value: Decimal) -> Decimal | None:
    return None if value < 0 else settle(CONTEXT.sqrt(value))


def arithmetic() -> dict[str, Callable[[Decimal, Decimal], Decimal | None]]:
    """The operators between two numbers."""

    def divide(left: Decimal, right: Decimal) -> Decimal | None:
        return settle(CONTEXT.divide(left, right)) if right else None

    def multiply(left: Decimal, right: Decimal) -> Decimal | None:
        result = CONTEXT.multiply(left, right)
        return settle(result) if -LIMIT < result < LIMIT else None

    def add(left: Decimal, right: Decimal) -> Decimal | None:
        result = CONTEXT.add(left, right)
        return result if -LIMIT < result < LIMIT else None

    def subtract(left: Decimal, right: Decimal) -> Decimal | None:
        result = CONTEXT.subtract(left, right)
        return result if -LIMIT < result < LIMIT else None

    return {"+": add, "-": subtract, "*": multiply, "/": divide, "^": power}
