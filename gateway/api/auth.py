"""Signing in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway.answers import json_response
from gateway.context import Context
from gateway.identity import tokens
from gateway.local import body
from gateway.routes import PUBLIC, SIGNED_IN, Route
from gateway.sign_in import browser, passwords, resets, schema, sessions
from services.common.errors import Unauthenticated, invalid_field


def handed_over(context: Context, request: Request, answer: dict[str, Any]) -> Any:
    """The answer of a sign-in; its tokens go into cookies where a browser asks for that."""
    if "access_token" not in answer or not browser.wants_cookies(request):
        return answer
    csrf = context.entrance.csrf_token_of(answer["access_token"])
    return browser.hand_over(answer, csrf, context.is_https)


def _login(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.Login())
    answer = context.entrance.sign_in(received["username"], received["password"], context.origin)
    return handed_over(context, request, answer)


def _second_step(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.SecondStep())
    answer = context.entrance.second_step(received["ticket"], received["code"], context.origin)
    return handed_over(context, request, answer)


def _enrol(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.entrance.enrol(body(schema.Ticket())["ticket"], context.origin)


def _confirm(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.SecondStep())
    answer = context.entrance.confirm(received["ticket"], received["code"], context.origin)
    return handed_over(context, request, answer)


def _refresh(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    token = body(schema.Refresh())["refresh_token"]
    by_cookie = not token and browser.wants_cookies(request)
    if by_cookie:
        token = request.cookies.get(browser.REFRESH_COOKIE, "")
        if not token:
            raise Unauthenticated("请先登录", code="not_signed_in")
    elif not token:
        raise invalid_field("refresh_token", "required", "必填", "缺少 refresh_token")
    return handed_over(context, request, context.entrance.refresh(token, context.origin, shared=by_cookie))


def _logout(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    session_id = context.session_id
    if session_id is not None:
        with context.changing() as work:
            sessions.sign_out(work, session_id, context.caller.username)
    context.desk.forget()
    return browser.clear(json_response({}), context.is_https)


def _forgot(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    name = body(schema.Forgotten())["username"]
    with context.changing() as work:
        resets.ask(work, name, context.origin)
    return {}


def _reset(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.Reset())
    token, password = received["token"], received["password"]
    # Hashing is dear: not before there is somebody whom it is for.
    with context.changing() as work:
        passwords.check(work, password, resets.holder(work, token))
    hashed = tokens.hash_password(password)
    with context.changing() as work:
        resets.reset(work, token, hashed)
    context.desk.forget()
    return {}


def _public(path: str, summary: str, view: Any, shape: Any, answer: Any, status: int = 200) -> Route:
    more = {"body": shape, "answer": answer, "status": status}
    return Route("POST", path, permission=PUBLIC, view=view, tag="auth", summary=summary, **more)


_FACTOR = "/auth/second-factor"
ROUTES = [
    _public(
        "/auth/login",
        "Sign in with name and password: tokens, or a ticket to the second factor",
        _login,
        schema.Login,
        schema.Tokens,
    ),
    _public(
        _FACTOR,
        "Tokens for a ticket and a code of the app, or a recovery code",
        _second_step,
        schema.SecondStep,
        schema.Tokens,
    ),
    _public(
        f"{_FACTOR}:enrol",
        "Begin with the second factor that a role needs",
        _enrol,
        schema.Ticket,
        schema.Enrolment,
    ),
    _public(
        f"{_FACTOR}:confirm",
        "Put it in force with a first code: tokens and recovery codes",
        _confirm,
        schema.SecondStep,
        schema.Tokens,
    ),
    _public(
        "/auth/refresh",
        "New tokens for a refresh token, which is used up by it",
        _refresh,
        schema.Refresh,
        schema.Tokens,
    ),
    _public(
        "/auth/password:forgot",
        "Ask for a mail with a link to choose a new password; the same answer for everybody",
        _forgot,
        schema.Forgotten,
        None,
        202,
    ),
    _public(
        "/auth/password:reset",
        "Choose a new password with the link's token, once; all sessions end",
        _reset,
        schema.Reset,
        None,
    ),
    Route(
        "POST",
        "/auth/logout",
        permission=SIGNED_IN,
        view=_logout,
        tag="auth",
        summary="End this session",
    ),
]
