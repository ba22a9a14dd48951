"""Who one is, and what one does about one's own way in: sessions, password, second factor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.identity import operations, tokens
from gateway.identity import store as identity
from gateway.identity.schema import LeaveInput, User
from gateway.local import body
from gateway.routes import SIGNED_IN, Route
from gateway.sign_in import passwords, schema, second_factor, sessions, settings, store
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field

Person = dict[str, Any]


def _me(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    caller = context.caller
    return {
        "user": {
            "id": caller.id,
            "username": caller.username,
            "name": caller.name,
            "department": caller.department,
        },
        "timezone": context.settings.timezone,
        "currency": context.settings.currency,
        "roles": list(caller.roles),
        "permissions": sorted(caller.permissions),
        "narrowed": sorted(caller.clauses),
        "fields": {
            resource: {path: right.level for path, right in paths.items()}
            for resource, paths in caller.fields.items()
        },
    }


def _own(work: UnitOfWork, context: Context) -> Person:
    """The user who asks; a key has neither sessions nor a password."""
    user = None
    if context.caller.kind == "user":
        user = identity.find_user(work, username=context.caller.username)
    if user is None:
        raise NotFound("API 密钥没有会话、密码和两步验证", code="not_a_person")
    return user


def _changing(operation: Callable[[UnitOfWork, Person, Context, Mapping[str, str]], Any]) -> Any:
    """A view that changes something of one's own."""

    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
        with context.changing() as work:
            answer = operation(work, _own(work, context), context, path)
        context.desk.forget()
        return answer

    return view


def _sessions(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.read(lambda work: sessions.list_of(work, _own(work, context)["id"], context.session_id))


def _change_password(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.PasswordChange())
    user = context.read_raw(lambda work: _own(work, context))
    _require_password(context, user, received["password"])
    if received["new_password"] == received["password"]:
        raise invalid_field("new_password", "password_same", "应与原密码不同", "新密码应与原密码不同")
    new = received["new_password"]
    context.read_raw(lambda work: passwords.check(work, new, user, field="new_password"))
    hashed = tokens.hash_password(new)
    with context.changing() as work:
        passwords.change_own(work, user, hashed, context.session_id)
    context.desk.forget()
    return {}


def _require_password(context: Context, user: Person, password: str) -> None:
    if not context.entrance.verify_password(user["username"], password, context.origin):
        raise invalid_field("password", "password_wrong", "密码错误")


def _factor(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    def read(work: UnitOfWork) -> dict[str, Any]:
        user = _own(work, context)
        return {
            "state": second_factor.state_of(work, user),
            "needed": settings.needs_second_factor(work, user["roles"]),
            "recovery_codes_left": store.recovery_codes_left(work, user["id"]),
        }

    return context.read(read)


def _enrol(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.OwnPassword())
    user = context.read_raw(lambda work: _own(work, context))
    if user["password_hash"] is None:
        raise Conflict("您通过单点登录进入, 两步验证由登录服务负责", code="no_password")
    _require_password(context, user, received["password"])
    with context.changing() as work:
        return second_factor.enrol(work, user, context.entrance.seal)


def _with_code(operation: Callable[[UnitOfWork, Person, str, Context], Any]) -> Any:
    """A view that asks for a code first; the operation answers None for a wrong one."""

    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
        code = body(schema.Code())["code"]
        user = context.read_raw(lambda work: _own(work, context))
        return context.entrance.with_code(
            user, context.origin, lambda work: operation(work, user, code, context)
        )

    return view


def _confirm(work: UnitOfWork, user: Person, code: str, context: Context) -> Any:
    codes = second_factor.confirm(work, user, code, context.entrance.seal)
    if codes is None:
        return None
    # From now on a session counts that was opened with the code; this one has just shown one.
    if context.session_id is not None:
        store.change_session(work, context.session_id, {"second_factor": True})
    store.end_other_sessions(work, user["id"], context.session_id, "second_factor_enabled")
    return {"recovery_codes": codes}


def _remove(work: UnitOfWork, user: Person, code: str, context: Context) -> Any:
    if not second_factor.check(work, user, code, context.entrance.seal):
        return None
    second_factor.remove(work, user)
    return {}


def _recovery_codes(work: UnitOfWork, user: Person, code: str, context: Context) -> Any:
    if not second_factor.check(work, user, code, context.entrance.seal):
        return None
    return {"recovery_codes": second_factor.new_recovery_codes(work, user)}


def _set_leave(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(LeaveInput())

    def change(work: UnitOfWork) -> Any:
        return operations.set_leave(work, _own(work, context)["username"], received)

    return context.apply("set_own_leave", received, change)


def _route(method: str, path: str, summary: str, view: Any, **more: Any) -> Route:
    return Route(method, path, permission=SIGNED_IN, view=view, tag="auth", summary=summary, **more)


_FACTOR = "/me/second-factor"
ROUTES = [
    _route("GET", "/me", "Who I am, my roles and my rights", _me),
    _route("GET", "/me/sessions", "My live sessions", _sessions),
    _route(
        "DELETE",
        "/me/sessions/<session_id>",
        "End one of my sessions",
        _changing(lambda work, user, context, path: sessions.end_own(work, user, path["session_id"])),
    ),
    _route(
        "POST",
        "/me/sessions:end-others",
        "End all of my sessions but this one",
        _changing(lambda work, user, context, path: sessions.end_others(work, user, context.session_id)),
    ),
    _route(
        "POST",
        "/me/password",
        "Change my password; my other sessions end",
        _change_password,
        body=schema.PasswordChange,
    ),
    _route(
        "PUT",
        "/me/leave",
        "Say when I am away, and who does my work meanwhile",
        _set_leave,
        body=LeaveInput,
        answer=User,
    ),
    _route(
        "DELETE",
        "/me/leave",
        "Say that I am back",
        _changing(lambda work, user, context, path: operations.set_leave(work, user["username"], None)),
        answer=User,
    ),
    _route("GET", _FACTOR, "My second factor", _factor, answer=schema.SecondFactorState),
    _route(
        "POST",
        f"{_FACTOR}:enrol",
        "Begin with a second factor: its secret, as text and as a URI",
        _enrol,
        body=schema.OwnPassword,
        answer=schema.Enrolment,
    ),
    _route(
        "POST",
        f"{_FACTOR}:confirm",
        "Put it in force with a first code; answers recovery codes",
        _with_code(_confirm),
        body=schema.Code,
        answer=schema.RecoveryCodes,
    ),
    _route("POST", f"{_FACTOR}:remove", "Take it away", _with_code(_remove), body=schema.Code),
    _route(
        "POST",
        f"{_FACTOR}:recovery-codes",
        "New recovery codes instead of the old ones",
        _with_code(_recovery_codes),
        body=schema.Code,
        answer=schema.RecoveryCodes,
    ),
]
