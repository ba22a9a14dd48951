"""Sessions of browsers: the tokens stay in cookies that no script can read, and changes show a CSRF token.

A browser asks for it with `X-Session: cookie` when it signs in. The header also keeps other sites out: they
cannot send it without being asked first, and nobody answers that question.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Request, Response

from gateway.answers import json_response
from gateway.identity import tokens
from services.common.errors import Forbidden

ACCESS_COOKIE = "credit_access"
REFRESH_COOKIE = "credit_refresh"
CSRF_COOKIE = "credit_csrf"
CSRF_HEADER = "X-CSRF-Token"
MODE_HEADER = "X-Session"
_MODE = "cookie"
_READING = frozenset({"GET", "HEAD"})
_REFRESH_SECONDS = tokens.REFRESH_DAYS * 24 * 3600
# By name: where a cookie is sent, for how many seconds, and whether scripts are kept from it.
_COOKIES = {
    ACCESS_COOKIE: ("/", tokens.ACCESS_SECONDS, True),
    REFRESH_COOKIE: ("/api/v1/auth", _REFRESH_SECONDS, True),
    CSRF_COOKIE: ("/", _REFRESH_SECONDS, False),
}


def wants_cookies(request: Request) -> bool:
    """Whether a browser asks to keep its tokens in cookies."""
    return request.headers.get(MODE_HEADER) == _MODE


def csrf_token(secret: str, session_id: UUID) -> str:
    """What the pages of a session show when they change something; the same as long as it lives."""
    return hmac.new(secret.encode(), f"csrf/{session_id}".encode(), hashlib.sha256).hexdigest()


def require_own_page(request: Request, secret: str, session_id: UUID) -> None:
    """Refuse a change that a browser sends by its cookies alone, as another site can make it do."""
    if request.method in _READING:
        return
    shown = request.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(shown.encode(), csrf_token(secret, session_id).encode()):
        raise Forbidden(f"请求缺少有效的 {CSRF_HEADER}", code="csrf_token_invalid")


def hand_over(answer: Mapping[str, Any], csrf: str, secure: bool) -> Response:
    """The tokens of an answer in cookies, and the rest of it with the CSRF token."""
    values = {
        ACCESS_COOKIE: answer["access_token"],
        REFRESH_COOKIE: answer["refresh_token"],
        CSRF_COOKIE: csrf,
    }
    kept = ("access_token", "refresh_token", "token_type")
    shown = {name: value for name, value in answer.items() if name not in kept}
    response = json_response({**shown, "token_type": "Cookie", "csrf_token": csrf})
    for name, value in values.items():
        _set(response, name, value, secure)
    return response


def clear(response: Response, secure: bool) -> Response:
    """Take the cookies away."""
    for name in _COOKIES:
        _set(response, name, "", secure, gone=True)
    return response


def _set(response: Response, name: str, value: str, secure: bool, *, gone: bool = False) -> None:
    path, seconds, hidden = _COOKIES[name]
    response.set_cookie(
        name,
        value,
        max_age=0 if gone else seconds,
        path=path,
        secure=secure,
        httponly=hidden,
        # Strict: the app asks from its own pages only, also after a provider has sent the browser back.
        samesite="Strict",
    )
