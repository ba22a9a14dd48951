"""Functions that check what people type, and the one that looks into other forms."""

from __future__ import annotations

import re
from typing import Any

from services.common import uscc
from services.common.expressions.functions.table import define
from services.common.expressions.problems import refuse
from services.common.expressions.values import date_of
from services.common.expressions.world import Run

MOBILE_PATTERN = r"(\+86)?1[3-9][0-9]{9}"
EMAIL_PATTERN = r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}"
IDCARD_PATTERN = r"[1-9][0-9]{16}[0-9X]"
_MOBILE = re.compile(MOBILE_PATTERN)
_EMAIL = re.compile(EMAIL_PATTERN)
_IDCARD = re.compile(IDCARD_PATTERN)
# GB 11643-1999: 2^(18-i) mod 11 for the places from 1 to 17, and the characters that belong to the
# remainders.
IDCARD_WEIGHTS = tuple(pow(2, 18 - place, 11) for place in range(1, 18))
IDCARD_CHECKS = "10X98765432"


@define(
    "lookup",
    "LOOKUP(form: text, column: text, value: scalar, wanted: text) -> any",
    "另一张表单中, 某列等于给定值的记录的另一列; 没有这样的记录则为空。表单与列应为文本常量。",
    "Of another form, the wanted column of the record whose column has the value; null when there "
    "is none. Form and "
    "columns are literal texts.",
    'LOOKUP("客户", "编码", "C1", "等级")',
    '"A"',
    runs=True,
)
def _lookup(run: Run, form: str, column: str, value: Any, wanted: str) -> Any:
    if run.world.lookup is None:
        raise refuse(0, "no_lookup", "这里不能使用 LOOKUP 读取其他表单", "改为读取本表单的字段")
    return run.world.lookup(form, column, value, wanted)


@define(
    "check",
    "USCC(text: text) -> bool",
    "是否为校验位正确的 18 位统一社会信用代码 (GB 32100-2015)。",
    "Whether the text is a unified social credit code of 18 characters with the right check character "
    "(GB 32100-2015).",
    'USCC("91350100M000100Y43")',
    "true",
)
def _uscc(text: str) -> bool:
    return uscc.is_valid(text)


@define(
    "check",
    "IDCARD(text: text) -> bool",
    "是否为校验位正确、生日存在的 18 位居民身份证号 (GB 11643-1999)。",
    "Whether the text is a resident identity number with an existing birthday and the right check character "
    "(GB 11643-1999).",
    'IDCARD("11010519491231002X")',
    "true",
)
def _idcard(text: str) -> bool:
    if not _IDCARD.fullmatch(text) or date_of(f"{text[6:10]}-{text[10:12]}-{text[12:14]}") is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, IDCARD_WEIGHTS, strict=False))
    return IDCARD_CHECKS[total % 11] == text[-1]


@define(
    "check",
    "MOBILE(text: text) -> bool",
    "是否为中国大陆手机号 (可带 +86)。",
    "Whether the text is a mobile number of mainland China (+86 allowed).",
    'MOBILE("13800138000")',
    "true",
)
def _mobile(text: str) -> bool:
    return _MOBILE.fullmatch(text) is not None


@define(
    "check",
    "EMAIL(text: text) -> bool",
    "是否为电子邮件地址。",
    "Whether the text is an e-mail address.",
    'EMAIL("ap@example.com")',
    "true",
)
def _email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None
