"""What the workbook says, sheet by sheet and column by column. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema

from gateway.identity import schema
from services.common.errors import CreditError, invalid_field
from services.common.fields import load
from services.common.sheets import SheetRow

DEPARTMENTS, POSITIONS, PEOPLE = SHEETS = ("部门", "岗位", "人员")
ROWS_MAX = 5_000
_YES, _NO = {"是", "在职", "true", "1", "yes"}, {"否", "离职", "false", "0", "no"}
_SEPARATORS = re.compile(r"[,、;，；\s]+")
# By sheet: the column's heading, and the field that it fills.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    DEPARTMENTS: {"编码": "code", "名称": "name", "上级": "parent", "负责人": "head"},
    POSITIONS: {"编码": "code", "名称": "name"},
    PEOPLE: {
        "用户名": "username",
        "姓名": "name",
        "邮箱": "email",
        "部门": "department",
        "岗位": "position",
        "角色": "roles",
        "在职": "active",
    },
}
_KEYS = {DEPARTMENTS: "code", POSITIONS: "code", PEOPLE: "username"}
_SHAPES: Mapping[str, Schema] = {
    DEPARTMENTS: schema.NewDepartment(),
    POSITIONS: schema.NewPosition(),
    PEOPLE: schema.NewUser(),
}


class Entry:
    """One row as its shape reads it: `values` holds the fields of those columns that the sheet has."""

    def __init__(self, sheet: str, row: int, values: dict[str, Any]) -> None:
        self.sheet = sheet
        self.row = row
        self.values = values

    @property
    def key(self) -> str:
        """The business key: a code, or a username in small letters."""
        key = str(self.values[_KEYS[self.sheet]])
        return key.lower() if self.sheet == PEOPLE else key


class Faults:
    """What is wrong, each with its sheet, row and column, as far as it has them."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def add(self, sheet: str, row: int, refusal: CreditError) -> None:
        """A refusal of one row, at the columns that it names; the row as a whole where it names none."""
        headings = {field: heading for heading, field in COLUMNS[sheet].items()}
        for error in refusal.errors or [{"field": "", "code": refusal.code, "message": refusal.detail}]:
            column = headings.get(str(error["field"]).partition(".")[0])
            self._add(sheet, row, column, error["code"], error["message"])

    def add_missing(self, sheet: str, key: str, refusal: CreditError) -> None:
        """A refusal of what follows for something that has no row in a sheet, which the text names."""
        self._add(sheet, None, None, refusal.code, f"{key}: {refusal.detail}")

    def of(self, sheet: str) -> bool:
        """Whether something is wrong in a sheet."""
        return any(fault["sheet"] == sheet for fault in self.found)

    def _add(self, sheet: str, row: int | None, column: str | None, code: str, message: str) -> None:
        place = "!".join(str(part) for part in (sheet, row, column) if part)
        fault = {"field": place, "sheet": sheet, "row": row, "column": column}
        self.found.append({**fault, "code": code, "message": message})


def read(book: Mapping[str, Sequence[SheetRow]], faults: Faults) -> dict[str, list[Entry]]:
    """The entries of each sheet that can be read; what cannot goes to `faults`."""
    return {sheet: _entries(sheet, book.get(sheet) or (), faults) for sheet in SHEETS}


def _entries(sheet: str, rows: Sequence[SheetRow], faults: Faults) -> list[Entry]:
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for row in rows:
        try:
            entry = Entry(sheet, row.line, _values(sheet, row.cells))
            if entry.key in seen:
                raise invalid_field(_KEYS[sheet], "row_doubled", f"与第 {seen[entry.key]} 行重复")
        except CreditError as refusal:
            faults.add(sheet, row.line, refusal)
            continue
        seen[entry.key] = row.line
        entries.append(entry)
    return entries


def _values(sheet: str, cells: Mapping[str, str]) -> dict[str, Any]:
    columns = COLUMNS[sheet]
    unknown = sorted(set(cells) - set(columns))
    if unknown:
        raise invalid_field("", "column_unknown", f"未知的列: {'、'.join(unknown[:5])}")
    given: dict[str, Any] = {columns[heading]: text or None for heading, text in cells.items()}
    active = _flag(given.pop("active", None))
    if given.get("roles") is not None:
        given["roles"] = [role for role in _SEPARATORS.split(given["roles"]) if role]
    present = {name for name in given if name != "roles" or given["roles"] is not None}
    loaded = load(_SHAPES[sheet], {name: value for name, value in given.items() if value is not None})
    values = {name: value for name, value in loaded.items() if name in present}
    return {**values, "active": active} if sheet == PEOPLE else values


def _flag(text: str | None) -> bool:
    word = (text or "是").lower()
    if word not in _YES | _NO:
        raise invalid_field("active", "not_a_flag", "应为 是 或 否")
    return word in _YES
