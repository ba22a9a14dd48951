"""The types of the language, how they are declared, and when one fits where another is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.common.expressions.problems import refuse

KINDS = ("number", "text", "date", "datetime", "bool", "list", "record", "null")
# What forms and facts call their fields, and the type that stands behind it.
_ALIASES = {"money": "number", "percent": "number", "integer": "number", "instant": "datetime"}
NAMES_ZH = {
    "number": "数字",
    "text": "文本",
    "date": "日期",
    "datetime": "时刻",
    "bool": "是否",
    "list": "列表",
    "record": "记录",
    "null": "空值",
    "any": "任意",
}
_DECLARATION_DEPTH_MAX = 8
_COLUMNS_MAX = 500


@dataclass(frozen=True)
class Type:
    """A type. `item` is what a list holds, `columns` what a record holds (empty: not known).

    `loose` marks what was declared as `{"列": type}` alone, which may be a record or a sub-table: its columns
    are taken as one value or as many, whichever is wanted.
    """

    kind: str
    item: Type | None = None
    columns: Mapping[str, Type] = field(default_factory=dict)
    loose: bool = False

    @property
    def shown(self) -> str:
        """The type as a person reads it."""
        if self.kind == "list" and self.item is not None and self.item.kind != "any":
            return f"{self.item.shown}列表"
        return NAMES_ZH[self.kind]

    @property
    def of_items(self) -> Type:
        """What a list holds."""
        return self.item or ANY


ANY = Type("any")
NUMBER, TEXT, DATE, DATETIME, BOOL, NULL = (
    Type(name) for name in ("number", "text", "date", "datetime", "bool", "null")
)
SCALARS = frozenset({"number", "text", "date", "datetime", "bool"})
SIMPLE = {kind.kind: kind for kind in (ANY, NUMBER, TEXT, DATE, DATETIME, BOOL, NULL)}


def list_of(item: Type, *, loose: bool = False) -> Type:
    """A list of such items."""
    return Type("list", item, loose=loose)


def record_of(columns: Mapping[str, Type]) -> Type:
    """A record with these columns."""
    return Type("record", columns=columns)


def declared(written: Any, depth: int = 0) -> Type:
    """The type that a declaration means; `ExpressionError` for one that means none.

    `"number"` (or money, percent, integer), `"text"`, …; `["text"]` a list;
    `[{"金额": "number"}]` a sub-table;
    `{"type": "record", "fields": {...}}` and `{"type": "list", "items": ...}`;
    `{"金额": "number"}` a record or
    a sub-table, see `Type.loose`.
    """
    if isinstance(written, Type):
        return written
    if depth > _DECLARATION_DEPTH_MAX:
        raise refuse(0, "bad_type", f"类型声明嵌套最多 {_DECLARATION_DEPTH_MAX} 层", "减少嵌套")
    if isinstance(written, str):
        return _named(written)
    if isinstance(written, list) and len(written) == 1:
        item = declared(written[0], depth + 1)
        return list_of(item.of_items if item.loose else item)
    if isinstance(written, Mapping):
        return _declared_mapping(written, depth)
    raise refuse(0, "bad_type", f"不是类型: {str(written)[:40]}", f"类型应为 {', '.join(KINDS)}")


def _named(written: str) -> Type:
    name = _ALIASES.get(written, written)
    if name in ("list", "record"):
        return list_of(ANY) if name == "list" else record_of({})
    if name not in SIMPLE or name == "null":
        raise refuse(0, "bad_type", f"未知的类型 {written[:40]}", f"类型应为 {', '.join(KINDS)}")
    return SIMPLE[name]


def _declared_mapping(written: Mapping[str, Any], depth: int) -> Type:
    kind = written.get("type")
    if kind == "record" and isinstance(written.get("fields"), Mapping):
        return record_of(_columns(written["fields"], depth))
    if kind == "list" and set(written) == {"type", "items"}:
        item = declared(written["items"], depth + 1)
        return list_of(item.of_items if item.loose else item)
    return list_of(record_of(_columns(written, depth)), loose=True)


def _columns(written: Mapping[str, Any], depth: int) -> dict[str, Type]:
    if len(written) > _COLUMNS_MAX:
        raise refuse(0, "bad_type", f"一个子表最多 {_COLUMNS_MAX} 列", "减少列")
    return {str(name): declared(inner, depth + 1) for name, inner in written.items()}


def column_of(holder: Type, name: str) -> Type | None:
    """The type of `holder.name`; None when there is no such column."""
    if holder.kind == "any":
        return ANY
    if holder.kind == "record":
        return holder.columns.get(name) if holder.columns else ANY
    if holder.kind == "list":
        column = column_of(holder.of_items, name)
        if column is None:
            return None
        # A list in each row is not joined to one: what it holds is not known.
        return list_of(ANY if column.kind == "list" else column, loose=holder.loose)
    return None


def fits(found: Type, wanted: Type) -> bool:
    """Whether a value of the one type may stand where the other is wanted."""
    if "any" in (found.kind, wanted.kind) or found.kind == "null":
        return True
    if found.kind != wanted.kind:
        return found.loose and fits(found.of_items, wanted)
    return found.kind != "list" or fits(found.of_items, wanted.of_items)


def common(left: Type, right: Type) -> Type | None:
    """The type of what is one or the other; None when they have nothing in common."""
    if left.kind in ("any", "null"):
        return right if right.kind != "null" or left.kind == "null" else left
    if fits(right, left):
        return left.of_items if left.loose and right.kind not in ("list", "any", "null") else left
    return right if fits(left, right) else None
