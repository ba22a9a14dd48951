"""What people do with an import: upload, say what the columns mean, try it, run it, stop it, look at it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from services.common import caller as callers
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.ids import new_id
from services.common.imports import columns as mapping
from services.common.imports import reading, store
from services.common.imports.columns import Column
from services.common.imports.model import ACTIVE
from services.common.imports.schema import LINES_AT_ONCE_MAX
from services.common.imports.target import REFUSE, UPDATE
from services.common.storage import FileStorage

AREA = "imports"
# Lines are JSON of the cells, escaped: somewhat more than the file.
LINES_BYTES_MAX = 4 * reading.FILE_BYTES_MAX
_RECENT = 10
_NO_COUNTS = {"done": 0, "created": 0, "updated": 0, "skipped": 0, "failed": 0}


def take_in(files: FileStorage, storage_key: str) -> dict[str, Any]:
    """Make plain lines of an uploaded file and keep them in its stead; raises as `reading.read`.

    The upload is gone afterwards, whatever was in it.
    """
    try:
        with files.open(storage_key) as source, tempfile.TemporaryFile() as lines:
            table = reading.read(source, lines)
            # Named after the upload: whoever asks again with the same key gets the same lines.
            kept = files.put(lines, area=AREA, token=storage_key)
    finally:
        files.delete(storage_key)
    return {
        "lines_key": kept.key,
        "headings": list(table.headings),
        "preview": [list(row) for row in table.preview],
        "encoding": table.encoding,
        "separator": table.separator,
        "rows": table.rows,
    }


def create(
    work: UnitOfWork, form: str, file_name: str, taken: Mapping[str, Any], columns: Sequence[Column]
) -> dict[str, Any]:
    """A new import of a file that was taken in, with the mapping that its headings propose."""
    row = {
        **taken,
        **_NO_COUNTS,
        "id": new_id(),
        "form": form,
        "owner": work.caller.principal,
        "file_name": file_name,
        "mapping": mapping.propose(taken["headings"], columns),
        "existing": REFUSE,
        "mode": "valid_rows",
        "state": "uploaded",
        "phase": "check",
        "caller": None,
        "right": work.right,
        "trace_id": work.trace_id,
        "position": 0,
        "problem": None,
        "cancelling": False,
        "attempts": 0,
        "lease": None,
        "leased_until": None,
        "version": 1,
        "created_at": work.now,
        "updated_at": work.now,
        "started_at": None,
        "ended_at": None,
    }
    store.add(work, row)
    return answer(row, columns)


def change(work: UnitOfWork, received: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """Say what columns mean, and what becomes of records that are there already; what was tried is void."""
    row = _found(work, received, locked=True)
    _require_version(row, received)
    _require_idle(row)
    changed = dict(row["mapping"])
    if "mapping" in received:
        mapping.check_mapping(received["mapping"], row["headings"], columns)
        changed |= received["mapping"]
        mapping.check_mapping(changed, row["headings"], columns)
    values = {
        **_NO_COUNTS,
        "mapping": changed,
        "existing": received.get("existing", row["existing"]),
        "state": "uploaded",
        "problem": None,
        "version": row["version"] + 1,
    }
    store.forget_errors(work, row["id"])
    store.change(work, row["id"], values)
    return answer({**row, **values}, columns)


def start(
    work: UnitOfWork, received: Mapping[str, Any], columns: Sequence[Column], *, writes: bool
) -> dict[str, Any]:
    """Hand an import to the worker: to try every row (`checking`), or to bring them in (`running`).

    `Forbidden` names fields that the caller may not fill in, `Invalid` columns whose meaning is open.
    """
    row = _found(work, received, locked=True)
    _require_version(row, received)
    _require_idle(row)
    mapping.check_mapping(row["mapping"], row["headings"], columns)
    creates = row["existing"] != UPDATE
    mapping.require_settled(row["mapping"], row["headings"], columns, creates=creates)
    mode = received.get("mode", row["mode"])
    values = {
        **_NO_COUNTS,
        "state": "running" if writes else "checking",
        # All or nothing: every row is tried first.
        "phase": "write" if writes and mode == "valid_rows" else "check",
        "mode": mode,
        "caller": callers.claims_of(work.caller),
        "right": work.right,
        "trace_id": work.trace_id,
        "position": 0,
        "problem": None,
        "cancelling": False,
        "attempts": 0,
        "lease": None,
        "leased_until": None,
        "version": row["version"] + 1,
        "started_at": work.now,
        "ended_at": None,
    }
    store.forget_errors(work, row["id"])
    store.change(work, row["id"], values)
    if writes:
        told(work, "import_started", {**row, **values})
    return answer({**row, **values}, columns)


def cancel(work: UnitOfWork, received: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """Stop an import; rows that were brought in with others left out stay, all or nothing leaves nothing."""
    row = _found(work, received, locked=True)
    _require_version(row, received)
    if row["state"] in ("done", "failed", "cancelled"):
        raise Conflict("导入已结束", code="import_over", state=row["state"])
    values: dict[str, Any] = {"cancelling": True, "version": row["version"] + 1}
    if row["state"] not in ACTIVE:
        values |= {"state": "cancelled", "ended_at": work.now}
    store.change(work, row["id"], values)
    return answer({**row, **values}, columns)


def get(work: UnitOfWork, received: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """One import and how far it is."""
    return answer(_found(work, received), columns)


def list_own(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of one's own imports."""
    return store.list_own(work, received["form"], received)


def recent(work: UnitOfWork) -> dict[str, Any]:
    """The newest of one's imports into any form, for those who watch."""
    return {"items": store.recent_of(work, _RECENT)}


def errors(work: UnitOfWork, files: FileStorage, received: Mapping[str, Any]) -> dict[str, Any]:
    """Rows with errors: their cells by heading, and what is wrong; `next` is the line to go on after."""
    row = _found(work, received)
    limit = received["limit"]
    found = store.first_errors(work, row["id"], received["after"], limit + 1)
    wanted = {one["line"]: one["errors"] for one in found[:limit]}
    items = []
    if wanted:
        last = max(wanted)
        for line, cells, _ in lines_of(files, row["lines_key"], 0):
            if line in wanted:
                shown = dict(zip(row["headings"], cells, strict=True))
                items.append({"line": line, "cells": shown, "errors": wanted[line]})
            if line >= last:
                break
    return {"items": items, "next": found[limit - 1]["line"] if len(found) > limit else None}


def lines(work: UnitOfWork, files: FileStorage, received: Mapping[str, Any]) -> dict[str, Any]:
    """What came of each row, from a byte of the lines on: `{"headings", "items", "next"}`.

    With `failed_only` those with errors alone; `next` is null at the end.
    """
    row = _found(work, received)
    after, found = received["after"], []
    for line, cells, end in lines_of(files, row["lines_key"], after):
        found.append((line, cells))
        after = end
        if len(found) == LINES_AT_ONCE_MAX:
            break
    wrong = store.errors_between(work, row["id"], found[0][0], found[-1][0]) if found else {}
    items = [
        {"line": line, "cells": cells, "errors": wrong.get(line, [])}
        for line, cells in found
        if line in wrong or not received["failed_only"]
    ]
    full = len(found) == LINES_AT_ONCE_MAX
    names = ("file_name", "headings", "mapping", "state", "mode", "failed")
    return {**{name: row[name] for name in names}, "items": items, "next": after if full else None}


def lines_of(files: FileStorage, key: str, position: int) -> Iterator[tuple[int, list[str], int]]:
    """The rows from a byte on: the line in the file, its cells, and the byte behind it."""
    with files.open(key) as source:
        source.seek(position)
        for piece in source:
            position += len(piece)
            line, *cells = orjson.loads(piece)
            yield line, cells, position


def answer(row: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """An import as it is answered, with what each column of its file means."""
    shown = mapping.described(row["headings"], row["mapping"], columns, row["preview"])
    return {**store.view(row), "columns": shown}


def told(work: UnitOfWork, name: str, row: Mapping[str, Any]) -> None:
    """`import_started`, `import_progressed` or `import_ended`."""
    names = ("id", "form", "file_name", "rows", "mode", "existing", "state")
    counts = ("done", "created", "updated", "skipped", "failed")
    data = {"import": {one: row[one] for one in (*names, *counts)}, "owner": row["owner"]}
    work.add_event(name, subject=row["id"], data=data)


def _found(work: UnitOfWork, received: Mapping[str, Any], *, locked: bool = False) -> dict[str, Any]:
    row = store.find(work, received["form"], received["import_id"], locked=locked)
    if row is None:
        raise NotFound("导入不存在", code="import_not_found")
    return row


def _require_version(row: Mapping[str, Any], received: Mapping[str, Any]) -> None:
    if received.get("version") not in (None, row["version"]):
        raise Conflict("导入已被修改, 请刷新后再试", code="stale_version", version=row["version"])


def _require_idle(row: Mapping[str, Any]) -> None:
    if row["state"] in ACTIVE:
        raise Conflict("导入正在进行", code="import_active", state=row["state"])
    if row["state"] in ("done", "cancelled"):
        raise Conflict("导入已结束, 请重新上传", code="import_over", state=row["state"])
