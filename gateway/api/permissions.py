"""Roles and their matrix, the catalogue of rights, shared records, separation of duties, and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Request

from gateway.audit.trail import trail
from gateway.context import Context
from gateway.identity import events, explaining, forms, roles, schema, shares, store
from gateway.identity.grants import SCOPE_KINDS
from gateway.local import body, changing, listing, reading
from gateway.routes import Route, admin_route
from gateway.table import all_routes
from services.common.db import UnitOfWork
from services.common.duties import DEFAULTS
from services.common.errors import NotFound, invalid_field
from services.common.expressions import World
from services.common.field_rights import LEVELS, MASKS


def _catalogue(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    """Every resource with its buttons, its fields and what its scopes may read; and what each right opens."""
    opens: dict[str, list[str]] = {}
    for route in all_routes():
        for right in (route.permission, *route.may_need):
            opens.setdefault(right, []).append(route.name)
    rights = []
    resources = []
    catalogue = context.read_raw(forms.catalogue)
    for resource in catalogue.resources.values():
        scope = resource.scope.fields if resource.scope else {}
        resources.append(
            {
                "key": resource.key,
                "label": {"zh": resource.label_zh, "en": resource.label_en},
                "fields": [
                    {"path": one.path, "label": {"zh": one.label_zh, "en": one.label_en}, "mask": one.mask}
                    for one in resource.fields
                ],
                "scope_fields": [
                    {
                        "key": one.key,
                        "type": one.type.kind,
                        "label": {"zh": one.label_zh, "en": one.label_en},
                    }
                    for one in scope.values()
                ],
            }
        )
        for action, right in zip(resource.actions, resource.rights, strict=True):
            rights.append(
                {
                    "key": right,
                    "resource": resource.key,
                    "action": action.key,
                    "label": {"zh": action.label_zh, "en": action.label_en},
                    "scoped": right in catalogue.scoped,
                    "routes": opens.get(right, []),
                }
            )
    rights.sort(key=lambda right: str(right["key"]))
    return {
        "items": rights,
        "next": None,
        "resources": resources,
        "scope_kinds": list(SCOPE_KINDS),
        "levels": list(LEVELS),
        "masks": list(MASKS),
    }


_create_role = changing(
    "create_role", schema.NewRole(), lambda work, path, received: roles.create_role(work, received)
)
_save_role = changing(
    "save_role",
    schema.RoleInput(),
    lambda work, path, received: roles.save_role(work, path["key"], received),
)
_change_role = changing(
    "change_role",
    schema.RoleChange(),
    lambda work, path, received: roles.change_role(work, path["key"], received),
)


def _roles(prefix: str) -> list[Route]:
    every, one = f"{prefix}/roles", f"{prefix}/roles/<key>"
    role: dict[str, Any] = {"answer": schema.Role}
    get_role = reading(lambda work, path: roles.get_role(work, path["key"]))
    return [
        admin_route("GET", every, "roles", "Roles and their rights", listing(roles.list_roles), listing=True),
        admin_route(
            "POST", every, "roles", "Make a role", _create_role, body=schema.NewRole, status=201, **role
        ),
        admin_route("GET", one, "roles", "One role", get_role, **role),
        admin_route("PUT", one, "roles", "Make or change a role", _save_role, body=schema.RoleInput, **role),
        admin_route("PATCH", one, "roles", "Change some cells", _change_role, body=schema.RoleChange, **role),
    ]


# --- shared records --------------------------------------------------------------------------------------


def _record_id(context: Context, resource: str, key: str) -> UUID:
    """The id of a record that the caller may see; 404 for any other."""
    if resource == "customers":
        found = context.ask("customer", "get_customer", {"customer_id": key})
    else:
        found = context.ask("application", "get_application", {"application_id": key})
    return UUID(str(found["id"]))


def _share(resource: str) -> Any:
    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
        received = body(schema.ShareInput())
        record_id = _record_id(context, resource, path["record"])
        answer = context.apply(
            f"share_{resource}",
            {**path, **received},
            lambda work: shares.share(work, resource, record_id, received),
        )
        context.desk.forget()
        return answer

    return view


def _unshare(resource: str) -> Any:
    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
        received = body(schema.UnshareInput())
        record_id = _record_id(context, resource, path["record"])
        answer = context.apply(
            f"unshare_{resource}",
            {**path, **received},
            lambda work: shares.unshare(work, resource, record_id, received["username"]),
        )
        context.desk.forget()
        return answer

    return view


def _shares(resource: str) -> Any:
    def view(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
        record_id = _record_id(context, resource, path["record"])
        return context.read(lambda work: shares.list_shares(work, resource, record_id))

    return view


def _sharing(resource: str) -> list[Route]:
    one, right = f"/{resource}/<record>", f"{resource}.share"
    plain: dict[str, Any] = {"permission": right, "may_need": (f"{resource}.read",), "tag": resource}
    return [
        Route(
            "POST",
            f"{one}:share",
            view=_share(resource),
            body=schema.ShareInput,
            summary="Let somebody else see it, or change it (`level`), until a moment",
            **plain,
        ),
        Route(
            "POST",
            f"{one}:unshare",
            view=_unshare(resource),
            body=schema.UnshareInput,
            summary="Take it back from somebody",
            **plain,
        ),
        Route("GET", f"{one}/shares", view=_shares(resource), summary="With whom it is shared", **plain),
    ]


# --- duties ----------------------------------------------------------------------------------------------


def _get_duties(work: UnitOfWork) -> dict[str, bool]:
    return DEFAULTS | store.allowed_duties(work)


def _change_duties(work: UnitOfWork, received: Mapping[str, bool]) -> dict[str, bool]:
    before = _get_duties(work)
    for key, allowed in received.items():
        store.save_duty(work, key, allowed)
    after = before | dict(received)
    trail(work).add("duties.change", "duties", before=before, after=after)
    events.duties_changed(work, after)
    return after


# --- explanations ----------------------------------------------------------------------------------------


def _explain(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    received = body(schema.Question())
    right = received["right"]
    catalogue = context.read_raw(forms.catalogue)
    resource = catalogue.resource_of(right)
    if resource is None:
        raise invalid_field("right", "permission_unknown", "未知的权限", f"未知的权限: {right}")
    facts = None
    if received["record"] is not None and right in catalogue.scoped:
        # As the gateway itself: it explains also what the administrator may not see in full.
        told = context.facts(catalogue.services[resource.key], resource.key, [received["record"]])
        if not told:
            raise NotFound("没有这条记录", code="record_not_found")
        facts = explaining.facts_from(told[received["record"]], resource.scope_of_records)
    world = World(now=context.ground.database.clock.now(), zone=context.settings.timezone)

    def read(work: UnitOfWork) -> Any:
        user = store.find_user(work, username=received["username"])
        if user is None:
            raise NotFound("没有这个用户", code="user_not_found")
        directory, caller = context.desk.directory_and_caller(work, user)
        return explaining.explain(directory, user, caller, right, facts, world)

    return context.read(read)


ROUTES = [
    *_roles(""),
    *_roles("/admin"),
    admin_route(
        "GET", "/admin/permissions", "roles", "Every resource, button and field, with the routes", _catalogue
    ),
    admin_route(
        "POST",
        "/admin/permissions:explain",
        "preview",
        "Why somebody may, or may not, do something, with a record or without",
        _explain,
        body=schema.Question,
    ),
    admin_route(
        "GET",
        "/admin/duties",
        "roles",
        "What is allowed of what duties keep apart",
        reading(lambda work, path: _get_duties(work)),
        answer=schema.Duties,
    ),
    admin_route(
        "PATCH",
        "/admin/duties",
        "roles",
        "Allow, or not, to approve one's own application and to publish one's own draft",
        changing("change_duties", schema.Duties(), lambda work, _, received: _change_duties(work, received)),
        body=schema.Duties,
        answer=schema.Duties,
    ),
    *_sharing("customers"),
    *_sharing("applications"),
]
