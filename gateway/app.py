"""The HTTP door: strict in what it reads, one shape for every refusal, routes from the tables in api/."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from gateway import api, openapi, pages
from gateway.context import KEY_LENGTH_MAX, Context
from gateway.routes import PUBLIC, SIGNED_IN, Route
from services.common import strict_json
from services.common.caller import Caller
from services.common.errors import (
    CreditError,
    Invalid,
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from services.common.ids import new_id

_log = logging.getLogger(__name__)
PREFIX = "/api/v1"
BODY_BYTES_MAX = 10 * 1024 * 1024
_RETRY_AFTER_SECONDS = 2
_PROBLEM_TYPE = "application/problem+json; charset=utf-8"
_TRACE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TITLES = {
    400: "请求格式错误",
    401: "未登录",
    403: "没有权限",
    404: "不存在",
    405: "方法不支持",
    409: "冲突",
    413: "内容过大",
    415: "内容类型不支持",
    422: "无法处理",
    429: "请求过多",
    503: "暂时不可用",
}
ANONYMOUS = Caller(kind="anonymous", id="", username="")


def all_routes() -> list[Route]:
    """Every route of every module in gateway/api, in the order of their names."""
    routes: list[Route] = []
    for module in sorted(pkgutil.iter_modules(api.__path__), key=lambda found: found.name):
        routes += getattr(importlib.import_module(f"gateway.api.{module.name}"), "ROUTES", [])
    return routes


def make_app(ground: Any, desk: Any) -> Any:
    """The WSGI application over a service's ground."""
    app = Flask("gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    routes = all_routes()
    for route in routes:
        app.add_url_rule(
            PREFIX + route.path, route.name, partial(_answer, ground, desk, route), methods=[route.method]
        )
    pages.add_pages(app, ground, openapi.document(routes, PREFIX))
    app.register_error_handler(CreditError, problem_response)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_finish)
    return _RawPaths(app)


class _RawPaths:
    """Keeps `%2F` and `%3A` inside a path segment apart from the `/` and `:` that separate."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        raw = environ.get("RAW_PATH_INFO")
        if raw:
            raw = raw.partition("?")[0]
            kept = re.sub(r"%(2[Ff]|3[Aa])", r"%25\1", raw)
            environ["PATH_INFO"] = unquote(kept, encoding="latin-1")
        return self.app(environ, start_response)


def _answer(ground: Any, desk: Any, route: Route, **path: str) -> Response:
    named = {name: unquote(value) for name, value in path.items()}
    caller = ANONYMOUS if route.permission == PUBLIC else desk.caller_of(request)
    if route.permission not in (PUBLIC, SIGNED_IN):
        caller.require(route.permission)
    context = Context(
        ground=ground,
        desk=desk,
        caller=caller,
        trace_id=trace_id(),
        idempotency_key=_idempotency_key(request),
        address=request.remote_addr or "",
        agent=(request.user_agent.string or "")[:300],
    )
    if route.view is not None:
        answered = route.view(context, request, named)
        return answered if isinstance(answered, Response) else _respond(route, answered)
    received = {**_query(route), **_body(route), **named}
    _take_if_match(received)
    return _respond(route, context.ask(route.service, route.call, received, timeout=route.timeout_seconds))


def _respond(route: Route, answer: Any) -> Response:
    status = route.status if isinstance(route.status, int) else route.status(answer)
    if status >= 400:
        detail = _refusal_text(answer)
        return problem(status, detail, code=str(answer.get("status", "")), members=answer)
    return json_response(answer, status)


def _refusal_text(answer: Mapping[str, Any]) -> str:
    reasons = (answer.get("decision") or {}).get("reasons") or []
    return "; ".join(reason["message"] for reason in reasons) or "未通过信用检查"


def json_response(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(strict_json.dumps(value), status, content_type="application/json; charset=utf-8")


def read_json(asked: Request) -> Any:
    """The JSON body, read strictly; `{}` for an empty one."""
    length = asked.content_length
    if length is not None and length > BODY_BYTES_MAX:
        raise PayloadTooLarge("请求内容不能超过 10 MB", code="body_too_large")
    raw = asked.environ["wsgi.input"].read(BODY_BYTES_MAX + 1) if length is None else asked.get_data()
    if len(raw) > BODY_BYTES_MAX:
        raise PayloadTooLarge("请求内容不能超过 10 MB", code="body_too_large")
    if not raw:
        return {}
    if asked.mimetype not in ("application/json", ""):
        raise UnsupportedMediaType("请以 application/json 提交", code="not_json")
    return strict_json.loads(raw)


def _body(route: Route) -> dict[str, Any]:
    if route.method in ("GET", "DELETE"):
        return {}
    body = read_json(request)
    if not isinstance(body, dict):
        raise MalformedRequest("请求内容应为 JSON 对象", code="not_an_object")
    return body


def _query(route: Route) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise MalformedRequest(f"参数 {name[:60]} 出现了多次", code="parameter_twice")
        given[name] = values[0]
    if not route.listing:
        return given
    size = given.pop("page[size]", None)
    received: dict[str, Any] = {
        "page_after": given.pop("page[after]", None),
        "sort": given.pop("sort", None),
    }
    if size is not None:
        if not size.isascii() or not size.isdigit():
            raise Invalid("page[size] 应为正整数", code="page_size")
        received["page_size"] = int(size)
    return {**received, "where": given}


def _take_if_match(received: dict[str, Any]) -> None:
    tag = request.headers.get("If-Match")
    if tag and "version" not in received:
        plain = tag.removeprefix("W/").strip('"')
        if not plain.isascii() or not plain.isdigit():
            raise MalformedRequest("If-Match 应为版本号", code="if_match")
        received["version"] = int(plain)


def _idempotency_key(asked: Request) -> str | None:
    key = asked.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise Invalid("Idempotency-Key 应为 1 到 200 个可见 ASCII 字符", code="idempotency_key_invalid")
    return key


def trace_id() -> str:
    """The trace id of this request: the caller's, if it is one, else a new one."""
    if "credit.trace_id" not in request.environ:
        given = request.headers.get("X-Request-Id", "")
        request.environ["credit.trace_id"] = given if _TRACE_ID.fullmatch(given) else str(new_id())
    return str(request.environ["credit.trace_id"])


def problem(
    status: int,
    detail: str,
    *,
    code: str = "",
    errors: list[dict[str, Any]] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document (RFC 9457)."""
    body = {
        **(members or {}),
        "type": f"urn:credit:problem:{code or status}",
        "title": _TITLES.get(status, "错误"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        "trace_id": trace_id(),
    }
    response = Response(
        strict_json.dumps(body), status, content_type="application/problem+json; charset=utf-8"
    )
    if status in (429, 503):
        response.headers["Retry-After"] = str(int((members or {}).get("retry_after", _RETRY_AFTER_SECONDS)))
    return response


def problem_response(refusal: CreditError) -> Response:
    """A refusal as a problem document."""
    status = refusal.status
    return problem(
        status,
        refusal.detail,
        code=refusal.code,
        errors=refusal.errors,
        members=strict_json.to_plain(refusal.data),
    )


def _http_problem(refusal: HTTPException) -> Response:
    status = refusal.code or 500
    texts = {404: "没有这个地址", 405: "该地址不支持此方法", 413: "请求内容过大"}
    response = problem(status, texts.get(status, _TITLES.get(status, "请求无法处理")), code=f"http_{status}")
    for name, value in refusal.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected(fault: Exception) -> Response:
    _log.exception("a request failed", exc_info=fault)
    return problem(500, "服务内部错误, 请联系管理员", code="internal_error")


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = trace_id()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Frame-Options", "DENY")
    return response
