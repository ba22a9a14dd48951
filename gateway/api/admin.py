"""Users, departments, roles, API keys and the audit trail; the first two stand at the root as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request, request
from sqlalchemy import Select, Table, select

from gateway.context import Context
from gateway.identity import operations, schema, tokens
from gateway.identity.model import api_keys, audit, departments, roles, users
from gateway.local import body, changing, reading
from gateway.routes import Route
from services.common.db import UnitOfWork
from services.common.errors import Invalid
from services.common.fields import load
from services.common.paging import ListInput, page


def _listing(
    table: Table, key: str, default_sort: str, filters: tuple[str, ...], hidden: tuple[str, ...] = ()
) -> Any:
    def read(work: UnitOfWork, path: Mapping[str, str]) -> Any:
        received = _list_input()
        statement: Select[Any] = select(*(column for column in table.c if column.name not in hidden))
        for name, value in received["where"].items():
            if name not in filters:
                error = {"field": name, "code": "filter_unknown", "message": "不能按该字段筛选"}
                raise Invalid(f"不能按 {name[:60]} 筛选", code="filter_unknown", errors=[error])
            wanted = value == "true" if name == "active" else value
            statement = statement.where(table.c[name] == wanted)
        sortable = {name: table.c[name] for name in (*filters, key) if name != "active"}
        return page(work, statement, received, sort=sortable, key=table.c[key], default_sort=default_sort)

    return reading(read)


def _list_input() -> dict[str, Any]:
    given = {name: values[0] for name, values in request.args.lists()}
    size = given.pop("page[size]", None)
    received: dict[str, Any] = {"page_after": given.pop("page[after]", None), "sort": given.pop("sort", None)}
    if size is not None:
        received["page_size"] = int(size) if size.isascii() and size.isdigit() else size
    return load(ListInput(), {**received, "where": given})


def _create_user(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.NewUser())
    hashed = tokens.hash_password(received["password"])
    shown = {name: value for name, value in received.items() if name != "password"}
    return context.apply("create_user", shown, lambda work: operations.create_user(work, received, hashed))


def _change_user(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.UserChange())
    password = received.get("password")
    hashed = None if password is None else tokens.hash_password(password)
    shown = {**path, **{name: value for name, value in received.items() if name != "password"}}

    def change(work: UnitOfWork) -> Any:
        return operations.change_user(work, path["key"], received, hashed)

    answer = context.apply("change_user", shown, change)
    context.desk.forget()
    return answer


_USERS, _DEPARTMENTS = "admin.users", "admin.departments"
_list_users = _listing(
    users, "username", "username", ("username", "department", "active"), ("password_hash",)
)
_list_departments = _listing(departments, "code", "code", ("code", "parent", "head"))
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


def _people(prefix: str) -> list[Route]:
    return [
        Route(
            "GET",
            f"{prefix}/users",
            permission=_USERS,
            view=_list_users,
            listing=True,
            tag="admin",
            summary="Users",
        ),
        Route(
            "POST",
            f"{prefix}/users",
            permission=_USERS,
            view=_create_user,
            status=201,
            body=schema.NewUser,
            answer=schema.User,
            tag="admin",
            summary="Make a user",
        ),
        Route(
            "PATCH",
            f"{prefix}/users/<key>",
            permission=_USERS,
            view=_change_user,
            body=schema.UserChange,
            answer=schema.User,
            tag="admin",
            summary="Change a user, by id or name",
        ),
        Route(
            "GET",
            f"{prefix}/departments",
            permission=_DEPARTMENTS,
            view=_list_departments,
            listing=True,
            tag="admin",
            summary="Departments",
        ),
        Route(
            "POST",
            f"{prefix}/departments",
            permission=_DEPARTMENTS,
            view=_create_department,
            status=201,
            body=schema.NewDepartment,
            tag="admin",
            summary="Make a department",
        ),
        Route(
            "PATCH",
            f"{prefix}/departments/<key>",
            permission=_DEPARTMENTS,
            view=_change_department,
            body=schema.DepartmentChange,
            tag="admin",
            summary="Change a department, by id or code",
        ),
    ]


ROUTES = [
    *_people(""),
    *_people("/admin"),
    Route(
        "GET",
        "/admin/roles",
        permission="admin.roles",
        view=_listing(roles, "key", "key", ("key",)),
        listing=True,
        tag="admin",
        summary="Roles and their rights",
    ),
    Route(
        "PUT",
        "/admin/roles/<key>",
        permission="admin.roles",
        view=changing(
            "save_role",
            schema.RoleInput(),
            lambda work, path, received: operations.save_role(work, path["key"], received),
        ),
        body=schema.RoleInput,
        tag="admin",
        summary="Make or change a role",
    ),
    Route(
        "GET",
        "/admin/keys",
        permission="admin.keys",
        view=_listing(api_keys, "id", "-id", (), ("key_hash",)),
        listing=True,
        tag="admin",
        summary="API keys, without their text",
    ),
    Route(
        "POST",
        "/admin/keys",
        permission="admin.keys",
        view=changing(
            "create_key",
            schema.NewKey(),
            lambda work, path, received: operations.create_key(work, received),
        ),
        status=201,
        body=schema.NewKey,
        tag="admin",
        summary="Make an API key; its text is answered this once",
    ),
    Route(
        "DELETE",
        "/admin/keys/<key>",
        permission="admin.keys",
        view=changing(
            "revoke_key", None, lambda work, path, received: operations.revoke_key(work, path["key"])
        ),
        tag="admin",
        summary="Revoke an API key",
    ),
    Route(
        "GET",
        "/admin/audit",
        permission="admin.audit",
        view=_listing(audit, "identity", "-identity", ("actor", "action", "subject")),
        listing=True,
        tag="admin",
        summary="Who did what, newest first",
    ),
]
