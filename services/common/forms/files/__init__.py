"""Files in the fields of forms: described by us, held by one record, removed a while after none holds them.

A file is uploaded for a field, then named by the record: what a record says of its files is what we know of
them, not what was sent. The bytes lie in the storage, of which only the gateway knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, invalid_field
from services.common.field_rights import concealed_names
from services.common.forms.definition import FormDefinition
from services.common.forms.files import store
from services.common.forms.texts import Fault, fault
from services.common.forms.types import FormField, type_of
from services.common.forms.types.files import Attachment
from services.common.ids import new_id

# How long a file stays that no record holds: never attached, taken out of its field, or of a deleted record.
GRACE = timedelta(days=30)
_MEGABYTE = 1024 * 1024
_SWEPT_MAX = 200


def room_for(definition: FormDefinition, path: str) -> dict[str, Any]:
    """What a field takes: `{"size_bytes_max", "content_types"}` (none: any); `Invalid` for no file field."""
    field = _field_at(definition, path)
    return {
        "size_bytes_max": field.settings["size_mb_max"] * _MEGABYTE,
        "content_types": list(_kind(field).allowed(field)),
    }


def add_file(work: UnitOfWork, definition: FormDefinition, received: Mapping[str, Any]) -> dict[str, Any]:
    """Register a file that lies in the storage, as its field takes it; answers what a record says of it."""
    field = _field_at(definition, received["field"])
    names = ("name", "content_type", "size_bytes")
    row = {**{name: received[name] for name in (*names, "sha256", "storage_key", "field")}, "id": new_id()}
    _kind(field).file({"id": str(row["id"]), **{name: row[name] for name in names}}, field)
    stamp = {"form": definition.key, "record_id": None, "uploaded_at": work.now, "released_at": work.now}
    store.add(work, {**row, **stamp, "uploaded_by": work.caller.principal})
    return {"id": row["id"], **{name: row[name] for name in names}}


def described(
    work: UnitOfWork, definition: FormDefinition, given: Mapping[str, Any], record_id: UUID | None
) -> dict[str, Any]:
    """Values with what we know of the files that they name.

    `Invalid` names the field of a file that is not there, that somebody else has uploaded and this record
    does not hold, or that was uploaded for another field.
    """
    named = list(_named(definition, given))
    if not named:
        return dict(given)
    known = {row["id"]: row for row in store.find(work, definition.key, {one for _, one in named})}
    faults: list[Fault] = []
    for path, file_id in named:
        row = known.get(file_id)
        mine = row is not None and (
            row["uploaded_by"] == work.caller.principal if row["record_id"] is None
            else row["record_id"] == record_id
        )  # fmt: skip
        if row is None or not mine or row["field"] != path or row["removed_at"] is not None:
            faults.append(fault("file_unknown", f"fields.{path.partition('.')[0]}"))
    if faults:
        errors = [one.as_error() for one in faults]
        raise Invalid(f"表单填写有误: {faults[0].zh}", code="invalid", errors=errors)
    return {key: _told(value, known) for key, value in given.items()}


def attach(work: UnitOfWork, definition: FormDefinition, record_id: UUID, values: Mapping[str, Any]) -> None:
    """Let a record hold the files that its values name, and no others; the record's row is locked or new.

    `Conflict` for one that another record has taken meanwhile.
    """
    if not definition.file_fields:
        return
    ids = {file_id for _, file_id in _named(definition, values)}
    store.release(work, definition.key, record_id, ids)
    if ids and store.attach(work, definition.key, record_id, ids) != len(ids):
        raise Conflict("文件已被其他记录使用", code="file_taken")


def release(work: UnitOfWork, definition: FormDefinition, record_id: UUID) -> None:
    """Let go of the files of a record that is deleted; they stay for a while, see `GRACE`."""
    if definition.file_fields:
        store.release(work, definition.key, record_id, set())


def hold_again(
    work: UnitOfWork, definition: FormDefinition, record_id: UUID, values: Mapping[str, Any]
) -> None:
    """Let a record that is restored hold its files again, as far as they are still there."""
    ids = {file_id for _, file_id in _named(definition, values)}
    if ids:
        store.attach(work, definition.key, record_id, ids)


def get_file(work: UnitOfWork, form: str, resource: str, record_id: UUID, file_id: UUID) -> dict[str, Any]:
    """A file that a record holds, with the key of its bytes; the caller reads the record.

    `NotFound` for another one, and for one in a field that the caller does not see.
    """
    rows = store.find(work, form, {file_id})
    row = rows[0] if rows else None
    if row is None or row["record_id"] != record_id or row["removed_at"] or row["released_at"]:
        raise NotFound("文件不存在", code="file_not_found")
    top = row["field"].partition(".")[0]
    if {f"fields.{top}", f"fields.{row['field']}", "fields.*"} & concealed_names(work.caller, resource):
        raise NotFound("文件不存在", code="file_not_found")
    return {name: row[name] for name in ("name", "content_type", "size_bytes", "storage_key")}


def take_removable(work: UnitOfWork) -> dict[str, Any]:
    """Some of the files that nobody has held for `GRACE`: `{"items": [{"id", "storage_key"}]}`.

    From now on no record can hold them. Whoever has removed their bytes says so by `forget_files`; until
    then they are told again.
    """
    return {"items": store.take_removable(work, work.now - GRACE, _SWEPT_MAX)}


def forget_files(work: UnitOfWork, ids: list[UUID]) -> dict[str, Any]:
    """The bytes of these files are gone; that they were there is still known."""
    return {"forgotten": store.forget(work, ids)}


def _field_at(definition: FormDefinition, path: str) -> FormField:
    field = definition.file_fields.get(path)
    if field is None:
        raise invalid_field("field", "not_a_file_field", "该表单没有这个附件字段")
    return field


def _kind(field: FormField) -> Attachment:
    return cast(Attachment, type_of(field))


def _named(definition: FormDefinition, values: Mapping[str, Any]) -> Iterator[tuple[str, UUID]]:
    """(path of the field, id) of every file that values name; what is no file is left to its type."""
    for path in definition.file_fields:
        top, _, column = path.partition(".")
        value = values.get(top)
        rows = value if isinstance(value, list) else [value]
        cells = (row.get(column) for row in rows if isinstance(row, Mapping)) if column else rows
        for cell in cells:
            for item in cell if isinstance(cell, list) else [cell]:
                found = _id_of(item)
                if found is not None:
                    yield path, found


def _id_of(item: Any) -> UUID | None:
    text = item.get("id") if isinstance(item, Mapping) else None
    try:
        return UUID(text) if isinstance(text, str) and len(text) == 36 else None
    except ValueError:
        return None


def _told(value: Any, known: Mapping[UUID, Mapping[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_told(item, known) for item in value]
    found = _id_of(value)
    if found is not None and found in known:
        row = known[found]
        return {"id": str(found), **{name: row[name] for name in ("name", "size_bytes", "content_type")}}
    return {key: _told(item, known) for key, item in value.items()} if isinstance(value, Mapping) else value
