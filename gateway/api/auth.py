"""Signing in and out, and who one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.identity import schema
from gateway.local import body
from gateway.routes import PUBLIC, Route


def _login(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.Login())
    return context.desk.sign_in(received["username"], received["password"], context.origin)


def _refresh(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.desk.refresh(body(schema.Refresh())["refresh_token"])


def _logout(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    context.desk.sign_out(request, context.caller)
    return {}


def _me(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    caller = context.caller
    return {
        "user": {
            "id": caller.id,
            "username": caller.username,
            "name": caller.name,
            "department": caller.department,
        },
        "roles": list(caller.roles),
        "permissions": sorted(caller.permissions),
    }


ROUTES = [
    Route(
        "POST",
        "/auth/login",
        permission=PUBLIC,
        body=schema.Login,
        answer=schema.Tokens,
        view=_login,
        tag="auth",
        summary="Sign in with name and password",
    ),
    Route(
        "POST",
        "/auth/refresh",
        permission=PUBLIC,
        body=schema.Refresh,
        answer=schema.Tokens,
        view=_refresh,
        tag="auth",
        summary="New tokens for a refresh token, which is used up by it",
    ),
    Route("POST", "/auth/logout", view=_logout, tag="auth", summary="End this session"),
    Route("GET", "/me", view=_me, tag="auth", summary="Who I am, my roles and my rights"),
]
