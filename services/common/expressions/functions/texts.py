"""Functions of texts. A character is a code point; texts are compared by code points."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import re2

from services.common.expressions.functions import formats
from services.common.expressions.functions.table import Literals, define, whole
from services.common.expressions.problems import ITEMS_MAX, VALUE_LENGTH_MAX
from services.common.expressions.values import CONTEXT, canonical, settle
from services.common.expressions.world import Run, World

BLANKS = " \t\r\n\u3000\u00a0"
VALUE_PATTERN = r"[+-]?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{1,20})?%?"
_VALUE = re.compile(VALUE_PATTERN)
_PATTERN_LENGTH_MAX = 500
_PATTERN_BYTES_MAX = 1 << 20
_CHARACTERS_A_STEP = 100
_HUNDRED = Decimal(100)
_ONE = Decimal(1)


def shown(value: Any, world: World) -> str:
    """A value as text: numbers without zeros at the end, dates as 2026-01-31, instants in local time."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return f"{world.local(value).replace(tzinfo=None, microsecond=0)}"
    return value.isoformat() if isinstance(value, date) else canonical(value)


def bounded(text: str) -> str | None:
    """A text within the limits; None for one that is too long."""
    return text if len(text) <= VALUE_LENGTH_MAX else None


@define(
    "text",
    "LEN(text: text) -> number",
    "字符数; 一个汉字是一个字符。",
    "The number of characters; a Chinese character is one.",
    'LEN("信用ab")',
    "4",
)
def _len(text: str) -> Decimal:
    return Decimal(len(text))


@define(
    "text",
    "LEFT(text: text, count?: number) -> text",
    "开头的几个字符 (默认 1)。",
    "The first characters (1 by default).",
    'LEFT("CN-2026", 2)',
    '"CN"',
)
def _left(text: str, count: Decimal = _ONE) -> str:
    return text[: max(0, whole(count))]


@define(
    "text",
    "RIGHT(text: text, count?: number) -> text",
    "末尾的几个字符 (默认 1)。",
    "The last characters (1 by default).",
    'RIGHT("CN-2026", 4)',
    '"2026"',
)
def _right(text: str, count: Decimal = _ONE) -> str:
    return text[max(0, len(text) - max(0, whole(count))) :]


@define(
    "text",
    "MID(text: text, start: number, count: number) -> text",
    "从第几个字符 (从 1 起) 开始的几个字符; 起点小于 1 则为空。",
    "So many characters from a place on (the first is 1); null from a place before it.",
    'MID("CN-2026", 4, 4)',
    '"2026"',
)
def _mid(text: str, start: Decimal, count: Decimal) -> str | None:
    begin = whole(start) - 1
    return None if begin < 0 else text[begin : begin + max(0, whole(count))]


@define(
    "text",
    "CONCAT(value+: scalar) -> text",
    "连接成一个文本, 空值视为空文本。与 `&` 相同。",
    "All values as one text; null is a text without characters. The same as `&`.",
    'CONCAT("额度", 500, null)',
    '"额度500"',
    strict=False,
    runs=True,
)
def concat(run: Run, *values: Any) -> str | None:
    """All values as one text."""
    return bounded("".join([shown(value, run.world) for value in values]))


@define(
    "text",
    "TEXTJOIN(separator: text, value+: scalar | list(scalar)) -> text",
    "用分隔符连接, 空值与空文本跳过。",
    "The values with a separator between them, without nulls and texts without characters.",
    'TEXTJOIN("、", ["甲", null, "乙"])',
    '"甲、乙"',
    strict=False,
    runs=True,
)
def _textjoin(run: Run, separator: Any, *values: Any) -> str | None:
    if separator is None:
        return None
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    parts = [part for part in (shown(value, run.world) for value in flat) if part]
    return bounded(separator.join(parts))


@define("text", "UPPER(text: text) -> text", "转为大写。", "In capitals.", 'UPPER("ab")', '"AB"')
def _upper(text: str) -> str | None:
    return bounded(text.upper())


@define("text", "LOWER(text: text) -> text", "转为小写。", "In small letters.", 'LOWER("AB")', '"ab"')
def _lower(text: str) -> str | None:
    return bounded(text.lower())


@define(
    "text",
    "TRIM(text: text) -> text",
    "去掉首尾的空格 (含全角)、制表符与换行。",
    "Without blanks (wide ones too), tabs and line ends at both ends.",
    'TRIM("  a b ")',
    '"a b"',
)
def _trim(text: str) -> str:
    return text.strip(BLANKS)


@define(
    "text",
    "REPLACE(text: text, old: text, new: text) -> text",
    "把所有的旧文本替换为新文本; 旧文本为空文本时不变。",
    "With every old text replaced by the new one; unchanged when the old one has no characters.",
    'REPLACE("2026/01/31", "/", "-")',
    '"2026-01-31"',
)
def _replace(text: str, old: str, new: str) -> str | None:
    if not old:
        return text
    if len(text) + text.count(old) * (len(new) - len(old)) > VALUE_LENGTH_MAX:
        return None
    return text.replace(old, new)


@define(
    "text",
    "CONTAINS(text: text, part: text) -> bool",
    "是否含有另一文本。",
    "Whether the text has the other one in it.",
    'CONTAINS("信用额度", "额度")',
    "true",
)
def _contains(text: str, part: str) -> bool:
    return part in text


@define(
    "text",
    "STARTSWITH(text: text, start: text) -> bool",
    "是否以另一文本开头。",
    "Whether the text begins with the other one.",
    'STARTSWITH("CN-01", "CN")',
    "true",
)
def _startswith(text: str, start: str) -> bool:
    return text.startswith(start)


@define(
    "text",
    "ENDSWITH(text: text, end: text) -> bool",
    "是否以另一文本结尾。",
    "Whether the text ends with the other one.",
    'ENDSWITH("CN-01", "01")',
    "true",
)
def _endswith(text: str, end: str) -> bool:
    return text.endswith(end)


@define(
    "text",
    "FIND(part: text, text: text) -> number",
    "另一文本第一次出现的位置 (从 1 起); 没有则为空。",
    "Where the part first stands in the text (the first place is 1); null when it does not.",
    'FIND("-", "CN-01")',
    "3",
)
def _find(part: str, text: str) -> Decimal | None:
    place = text.find(part)
    return None if place < 0 else Decimal(place + 1)


@define(
    "text",
    "SPLIT(text: text, separator: text) -> list(text)",
    "按分隔符拆成列表; 分隔符为空文本时为一项。",
    "The parts between the separators; the text alone when the separator has no characters.",
    'SPLIT("a,b,c", ",")',
    '["a", "b", "c"]',
    runs=True,
)
def _split(run: Run, text: str, separator: str) -> list[str] | None:
    if not separator:
        return [text]
    run.charge(len(text) // _CHARACTERS_A_STEP)
    return text.split(separator) if text.count(separator) < ITEMS_MAX else None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES_MAX
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def _check_pattern(literals: Literals) -> tuple[int, str, str, str] | None:
    pattern = literals[1]
    if isinstance(pattern, str) and (len(pattern) > _PATTERN_LENGTH_MAX or _compiled(pattern) is None):
        return (
            1,
            "bad_pattern",
            "正则表达式无法使用",
            f"使用 RE2 语法, 最多 {_PATTERN_LENGTH_MAX} 个字符, 不含回溯引用",
        )
    return None


@define(
    "text",
    "REGEXMATCH(text: text, pattern: text) -> bool",
    "文本中是否有符合正则表达式 (RE2 语法, 线性时间) 的部分; 用 ^ 与 $ 表示首尾。",
    "Whether a part of the text matches the regular expression (RE2 syntax, linear time); ^ and $ are its "
    "ends.",
    'REGEXMATCH("CN-2026", "^CN-[0-9]{4}$")',
    "true",
    runs=True,
    check=_check_pattern,
)
def _regexmatch(run: Run, text: str, pattern: str) -> bool | None:
    compiled = _compiled(pattern) if len(pattern) <= _PATTERN_LENGTH_MAX else None
    run.charge(len(text) // _CHARACTERS_A_STEP)
    return None if compiled is None else compiled.search(text) is not None


def _check_format(literals: Literals) -> tuple[int, str, str, str] | None:
    pattern = literals[1]
    if not isinstance(pattern, str) or formats.number_pattern(pattern) or formats.date_pattern(pattern):
        return None
    return 1, "bad_format", f"格式无法使用: {pattern[:40]}", '数字如 "#,##0.00"、"0.0%", 日期如 "yyyy-mm-dd"'


@define(
    "text",
    "TEXT(value: number | date | datetime, format: text) -> text",
    '按格式写成文本: 数字 "0"、"0.00"、"#,##0.00"、"0.0%", 日期与时刻由 yyyy mm m dd d hh mi ss 组成。',
    'Written by a format: numbers "0", "0.00", "#,##0.00", "0.0%"; dates and instants of yyyy mm m dd d hh '
    "mi ss.",
    'TEXT(1234567.891, "#,##0.00")',
    '"1,234,567.89"',
    runs=True,
    check=_check_format,
)
def _format(run: Run, value: Any, pattern: str) -> str | None:
    if isinstance(value, Decimal):
        found = formats.number_pattern(pattern)
        return formats.write_number(value, found) if found else None
    parts = formats.date_pattern(pattern)
    if parts is None:
        return None
    return formats.write_date(run.world.local(value) if isinstance(value, datetime) else value, parts)


@define(
    "text",
    "VALUE(text: text) -> number",
    '文本所写的数字, 可带千分位与百分号 ("1,234.5"、"80%"); 不是数字则为空。',
    'The number that a text writes, thousands and percent allowed ("1,234.5", "80%"); null when it is none.',
    'VALUE("1,234.5")',
    "1234.5",
)
def _value(text: str) -> Decimal | None:
    stripped = text.strip(BLANKS)
    if not _VALUE.fullmatch(stripped):
        return None
    number = Decimal(stripped.rstrip("%").replace(",", ""))
    return settle(CONTEXT.divide(number, _HUNDRED) if stripped.endswith("%") else number)


@define(
    "text",
    "RMB(amount: number) -> text",
    "人民币大写金额, 四舍五入到分; 超出 10^16 则为空。",
    "An amount in Chinese words as on cheques, rounded to cents; null from 10^16 on.",
    "RMB(1050.06)",
    '"壹仟零伍拾元零陆分"',
)
def _rmb(amount: Decimal) -> str | None:
    return formats.rmb(amount)
