"""The company's directory in one workbook: brought in, and handed out as a template of what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway import received
from gateway.context import Context
from gateway.directory import workbook
from gateway.directory.synchronising import NothingKept, Synchronising
from gateway.routes import Route
from gateway.uploads import uploaded_file
from services.common import sheets
from services.common.db import UnitOfWork
from services.common.errors import Invalid, invalid_field

_FLAGS = {"true": True, "false": False}


def _import(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    """Bring the uploaded xlsx in; with `dry_run`, only say what would happen."""
    with uploaded_file(request) as uploaded:
        data = uploaded.stream.read(sheets.FILE_BYTES_MAX + 1)
    given = {**request.form.to_dict(), **received.parameters(request)}
    dry_run, sync = (_flag(given, name) for name in ("dry_run", "sync"))
    context.caller.require("admin.departments")
    faults = workbook.Faults()
    entries = workbook.read(sheets.read_book(data, workbook.SHEETS, rows_max=workbook.ROWS_MAX), faults)
    if sync and not entries[workbook.PEOPLE] and not faults.of(workbook.PEOPLE):
        raise Invalid("工作表 人员 为空, 同步会停用所有人", code="sync_without_people")

    def run(work: UnitOfWork) -> Any:
        return Synchronising(work, entries, faults, sync=sync).run(dry_run=dry_run)

    try:
        with context.changing() as work:
            report = run(work)
    except NothingKept as kept:
        report = kept.report
    context.desk.forget()
    return report


def _flag(given: Mapping[str, str], name: str) -> bool:
    word = given.get(name, "false")
    if word not in _FLAGS:
        raise invalid_field(name, "not_a_flag", "应为 true 或 false", f"{name} 应为 true 或 false")
    return _FLAGS[word]


ROUTES = [
    Route(
        "POST",
        "/admin/directory:import",
        permission="admin.users",
        may_need=("admin.departments",),
        view=_import,
        tag="admin",
        summary="Departments, positions and people of an xlsx (sheets 部门, 岗位, 人员); "
        "`dry_run` only reports, `sync` disables who is not in it; needs admin.departments as well",
    ),
]
