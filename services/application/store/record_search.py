"""Searching the records of forms: filters, sorts and scopes over the fields of a definition, in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Numeric,
    Select,
    Text,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY

from services.application.model import form_records
from services.common import expressions
from services.common.db import UnitOfWork
from services.common.errors import Invalid, invalid_field
from services.common.expressions import Checked, ExpressionError, Field, Fields
from services.common.expressions.sql import compile_condition
from services.common.expressions.types import declared
from services.common.field_rights import concealed_names
from services.common.forms import Form, FormDefinition, FormField, type_of
from services.common.forms.formulas import catalogue_of
from services.common.forms.rights import CORE, resource_for, resource_key
from services.common.forms.words import query
from services.common.paging import page
from services.common.rights import MY_FIELDS
from services.common.scopes import Facts, Owned, my_columns, visible, world_of

Sql = ColumnElement[Any]
# Immutable functions of the database that read a value as its type, null where it is of another one.
_READERS: Mapping[str, tuple[str, Any]] = {
    "text": ("form_text", Text()),
    "number": ("form_number", Numeric()),
    "date": ("form_date", Date()),
    "datetime": ("form_instant", DateTime(timezone=True)),
    "bool": ("form_flag", Boolean()),
}
_CORE = tuple(one.key for one in CORE)


def value_of(key: str) -> Sql:
    """A field in the document, as JSONB."""
    found: Sql = form_records.c.fields.op("->", return_type=JSONB())(literal(key, Text()))
    return found


def column_of(field: FormField) -> Sql:
    """A field as a column of its type; as JSONB where it has parts."""
    kind = type_of(field).expression_type(field)
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return value_of(field.key)
    name, sql_type = reader
    return getattr(func, name)(value_of(field.key), type_=sql_type)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Shelf:
    """The records of one form as they can be searched."""

    key: str
    definition: FormDefinition
    catalogue: Fields
    columns: Mapping[str, Sql]
    owned: Owned

    def facts(self, row: Mapping[str, Any]) -> Facts:
        """What scopes read of a row."""
        values = {name: row[name] for name in _CORE}
        for key, one in self.owned.fields.fields.items():
            if key not in values and key not in MY_FIELDS:
                values[key] = _read(row["fields"].get(key), one)
        owner = (row["created_by"],)
        return Facts(owner, (row["department"],), (str(row["id"]),), values)


def _read(value: Any, one: Field) -> Any:
    try:
        return expressions.from_json(value, one.type, one.key)
    except ExpressionError:
        return None


@lru_cache(maxsize=256)
def _shelf(form: Form) -> Shelf:
    definition = form.definition
    known = catalogue_of(definition.holding).fields
    core = {one.key: one for one in CORE}
    columns: dict[str, Sql] = {one.key: column_of(one) for one in definition.holding}
    columns |= {name: form_records.c[name] for name in ("id", *_CORE)}
    fields = resource_for(definition).scope_of_records
    owned = Owned(fields, columns, owners=("created_by",), departments=("department",), ids=("id",))
    identity = Field("id", declared("text"), "编号", "Id")
    return Shelf(definition.key, definition, Fields({"id": identity, **known, **core}), columns, owned)


def shelf_of(form: Form) -> Shelf:
    """The records of a form as they can be searched, made once for each compiled form."""
    return _shelf(form)


def list_records(work: UnitOfWork, shelf: Shelf, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of records; `received` is a loaded `RecordList`. `Invalid` names what cannot be searched."""
    gone = form_records.c.deleted_at
    statement = select(*(column for column in form_records.c if column.name != "words")).where(
        form_records.c.form == shelf.key,
        gone.is_not(None) if (received.get("where") or {}).get("deleted") == "true" else gone.is_(None),
        visible(work, shelf.owned),
    )
    statement = _filtered(work, shelf, statement, received)
    # Ids are in the order of their making, so one index on (field, id) serves a filter and this order.
    sorts: dict[str, Sql] = {"created_at": form_records.c.id, "updated_at": form_records.c.updated_at}
    for one in shelf.definition.holding:
        if one.searchable and isinstance(type_of(one).expression_type(one), str):
            sorts[f"fields.{one.key}"] = sorts[one.key] = shelf.columns[one.key]
    return page(work, statement, received, sort=sorts, key=form_records.c.id, default_sort="-created_at")


def _filtered(
    work: UnitOfWork, shelf: Shelf, statement: Select[Any], received: Mapping[str, Any]
) -> Select[Any]:
    for name, value in (received.get("where") or {}).items():
        if name == "deleted":
            continue
        if not isinstance(value, str) or "\x00" in value:
            raise invalid_field(name[:60], "filter_invalid", "筛选值应为文本")
        if name == "q":
            statement = statement.where(_matches(work, shelf, value))
        elif name == "filter":
            statement = statement.where(_condition(work, shelf, value))
        else:
            statement = statement.where(_equals(shelf, name, value))
    return statement


def check_filter(shelf: Shelf, text: str) -> Checked:
    """A filter expression, checked; `Invalid` names every mistake with its position."""
    try:
        return expressions.check(expressions.parse(text), shelf.catalogue, "bool")
    except ExpressionError as problem:
        raise _wrong_filter(problem) from problem


def _condition(work: UnitOfWork, shelf: Shelf, text: str) -> Sql:
    checked = check_filter(shelf, text)
    try:
        columns = {**shelf.columns, "id": cast(form_records.c.id, Text()), **my_columns(work.caller)}
        return compile_condition(checked, columns, world_of(work))
    except ExpressionError as problem:
        raise _wrong_filter(problem) from problem


def _wrong_filter(problem: ExpressionError) -> Invalid:
    errors = [{"field": "filter", **error} for error in problem.errors]
    return Invalid(f"筛选条件有误: {problem}", code="filter_invalid", errors=errors)


def _equals(shelf: Shelf, name: str, value: str) -> Sql:
    key = name.removeprefix("fields.")
    if key in ("created_by", "updated_by", "department") and not name.startswith("fields."):
        return form_records.c[key] == value
    field = shelf.definition.field(key)
    if field is None or not type_of(field).can_be_searched or key not in shelf.columns:
        raise invalid_field(name[:60], "filter_invalid", "不能按该字段筛选", f"不能按 {name[:60]} 筛选")
    wanted = declared(type_of(field).expression_type(field))
    if wanted.kind == "list":
        item = cast(literal([value], JSONB()), JSONB())
        contained: Sql = value_of(key).op("@>", return_type=Boolean())(item)
        return contained
    try:
        flag = {"true": True, "false": False}.get(value, value)
        found = expressions.from_json(flag if wanted.kind == "bool" else value, wanted, name)
    except ExpressionError as problem:
        raise _wrong_filter(problem) from problem
    result: Sql = shelf.columns[key] == found
    return result


def _matches(work: UnitOfWork, shelf: Shelf, asked: str) -> Sql:
    """Full-text search; for whom a field is concealed, over those that are not, as the words hold all."""
    unseen = concealed_names(work.caller, resource_key(shelf.key))
    if not unseen:
        words = query(asked)
        if not words:
            return false()
        matching: Sql = form_records.c.words.op("@@", return_type=Boolean())(cast(words, TSQUERY))
        return matching
    escaped = asked.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    searched = (
        shelf.columns[one.key]
        for one in shelf.definition.holding
        if type_of(one).stores == "text" and not {f"fields.{one.key}", "fields.*"} & unseen
    )
    return or_(false(), *(column.ilike(f"%{escaped}%", escape="\\") for column in searched))
