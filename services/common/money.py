"""Amounts of money: exact decimals with the digits of their currency, read strictly and never as floats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from functools import cache

from babel.core import get_global
from babel.numbers import get_currency_precision

from services.common.errors import Invalid

AMOUNT_MAX = Decimal(10) ** 15
_TEXT = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.([0-9]{1,6}))?", re.ASCII)
# Wide enough for every sum and product of amounts; the default context would stop at 28 digits.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)
_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
# Sums and products of amounts and rates: wide enough that nothing is rounded, and an error if it were.
EXACT = Context(prec=100, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes of the currencies that are legal tender somewhere today."""
    return frozenset(
        code
        for uses in get_global("territory_currencies").values()
        for code, _start, end, tender in uses
        if tender and not end
    )


def is_currency(code: object) -> bool:
    """Whether this is the code of a currency in use."""
    return isinstance(code, str) and code in currencies()


@cache
def currency_digits(currency: str) -> int:
    """How many decimals the currency has (CNY 2, JPY 0, KWD 3); `Invalid` for an unknown one."""
    if currency not in currencies():
        raise Invalid(f"未知的币种: {currency[:20]}", code="currency_unknown")
    return int(get_currency_precision(currency))


def parse_amount(text: object, currency: str) -> Decimal:
    """Read an amount written as `-?digits[.digits]`, with no more decimals than the currency has.

    Refuses with `Invalid` whatever is not text, has an exponent, sign `+`, spaces, separators, leading
    zeros or other than ASCII digits, a negative zero, too many decimals, or is beyond ±10^15.
    """
    if not isinstance(text, str):
        raise Invalid('金额应为十进制数字文本, 例如 "50000.00"', code="amount_not_text")
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Invalid('金额格式不正确, 应形如 "50000.00"', code="amount_malformed")
    digits = currency_digits(currency)
    if len(found.group(1) or "") > digits:
        raise Invalid(f"{currency} 金额最多 {digits} 位小数", code="amount_too_precise")
    amount = Decimal(text)
    if amount.is_zero() and amount.is_signed():
        raise Invalid("金额不能是负零", code="amount_malformed")
    if abs(amount) > AMOUNT_MAX:
        raise Invalid("金额超出允许范围 (最大 10^15)", code="amount_too_large")
    return amount


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The amount with exactly the currency's decimals, halves rounded away from zero; never −0."""
    rounded = amount.quantize(_unit(currency), context=_CONTEXT)
    return abs(rounded) if rounded.is_zero() else rounded


def round_down(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole units of the currency, towards zero."""
    return amount.quantize(_unit(currency), rounding=ROUND_DOWN, context=_CONTEXT)


def floor(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole units of the currency, towards −∞; never −0."""
    return _CONTEXT.plus(amount.quantize(_unit(currency), rounding=ROUND_FLOOR, context=_CONTEXT))


def ceiling(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole units of the currency, towards +∞; never −0."""
    return _CONTEXT.plus(amount.quantize(_unit(currency), rounding=ROUND_CEILING, context=_CONTEXT))


def divide_down(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """The largest whole amount of the currency that times the rate is no more than `amount`."""
    return floor(_FLOOR.divide(amount, rate), currency)


def divide_up(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """The smallest whole amount of the currency that times the rate is no less than `amount`."""
    return -divide_down(-amount, rate, currency)


def whole_parts(parts: Sequence[Decimal], total: Decimal, currency: str) -> list[Decimal]:
    """Parts in whole units of the currency that sum to `total`, the sum of the exact parts rounded up.

    Each is rounded down, and those that lost most, the earlier first, get a unit more.
    """
    unit = _unit(currency)
    whole = [floor(part, currency) for part in parts]
    missing = int((total - sum(whole, Decimal(0))) / unit)
    by_loss = sorted(range(len(parts)), key=lambda place: EXACT.subtract(whole[place], parts[place]))
    for place in by_loss[:missing]:
        whole[place] += unit
    return whole


def format_amount(amount: Decimal, currency: str) -> str:
    """The amount as it stands on the wire, e.g. `50000.00`; rounded like `quantize`."""
    return f"{quantize(amount, currency):f}"


def split(amount: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """Parts of an amount in proportion to non-negative weights, in the currency's smallest unit.

    The parts always sum to the whole: what rounding leaves goes, unit by unit, to the parts that lost most,
    the earlier first. `ValueError` when there is no positive weight or the amount is finer than a unit.
    """
    unit = _unit(currency)
    total = quantize(amount, currency)
    if total != amount:
        raise ValueError(f"{amount} is finer than a unit of {currency}")
    shares = [Decimal(weight) for weight in weights]
    whole = sum(shares, Decimal(0))
    if whole <= 0 or any(share < 0 for share in shares):
        raise ValueError("weights must not be negative, and one must be positive")
    exact = [_CONTEXT.divide(_CONTEXT.multiply(abs(total), share), whole) for share in shares]
    parts = [share.quantize(unit, rounding=ROUND_DOWN, context=_CONTEXT) for share in exact]
    missing = int((abs(total) - sum(parts, Decimal(0))) / unit)
    by_loss = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in by_loss[:missing]:
        parts[place] += unit
    return [-part if total < 0 and part else part for part in parts]


@cache
def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-currency_digits(currency))
