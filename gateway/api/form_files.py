"""Files in the fields of forms: up to the storage, and down from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request, Response, jsonify

from gateway import received
from gateway.context import Context
from gateway.downloads import saved_as
from gateway.routes import SIGNED_IN, Route
from gateway.uploads import uploaded_file
from services.common import storage
from services.common.errors import CreditError, UnsupportedMediaType, is_passing
from services.common.fields import load
from services.common.forms.files import schema as file_schema

_CUSTOMER = "customer"


def upload(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Keep a file for a field, as large and of such a kind as it takes; 201 with what a record says of it.

    Its kind is what its bytes show. When it is refused for good, its bytes are removed again.
    """
    asked = load(file_schema.FileQuery(), received.parameters(request))
    top = asked["field"].partition(".")[0]
    room_of = {**asked, "form": path["form"], "fields": {top: None}}
    host = _CUSTOMER if path["form"] == _CUSTOMER else "application"
    room = context.ask(host, "get_file_room", room_of)
    files = storage.FileStorage(context.settings.files_url, size_max_bytes=room["size_bytes_max"])
    with uploaded_file(request, bytes_max=room["size_bytes_max"]) as uploaded:
        stored = files.put(uploaded.stream, area="records", token=_token(context))
        name = storage.file_name(uploaded.filename)
    file = {
        "name": name,
        "content_type": stored.content_type.partition(";")[0],
        "size_bytes": stored.size_bytes,
        "sha256": stored.sha256,
        "storage_key": stored.key,
    }
    try:
        if room["content_types"] and file["content_type"] not in room["content_types"]:
            allowed = ", ".join(room["content_types"])
            text = f"不支持的文件类型 {file['content_type']}, 允许 {allowed}"
            raise UnsupportedMediaType(text, code="file_kind", allowed=room["content_types"])
        answer = context.ask(host, "add_file", {**room_of, **file})
    except CreditError as refusal:
        if not is_passing(refusal):
            files.delete(stored.key)
        raise
    response = jsonify(answer)
    response.status_code = 201
    return response


def _download(service: str, call: str) -> Any:
    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Response:
        found = context.ask(service, call, dict(path))
        files = storage.FileStorage(context.settings.files_url)
        response = Response(files.chunks(found["storage_key"]), mimetype=None, direct_passthrough=True)
        kind = found["content_type"]
        response.headers["Content-Type"] = f"{kind}; charset=utf-8" if kind == "text/plain" else kind
        response.headers["Content-Length"] = str(found["size_bytes"])
        return saved_as(response, found["name"])

    return view


def _token(context: Context) -> str | None:
    key = context.idempotency_key
    return None if key is None else f"{context.caller.principal}\n{key}"


def _route(path: str, service: str, call: str, permission: str, tag: str, summary: str) -> Route:
    return Route(
        "GET",
        path,
        service=service,
        call=call,
        permission=permission,
        view=_download(service, call),
        tag=tag,
        summary=summary,
    )


ROUTES = [
    Route(
        "POST",
        "/forms/<form>/files",
        service="application",
        call="add_file",
        # Which right it is depends on the form and on whether there is a record.
        permission=SIGNED_IN,
        query=file_schema.FileQuery,
        answer=file_schema.FileAnswer,
        status=201,
        view=upload,
        tag="forms",
        summary="Upload a file for a `field` (multipart/form-data, field `file`); a record then names it",
    ),
    _route(
        "/forms/<form>/records/<record_id>/files/<file_id>",
        "application",
        "get_record_file",
        SIGNED_IN,
        "forms",
        "The bytes of a file of a record",
    ),
    _route(
        "/applications/<application_id>/files/<file_id>",
        "application",
        "get_application_file",
        "applications.read",
        "applications",
        "The bytes of a file of an application",
    ),
    _route(
        "/customers/<customer_id>/files/<file_id>",
        _CUSTOMER,
        "get_customer_file",
        "customers.read",
        "customers",
        "The bytes of a file in a field of a customer",
    ),
]
