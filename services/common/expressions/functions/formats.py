"""How numbers and dates are written: patterns of `TEXT`, units of time, amounts in Chinese words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from services.common.expressions.values import CONTEXT

_NUMBER_PATTERN = re.compile(r"(#,##)?0(?:\.(0{1,20}))?(%)?")
_DATE_TOKEN = re.compile(r"yyyy|mm|mi|m|dd|d|hh|ss|[^A-Za-z]")
PATTERN_LENGTH_MAX = 60
_UNITS = {
    "year": ("year", "years", "y", "年"),
    "quarter": ("quarter", "quarters", "q", "季", "季度"),
    "month": ("month", "months", "m", "月"),
    "week": ("week", "weeks", "w", "周"),
    "day": ("day", "days", "d", "天", "日"),
    "hour": ("hour", "hours", "h", "小时"),
    "minute": ("minute", "minutes", "mi", "分钟"),
}
UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_RMB_LIMIT = Decimal(10) ** 16


@dataclass(frozen=True)
class NumberPattern:
    """`#,##0.00` and the like."""

    places: int
    grouped: bool
    percent: bool


def unit_of(word: str) -> str | None:
    """The unit that a word names, in either language; None for no unit."""
    return UNIT_OF.get(word.lower())


def number_pattern(pattern: str) -> NumberPattern | None:
    """What a number's pattern says; None when it is none."""
    matched = _NUMBER_PATTERN.fullmatch(pattern)
    if matched is None:
        return None
    grouped, decimals, percent = matched.groups()
    return NumberPattern(len(decimals or ""), grouped is not None, percent is not None)


@lru_cache(maxsize=256)
def date_pattern(pattern: str) -> tuple[str, ...] | None:
    """The parts of a date's pattern (`yyyy年m月d日`); None when it is none."""
    if len(pattern) > PATTERN_LENGTH_MAX or not pattern.isprintable():
        return None
    parts = tuple(_DATE_TOKEN.findall(pattern))
    if "".join(parts) != pattern or not any(part.isascii() and part.isalpha() for part in parts):
        return None
    return parts


def write_number(value: Decimal, pattern: NumberPattern) -> str:
    """A number by its pattern, rounded half away from zero."""
    scaled = CONTEXT.multiply(value, Decimal(100)) if pattern.percent else value
    rounded = scaled.quantize(Decimal(1).scaleb(-pattern.places), rounding=ROUND_HALF_UP, context=CONTEXT)
    if not rounded:
        rounded = rounded.copy_abs()
    return f"{rounded:{',' if pattern.grouped else ''}f}" + ("%" if pattern.percent else "")


def write_date(value: date, parts: tuple[str, ...]) -> str:
    """A date, or an instant as the local clocks show it, by the parts of its pattern."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
    tokens = {
        "yyyy": f"{moment.year:04d}",
        "mm": f"{moment.month:02d}",
        "m": str(moment.month),
        "dd": f"{moment.day:02d}",
        "d": str(moment.day),
        "hh": f"{moment.hour:02d}",
        "mi": f"{moment.minute:02d}",
        "ss": f"{moment.second:02d}",
    }
    return "".join(tokens.get(part, part) for part in parts)


def rmb(value: Decimal) -> str | None:
    """An amount as it stands on Chinese cheques and contracts; None from 10^16 on.

    After the rules of the People's Bank for cheques (支付结算办法, 附一): 整 after 元 and 角, 零 for zeros
    within.
    """
    cents = int(value.copy_abs().quantize(Decimal("0.01"), rounding=ROUND_HALF_UP, context=CONTEXT) * 100)
    if cents >= _RMB_LIMIT * 100:
        return None
    yuan, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    text = _said(yuan) + "元" if yuan else ""
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif fen and yuan:
        text += "零"
    text += _DIGITS[fen] + "分" if fen else ("整" if text else "零元整")
    return ("负" if value < 0 and cents else "") + text


def _said(value: int) -> str:
    """A whole number below 10^16 in words."""
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        if value >= size:
            high, low = divmod(value, size)
            gap = "零" if 0 < low < size // 10 else ""
            return _said(high) + unit + gap + (_said(low) if low else "")
    text, zero = "", False
    for size, unit in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = value // size % 10
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + unit
            zero = False
        else:
            zero = True
    return text
