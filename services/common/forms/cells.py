"""The fields of a form as columns of a table: what each column is called, and how its cells are read and
written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from services.common.caller import Caller
from services.common.errors import CreditError
from services.common.forms.definition import FormDefinition
from services.common.forms.texts import Fault, Refused, fault, faults_of
from services.common.forms.types import FormField, type_of
from services.common.imports.columns import COMPUTED, NOT_WRITABLE, Column, may_write

_LOCAL = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?"
)
# What to write into a cell, by type; where nothing is said the type's text format is shown.
_HINTS: Mapping[str, str] = {
    "text": "单行文本",
    "textarea": "多行文本",
    "rich_text": "文本",
    "number": "数字",
    "money": "金额, 例如 12000.00",
    "percent": "百分比, 例如 13% 或 0.13",
    "date": "日期, 例如 2026-03-01",
    "datetime": "日期时间, 例如 2026-03-01 08:30",
    "time": "时间, 例如 08:30",
    "date_range": "起止日期, 例如 2026-03-01~2026-03-31",
    "year_month": "年月, 例如 2026-03",
    "switch": "是 或 否",
    "multi_select": "多个选项用 、 分隔",
    "checkbox_group": "多个选项用 、 分隔",
    "tags": "多个标签用 、 分隔",
    "cascader": "各级选项用 / 分隔",
    "region": "省/市/区 的名称或行政区划代码",
    "mobile": "手机号码",
    "phone": "电话号码",
    "email": "邮箱地址",
    "uscc": "18 位统一社会信用代码",
    "id_card": "身份证号",
    "bank_account": "银行账号, 请设为文本格式",
    "user": "用户名",
    "department": "部门编码",
    "role": "角色代码",
    "relation": "对方记录的编码、编号或 id",
    "relations": "对方记录的编码、编号或 id, 用 、 分隔",
    "rating": "数字",
    "slider": "数字",
    "colour": "颜色, 例如 #1677FF",
    "location": "经度,纬度 地址",
    "sub_table": "JSON",
    "json": "JSON",
}


def columns_of(definition: FormDefinition, caller: Caller, right: str) -> list[Column]:
    """Every field that a record holds as a column; what the caller may not fill in says so."""
    return [_column(one, caller, right) for one in definition.holding]


def _column(one: FormField, caller: Caller, right: str) -> Column:
    kind, path = type_of(one), f"fields.{one.key}"
    refused = ""
    if kind.is_computed or one.read_only or kind.family == "file":
        refused = COMPUTED
    elif not may_write(caller, right, path):
        refused = NOT_WRITABLE
    filled = one.default is not None or "default_formula" in one.conditions
    return Column(
        path,
        one.label["zh"],
        one.type,
        one.required and not filled,
        "; ".join(_hints(one)),
        tuple(option["label"]["zh"] for option in one.options) if one.type in ("select", "radio") else (),
        (one.key, one.label.get("en") or one.key),
        refused,
    )


def _hints(one: FormField) -> Iterator[str]:
    if one.required:
        yield "必填"
    yield _HINTS.get(one.type, type_of(one).text_format)
    if one.unique:
        yield "不可重复"
    unit = type_of(one).unit(one)
    if unit and unit != "%":
        yield f"单位 {unit}"
    for name, word in (("minimum", "最小"), ("maximum", "最大"), ("max_length", "最多字数")):
        limit = one.settings.get(name)
        if limit is not None:
            yield f"{word} {limit}"


def read_cell(text: str, one: FormField, zone: str) -> Any:
    """What a cell says, as records take it; `Refused` for what cannot be read at all.

    Times without an offset are those of the company's clocks.
    """
    if one.type == "datetime":
        return _instant(text, zone)
    try:
        return type_of(one).from_text(text, one)
    except ValidationError as problem:
        raise Refused(faults_of(problem)) from problem
    except CreditError as problem:
        raise Refused([Fault("", problem.code, problem.detail, problem.code)]) from problem


def _instant(text: str, zone: str) -> str:
    parts = _LOCAL.fullmatch(text.strip())
    if parts is None:
        return text
    try:
        moment = datetime(*(int(part or 0) for part in parts.groups()), tzinfo=ZoneInfo(zone))  # type: ignore[misc,arg-type]
    except ValueError:
        raise Refused([fault("instant_unknown")]) from None
    return moment.isoformat()


def write_cell(value: Any, one: FormField, zone: str) -> str:
    """A stored value as the cell of an export, which an import reads again."""
    if one.type == "datetime" and isinstance(value, str):
        return instant_cell(datetime.fromisoformat(value), zone)
    return type_of(one).to_text(value, one)


def instant_cell(moment: datetime, zone: str) -> str:
    """An instant by the company's clocks."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
