"""Users, departments and API keys; the first two stand at the root as well."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.identity import keys, operations, schema, store, tokens
from gateway.local import body, changing, listing, reading
from gateway.routes import Route, admin_route
from gateway.sign_in import passwords
from services.common.db import UnitOfWork
from services.common.ids import new_id


def _create_user(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.NewUser())
    hashed = _hashed(context, received["password"], received)
    shown = {name: value for name, value in received.items() if name != "password"}
    return context.apply("create_user", shown, lambda work: operations.create_user(work, received, hashed))


def _hashed(context: Context, password: str | None, person: Mapping[str, Any]) -> str | None:
    """The hash of a password that is good enough; None where there is none."""
    if password is None:
        return None
    context.read_raw(lambda work: passwords.check(work, password, person))
    return tokens.hash_password(password)


def _change_user(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.UserChange())
    password = received.get("password")
    user = context.read_raw(lambda work: operations.get_user(work, path["key"])) if password else {}
    hashed = _hashed(context, password, {**user, **received})
    shown = {**path, **{name: value for name, value in received.items() if name != "password"}}

    def change(work: UnitOfWork) -> Any:
        return operations.change_user(work, path["key"], received, hashed)

    answer = context.apply("change_user", shown, change)
    context.desk.forget()
    return answer


def _create_key(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    """The text is answered to whoever made it, and not again under the same idempotency key."""
    received = body(schema.NewKey())
    key_id, text = new_id(), f"ck_{secrets.token_urlsafe(32)}"
    answer = context.apply("create_key", received, lambda work: keys.create_key(work, received, key_id, text))
    return {**answer, "key": text} if answer["id"] == str(key_id) else answer


_create_department = changing(
    "create_department",
    schema.NewDepartment(),
    lambda work, path, received: operations.create_department(work, received),
)
_change_department = changing(
    "change_department",
    schema.DepartmentChange(),
    lambda work, path, received: operations.change_department(work, path["key"], received),
)
_create_position = changing(
    "create_position",
    schema.NewPosition(),
    lambda work, path, received: operations.create_position(work, received),
)
_change_position = changing(
    "change_position",
    schema.PositionChange(),
    lambda work, path, received: operations.change_position(work, path["key"], received),
)
_set_leave = changing(
    "set_leave",
    schema.LeaveInput(),
    lambda work, path, received: operations.set_leave(
        work, operations.manageable_user(work, path["key"])["username"], received
    ),
)
_end_leave = changing(
    "end_leave",
    None,
    lambda work, path, received: operations.set_leave(
        work, operations.manageable_user(work, path["key"])["username"], None
    ),
)
_revoke_key = changing("revoke_key", None, lambda work, path, received: keys.revoke_key(work, path["key"]))


def _people(prefix: str) -> list[Route]:
    users, one_user = f"{prefix}/users", f"{prefix}/users/<key>"
    departments, one_department = f"{prefix}/departments", f"{prefix}/departments/<key>"
    get_user = reading(lambda work, path: operations.shown_user(work, path["key"]))
    get_department = reading(lambda work, path: operations.get_department(work, path["key"]))
    user: dict[str, Any] = {"answer": schema.User}
    department: dict[str, Any] = {"answer": schema.Department}
    make_user = {"status": 201, "body": schema.NewUser, **user}
    make_department = {"status": 201, "body": schema.NewDepartment, **department}
    change_department = {"body": schema.DepartmentChange, **department}
    return [
        admin_route(
            "GET",
            users,
            "users",
            "Users; `q` searches names, `role` finds who has it",
            listing(store.list_users),
            listing=True,
        ),
        admin_route("POST", users, "users", "Make a user", _create_user, **make_user),
        admin_route("GET", one_user, "users", "One user, by id or name", get_user, **user),
        admin_route(
            "PATCH", one_user, "users", "Change a user", _change_user, body=schema.UserChange, **user
        ),
        admin_route(
            "GET", departments, "departments", "Departments", listing(store.list_departments), listing=True
        ),
        admin_route("POST", departments, "departments", "Make one", _create_department, **make_department),
        admin_route("GET", one_department, "departments", "One, by id or code", get_department, **department),
        admin_route(
            "PATCH",
            one_department,
            "departments",
            "Rename it, move it, or give it another head",
            _change_department,
            **change_department,
        ),
    ]


def _positions(prefix: str) -> list[Route]:
    all_of_them, one = f"{prefix}/positions", f"{prefix}/positions/<key>"
    position: dict[str, Any] = {"answer": schema.Position}
    make, change = ({"body": shape, **position} for shape in (schema.NewPosition, schema.PositionChange))
    get = reading(lambda work, path: operations.get_position(work, path["key"]))
    return [
        admin_route(
            "GET", all_of_them, "departments", "Positions", listing(store.list_positions), listing=True
        ),
        admin_route("POST", all_of_them, "departments", "Make one", _create_position, status=201, **make),
        admin_route("GET", one, "departments", "One, by id or code", get, **position),
        admin_route("PATCH", one, "departments", "Rename it", _change_position, **change),
    ]


def _leave(prefix: str) -> list[Route]:
    path = f"{prefix}/users/<key>/leave"
    user: dict[str, Any] = {"answer": schema.User}
    away = {"body": schema.LeaveInput, **user}
    return [
        admin_route(
            "PUT", path, "users", "Say when a user is away, and who does their work", _set_leave, **away
        ),
        admin_route("DELETE", path, "users", "Say that a user is back", _end_leave, **user),
    ]


ROUTES = [
    *_people(""),
    *_people("/admin"),
    *_positions(""),
    *_positions("/admin"),
    *_leave(""),
    *_leave("/admin"),
    admin_route(
        "GET", "/admin/keys", "keys", "API keys, without their text", listing(store.list_keys), listing=True
    ),
    admin_route(
        "POST",
        "/admin/keys",
        "keys",
        "Make an API key; its text is answered this once",
        _create_key,
        status=201,
        body=schema.NewKey,
        answer=schema.Key,
    ),
    admin_route("DELETE", "/admin/keys/<key>", "keys", "Revoke an API key", _revoke_key),
]
