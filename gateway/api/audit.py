"""The audit trail: searched, and exported as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from flask import Request, Response

from gateway import received
from gateway.audit import store
from gateway.audit.trail import trail
from gateway.context import Context
from gateway.local import listing
from gateway.routes import Route
from services.common import sheets
from services.common.strict_json import to_plain

_COLUMNS = {
    "place": "序号",
    "at": "时间",
    "actor": "操作人",
    "action": "操作",
    "subject": "对象",
    "source": "服务",
    "changes": "变更",
    "detail": "说明",
    "address": "地址",
    "agent": "客户端",
    "trace_id": "追踪号",
    "hash": "校验值",
}


def _export(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Every line that the filters find, as csv, sent while it is read; the export is a line itself."""
    where = received.parameters(request)
    with context.changing() as work:
        # Refuses unknown filters before anything is sent.
        first = store.lines_after(work, where, 0)
        trail(work).add("audit.export", "audit", {"filters": where})

    def lines() -> Iterator[list[str]]:
        found = first
        while found:
            yield from ([_cell(line[name]) for name in _COLUMNS] for line in found)
            after = found[-1]["place"]
            more = len(found) == store.READ_AT_ONCE
            # No transaction stays open while a slow client reads; the trail only grows.
            found = context.read_raw(partial(store.lines_after, where=where, after=after)) if more else []

    table = sheets.write_csv(list(_COLUMNS.values()), lines())
    response = Response(table, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _cell(value: Any) -> str:
    plain = to_plain(value)
    if isinstance(plain, (dict, list)):
        return json.dumps(plain, ensure_ascii=False) if plain else ""
    return "" if plain is None else str(plain)


ROUTES = [
    Route(
        "GET",
        "/admin/audit",
        permission="admin.audit",
        view=listing(store.list_lines),
        listing=True,
        tag="admin",
        summary="Who did what, when and from where, newest first; "
        "actor, action (or user.*), subject, source, trace_id, address, from, to, text",
    ),
    Route(
        "GET",
        "/admin/audit:export",
        permission="admin.audit",
        view=_export,
        tag="admin",
        summary="The same as csv, all pages of it",
    ),
]
