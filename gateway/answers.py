"""The shapes of answers: JSON, and problem documents (RFC 9457) for every refusal."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from flask import Response, has_request_context, request
from werkzeug.exceptions import HTTPException

from services.common import strict_json
from services.common.errors import CreditError
from services.common.ids import new_id

_log = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS = 2
_JSON = "application/json; charset=utf-8"
_PROBLEM = "application/problem+json; charset=utf-8"
_TRACE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE_KEY = "credit.trace_id"
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
    500: "内部错误",
    503: "暂时不可用",
}
_HTTP_DETAILS = {
    400: "请求格式错误, 无法读取",
    404: "没有这个地址",
    405: "该地址不支持此方法",
    413: "请求内容过大",
    415: "请以 application/json 提交",
}


def json_response(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(strict_json.dumps(value), status, content_type=_JSON)


def trace_id() -> str:
    """The trace id of this request: the caller's `X-Request-Id`, if it is one, else a new one."""
    if not has_request_context():
        return str(new_id())
    if _TRACE_KEY not in request.environ:
        given = request.headers.get("X-Request-Id", "")
        request.environ[_TRACE_KEY] = given if _TRACE_ID.fullmatch(given) else str(new_id())
    return str(request.environ[_TRACE_KEY])


def problem(
    status: int,
    detail: str,
    *,
    code: str = "",
    errors: list[dict[str, Any]] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document; `members` are added where they have no standard meaning of their own."""
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
    response = Response(strict_json.dumps(body), status, content_type=_PROBLEM)
    if status in (429, 503):
        response.headers["Retry-After"] = str(int((members or {}).get("retry_after", _RETRY_AFTER_SECONDS)))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 413:
        # What is left of the body will not be read: the connection cannot be used again.
        response.headers["Connection"] = "close"
    return response


def refused(refusal: CreditError) -> Response:
    """A refusal as a problem document."""
    return problem(
        refusal.status,
        refusal.detail,
        code=refusal.code,
        errors=refusal.errors,
        members=strict_json.to_plain(refusal.data),
    )


def not_routed(refusal: HTTPException) -> Response:
    """What the framework refuses (no such address, another method) as a problem document."""
    status = refusal.code or 500
    detail = _HTTP_DETAILS.get(status) or _TITLES.get(status, "请求无法处理")
    response = problem(status, detail, code=f"http_{status}")
    for name, value in refusal.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def failed(fault: Exception) -> Response:
    """A bug: logged with its trace, told without."""
    _log.exception("a request failed", exc_info=fault)
    return problem(500, "服务内部错误, 请联系管理员", code="internal_error")
