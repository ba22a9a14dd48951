"""Single sign-on over HTTP: the way there and back for browsers, and the providers for administrators."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Request, Response

from gateway import received
from gateway.api.auth import handed_over
from gateway.context import Context
from gateway.identity import operations as identity
from gateway.local import body, changing, reading
from gateway.routes import PUBLIC, Route, admin_route
from gateway.sign_in import schema as sign_in
from gateway.single_sign_on import operations, schema, store
from services.common.db import UnitOfWork
from services.common.errors import CreditError, MalformedRequest, NotFound, Unauthenticated, is_passing

COOKIE = "credit_sso"
_COOKIE_PATH = "/api/v1/auth"
_PARAMETER_LENGTH_MAX = 4_000


def _providers(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    rows = context.read_raw(lambda work: store.providers(work, active=True))
    return {"items": [{"key": row["key"], "label": row["label"]} for row in rows], "next": None}


def _callback_of(context: Context, key: str) -> str:
    return f"{context.settings.public_url}{_COOKIE_PATH}/sso/{key}/callback"


def _begin(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Send the browser to the provider, with a cookie that says that it was this browser."""
    key, seal = path["key"], context.entrance.seal
    return_to = received.parameters(request).get("return_to", "/")
    if not return_to.startswith("/") or return_to.startswith(("//", "/\\")) or len(return_to) > 500:
        raise MalformedRequest("return_to 应为本系统内的路径", code="return_to_invalid")
    browser = secrets.token_urlsafe(32)
    provider = context.read_raw(lambda work: operations.provider_in_use(work, key))
    with context.changing() as work:
        attempt = operations.begin(work, key, browser, return_to, seal)
    opened = operations.opened(provider, seal)
    response = _redirect(context.openid.address(opened, attempt, _callback_of(context, key)))
    response.set_cookie(
        COOKIE,
        browser,
        max_age=operations.ATTEMPT_SECONDS,
        path=_COOKIE_PATH,
        secure=context.is_https,
        httponly=True,
        # Lax: the provider sends the browser back by a link, from another site.
        samesite="Lax",
    )
    return response


def _come_back(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """The provider has sent the browser back: on to the app, with a ticket or with what went wrong."""
    key, given = path["key"], received.parameters(request)
    state, code = given.get("state", ""), given.get("code", "")
    if not state or not (code or given.get("error")) or max(map(len, given.values())) > _PARAMETER_LENGTH_MAX:
        raise MalformedRequest("登录服务的答复不完整, 请重新登录", code="sso_answer_malformed")
    try:
        ticket, return_to = _finish(context, key, state, code, request.cookies.get(COOKIE, ""), given)
    except CreditError as problem:
        if problem.status == NotFound.status or is_passing(problem):
            raise
        with context.changing() as work:
            operations.failed(work, key, problem)
        return _redirect(f"{context.settings.public_url}/#/sign-in?{urlencode({'problem': problem.code})}")
    fragment = urlencode({"ticket": ticket, "return_to": return_to})
    return _redirect(f"{context.settings.public_url}/#/sso?{fragment}")


def _finish(
    context: Context, key: str, state: str, code: str, browser: str, given: Mapping[str, str]
) -> tuple[str, str]:
    seal = context.entrance.seal
    provider = context.read_raw(lambda work: operations.provider_in_use(work, key))
    # Taken in a transaction of its own: whatever follows, the attempt is used up.
    with context.changing() as work:
        kept = operations.come_back(work, state)
    attempt, return_to = operations.attempt_of(kept, key, state, browser, seal)
    if not code or given.get("iss", provider["issuer"]) != provider["issuer"]:
        raise Unauthenticated("登录服务没有确认您的身份, 请重试", code="sso_refused")
    opened = operations.opened(provider, seal)
    claims = context.openid.claims(opened, attempt, _callback_of(context, key), code)
    with context.acting_itself() as work:
        return operations.hand_over(work, provider, claims, browser), return_to


def _redeem(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    ticket = body(schema.Redeem())["ticket"]
    with context.acting_itself() as work:
        user, provider = operations.redeem(work, ticket, request.cookies.get(COOKIE, ""))
        trusted = provider["trusts_second_factor"]
        method = f"sso:{provider['key']}"
        answer = context.entrance.admit(work, user, context.origin, method, trusted=trusted)
    return handed_over(context, request, answer)


def _redirect(address: str) -> Response:
    response = Response(status=302)
    response.headers["Location"] = address
    return response


def _create(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return _save(context, None, body(schema.NewProvider()))


def _change(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return _save(context, path["key"], body(schema.ProviderChange()))


def _save(context: Context, key: str | None, given: dict[str, Any]) -> Any:
    # The stored input, by which a retry is known, has no secret in it.
    known = {name: value for name, value in given.items() if name != "client_secret"}
    seal = context.entrance.seal

    def save(work: UnitOfWork) -> Any:
        return operations.save_provider(work, key, given, seal)

    return context.apply("save_identity_provider", {"key": key, **known}, save)


def _list(work: UnitOfWork, path: Mapping[str, str]) -> Any:
    return {"items": [operations.shown(row) for row in store.providers(work)], "next": None}


def _unlink(work: UnitOfWork, path: Mapping[str, str], given: Any) -> Any:
    user = identity.manageable_user(work, path["key"])
    return operations.unlink(work, user, path["provider"])


def _public(method: str, path: str, summary: str, view: Any, **more: Any) -> Route:
    return Route(method, path, permission=PUBLIC, view=view, tag="auth", summary=summary, **more)


_SSO, _PROVIDERS = "/auth/sso/<key>", "/admin/identity-providers"
ROUTES = [
    _public("GET", "/auth/providers", "Where else one may sign in", _providers),
    _public("GET", _SSO, "Off to the provider; back at `return_to`", _begin, status=302),
    _public("GET", f"{_SSO}/callback", "Back from the provider, on to the app", _come_back, status=302),
    _public(
        "POST",
        "/auth/sso:redeem",
        "Tokens for the ticket with which the same browser came back, once",
        _redeem,
        body=schema.Redeem,
        answer=sign_in.Tokens,
    ),
    admin_route(
        "GET",
        _PROVIDERS,
        "roles",
        "Identity providers (OpenID Connect)",
        reading(_list),
    ),
    admin_route(
        "POST",
        _PROVIDERS,
        "roles",
        "Make one",
        _create,
        body=schema.NewProvider,
        answer=schema.Provider,
        status=201,
    ),
    admin_route(
        "PATCH",
        f"{_PROVIDERS}/<key>",
        "roles",
        "Change one, or take it out of use",
        _change,
        body=schema.ProviderChange,
        answer=schema.Provider,
    ),
    admin_route(
        "DELETE",
        "/admin/users/<key>/identities/<provider>",
        "users",
        "Forget under which account a provider knows a user",
        changing("unlink_identity", None, _unlink),
    ),
]
