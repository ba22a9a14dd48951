"""Lists page by page: a cursor says after which row to go on, so that inserts never shift a page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Select, and_, or_, tuple_

from services.common import fields, strict_json
from services.common.db import UnitOfWork
from services.common.errors import CreditError, MalformedRequest, invalid_field
from services.common.expressions.values import NUMBER_TEXT

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
_CURSOR_LENGTH_MAX = 2_000


class ListInput(fields.StrictSchema):
    """What every list takes; subclass it and give `where` the fields that may be asked for."""

    page_size = fields.IntegerField(minimum=1, maximum=PAGE_SIZE_MAX, load_default=PAGE_SIZE)
    page_after = fields.TextField(max_length=_CURSOR_LENGTH_MAX, load_default=None, allow_none=True)
    sort = fields.TextField(max_length=60, load_default=None, allow_none=True)
    where = fields.ObjectField(load_default=dict)


def page(
    work: UnitOfWork,
    statement: Select[Any],
    received: Mapping[str, Any],
    *,
    sort: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any],
    default_sort: str,
    to_item: Callable[[Any], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One page of a SELECT: `{"items": [...], "next": cursor or None}`.

    `received` is a loaded `ListInput`. `sort` names the columns one may sort by (`-name` descends), `key` is
    the unique column that decides between equals; both must be labelled columns of the statement. Empty
    values come last in either direction. Locks nothing. `Invalid` for an unknown sort, `MalformedRequest`
    for a cursor that this list did not give.
    """
    order = received.get("sort") or default_sort
    descending = order.startswith("-")
    column = sort.get(order.removeprefix("-"))
    if column is None:
        known = "、".join(sort)
        raise invalid_field("sort", "sort_unknown", f"可用的排序字段: {known}", f"不能按 {order[:60]} 排序")
    size = int(received.get("page_size") or PAGE_SIZE)
    cursor = received.get("page_after")
    if cursor:
        value, last_key = _read_cursor(cursor, order, column, key)
        statement = statement.where(_after(column, key, value, last_key, descending))
    direction = (column.desc(), key.desc()) if descending else (column.asc(), key.asc())
    placed = (direction[0].nulls_last(), direction[1]) if _may_be_empty(column) else direction
    statement = statement.add_columns(column.label("_sort"), key.label("_key"))
    rows = work.execute(statement.order_by(*placed).limit(size + 1)).mappings().all()
    items = [_item(row, to_item) for row in rows[:size]]
    following = None
    if len(rows) > size:
        last = rows[size - 1]
        following = _write_cursor(order, last["_sort"], last["_key"])
    return {"items": items, "next": following}


def _item(row: Mapping[Any, Any], to_item: Callable[[Any], dict[str, Any]] | None) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if name not in ("_sort", "_key")}
    return to_item(plain) if to_item else plain


def _may_be_empty(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", True))


def _after(
    column: ColumnElement[Any], key: ColumnElement[Any], value: Any, last_key: Any, descending: bool
) -> ColumnElement[bool]:
    if not _may_be_empty(column):
        # A row comparison can walk an index on (column, key).
        here, there = tuple_(column, key), tuple_(value, last_key)
        return here < there if descending else here > there
    beyond_key = key < last_key if descending else key > last_key
    if value is None:
        return and_(column.is_(None), beyond_key)
    beyond = column < value if descending else column > value
    return or_(beyond, and_(column == value, beyond_key), column.is_(None))


def _write_cursor(order: str, value: Any, key: Any) -> str:
    text = strict_json.dumps([order, value, key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(
    cursor: str, order: str, column: ColumnElement[Any], key: ColumnElement[Any]
) -> tuple[Any, Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = strict_json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(parts, list) or len(parts) != 3 or parts[0] != order:
            raise ValueError("another list's cursor")
        value = None if parts[1] is None else _typed(parts[1], column)
        if value is None and not _may_be_empty(column):
            raise ValueError("an empty value where there is none")
        return value, _typed(parts[2], key)
    except (CreditError, ValidationError, binascii.Error, ValueError, InvalidOperation) as problem:
        raise MalformedRequest("分页游标无效, 请从第一页重新开始", code="cursor_invalid") from problem


def _number(value: Any) -> Decimal:
    if not isinstance(value, str) or not NUMBER_TEXT.fullmatch(value):
        raise ValueError("no number")
    return Decimal(value)


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    wanted = column.type.python_type
    if wanted is UUID:
        return fields.IdField().deserialize(value)
    if wanted is datetime:
        return fields.parse_instant(value)
    if wanted is date:
        return fields.parse_date(value)
    if wanted is Decimal:
        return _number(value)
    if wanted is int:
        return fields.IntegerField().deserialize(value)
    if wanted is bool:
        return fields.FlagField().deserialize(value)
    if wanted is str and isinstance(value, str) and "\x00" not in value:
        return value
    raise ValueError("a value of another type")
