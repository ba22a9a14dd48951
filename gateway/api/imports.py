"""Tables of records of any form, customers included: brought in step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Request, Response

from gateway import received
from gateway.answers import json_response
from gateway.context import Context
from gateway.downloads import CSV, XLSX, saved_as, table, table_kind
from gateway.local import body
from gateway.routes import SIGNED_IN, Route
from gateway.uploads import uploaded_file
from services.common import sheets, storage
from services.common.errors import CreditError, is_passing
from services.common.imports import schema, template
from services.common.imports.jobs import AREA
from services.common.imports.reading import FILE_BYTES_MAX

_IMPORTS = "/forms/<form>/imports"
_ONE = f"{_IMPORTS}/<import_id>"
# The form whose records the customer service keeps.
_CUSTOMER = "customer"
_READ_SECONDS_MAX = 75


def _host(path: Mapping[str, str]) -> str:
    return "customer" if path["form"] == _CUSTOMER else "application"


def _template(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """An empty table with the columns that its asker may fill in; with hints and choices as xlsx."""
    given = received.parameters(request)
    kind = table_kind(given, "xlsx")
    found = context.ask(_host(path), "list_import_columns", dict(path))["items"]
    columns = [one for one in found if not one["refused"]]
    if kind == "xlsx":
        response = Response(template.xlsx(columns), content_type=XLSX)
    else:
        pieces = sheets.write_csv([one["label"] for one in columns], ())
        response = Response(b"".join(pieces), content_type=CSV)
    return saved_as(response, f"{path['form']}.{kind}")


def _upload(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Keep the uploaded table, and propose what its columns mean."""
    # Whoever may not bring anything in is refused before a byte is kept.
    context.ask(_host(path), "list_import_columns", dict(path))
    files = storage.FileStorage(context.settings.files_url, size_max_bytes=FILE_BYTES_MAX)
    with uploaded_file(request, bytes_max=FILE_BYTES_MAX) as uploaded:
        key = context.idempotency_key
        token = None if key is None else f"{context.caller.principal}\n{key}"
        stored = files.put(uploaded.stream, area=AREA, token=token)
        name = storage.file_name(uploaded.filename)
    asked = {**path, "file_name": name, "storage_key": stored.key}
    try:
        answer = context.ask(_host(path), "create_import", asked, timeout=_READ_SECONDS_MAX)
    except CreditError as refusal:
        if not is_passing(refusal):
            files.delete(stored.key)
        raise
    return json_response(answer, 201)


def _forward(call: str, shape: Any = None) -> Any:
    def view(context: Context, request: Request, path: Mapping[str, str]) -> Any:
        given = {} if shape is None else body(shape())
        return context.ask(_host(path), call, {**given, **path})

    return view


def _list(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.ask(_host(path), "list_imports", {**received.list_input(request), **path})


def _errors(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.ask(_host(path), "list_import_errors", {**received.parameters(request), **path})


def _file(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """The rows with errors as a table like the one that was uploaded, with what is wrong beside each.

    With `rows=all`, every row with what came of it.
    """
    given = received.parameters(request)
    kind = table_kind(given, "xlsx")
    asked = {**path, "failed_only": given.get("rows", "failed") != "all"}
    first = context.ask(_host(path), "list_import_lines", asked)
    header = [*first["headings"], "行号", "结果"]
    stem = first["file_name"].rpartition(".")[0] or first["file_name"]
    return table(kind, header, _lines(context, path, asked, first), f"{stem}-结果")


def _lines(
    context: Context, path: Mapping[str, str], asked: Mapping[str, Any], first: Mapping[str, Any]
) -> Iterator[list[Any]]:
    called = {where: heading for heading, where in first["mapping"].items() if where}
    page: Mapping[str, Any] = first
    while True:
        for one in page["items"]:
            yield [*one["cells"], one["line"], _said(one["errors"], called, first)]
        if page["next"] is None:
            return
        page = context.ask(_host(path), "list_import_lines", {**asked, "after": page["next"]})


def _said(errors: list[Mapping[str, Any]], called: Mapping[str, str], first: Mapping[str, Any]) -> str:
    """What is wrong with a row, each fault by the heading of its column."""
    if not errors:
        return {"done": "已导入", "checked": "可以导入"}.get(first["state"], "")
    return "; ".join(
        ": ".join(part for part in (called.get(one["field"], one["field"]), one["message"]) if part)
        for one in errors
    )


def _route(method: str, path: str, view: Any, summary: str, **more: Any) -> Route:
    # Which right it is depends on the form: the service asks for `form:<key>.import` or `customers.import`.
    more = {"permission": SIGNED_IN, "tag": "imports", **more}
    return Route(method, path, view=view, summary=summary, may_need=("customers.import",), **more)


ROUTES = [
    _route(
        "GET",
        "/forms/<form>/import-columns",
        _forward("list_import_columns"),
        "The columns that a table may have, with hints and choices, and which of them one may not fill in",
        answer=schema.ImportColumns,
    ),
    _route("GET", "/forms/<form>/import-template", _template, "An empty table (`format`: xlsx or csv)"),
    _route(
        "POST",
        _IMPORTS,
        _upload,
        "Upload a table (multipart/form-data, field `file`, at most 50 MB and 100,000 rows); proposes what "
        "its columns mean",
        answer=schema.ImportAnswer,
        status=201,
    ),
    _route("GET", _IMPORTS, _list, "One's own imports", listing=True, answer=schema.ImportPage),
    _route("GET", _ONE, _forward("get_import"), "One import and how far it is", answer=schema.ImportAnswer),
    _route(
        "PATCH",
        _ONE,
        _forward("change_import", schema.ImportChangeBody),
        "Say what columns mean (`mapping`), and what becomes of records that are there (`existing`)",
        body=schema.ImportChangeBody,
        answer=schema.ImportAnswer,
    ),
    _route(
        "POST",
        f"{_ONE}:check",
        _forward("check_import", schema.ImportStartBody),
        "Try every row and keep none",
        body=schema.ImportStartBody,
        answer=schema.ImportAnswer,
        status=202,
    ),
    _route(
        "POST",
        f"{_ONE}:run",
        _forward("run_import", schema.ImportStartBody),
        "Bring the rows in: those without errors, or all or nothing (`mode`); progress is on /events/stream",
        body=schema.ImportStartBody,
        answer=schema.ImportAnswer,
        status=202,
    ),
    _route("POST", f"{_ONE}:cancel", _forward("cancel_import"), "Stop it", answer=schema.ImportAnswer),
    _route(
        "GET",
        f"{_ONE}/errors",
        _errors,
        "Rows with errors (`after` a line, `limit`)",
        answer=schema.ImportErrorPage,
    ),
    _route(
        "GET",
        f"{_ONE}/file",
        _file,
        "The rows with errors as a table with what is wrong (`format`; `rows=all`: every row)",
    ),
]
