"""Roles: which rights they give, how far each reaches, and which fields they may see."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from gateway.audit.trail import trail
from gateway.identity import events, forms, grants, permissions, store
from gateway.identity.permissions import ADMIN
from services.common.caller import Caller, Clause
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Forbidden, NotFound, invalid_field
from services.common.field_rights import LEVELS
from services.common.ids import new_id
from services.common.rights import resource_of

_ROLE_KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")
_SHOWN = ("id", "key", "label", "permissions", "version")


def role_view(role: Mapping[str, Any]) -> dict[str, Any]:
    """A role as answered: each right with how far it reaches, and the fields that it does not leave free."""
    reach = [
        {
            "right": right,
            "scopes": role["grants"].get(right, {}).get("scopes") or [{"kind": "all"}],
            "condition": role["grants"].get(right, {}).get("condition"),
        }
        for right in role["permissions"]
    ]
    return {**{name: role[name] for name in _SHOWN}, "grants": reach, "fields": role["fields"]}


def get_role(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A role by id or key."""
    role = store.role_by_key(work, key)
    if role is None:
        raise NotFound("没有这个角色", code="role_not_found")
    return role_view(role)


def list_roles(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of roles."""
    found = store.list_roles(work, received)
    return {**found, "items": [role_view(role) for role in found["items"]]}


def create_role(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a role; 409 for a key that is taken."""
    if store.lock_role(work, received["key"]) is not None:
        raise Conflict(f"角色 {received['key']} 已存在", code="role_taken")
    return save_role(work, received["key"], received)


def save_role(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make or change a role; unknown rights are refused by name. The admin role keeps every right.

    `permissions` and the rights of `grants` together are what it gives; without `grants` or `fields` what was
    said of rights that it keeps, and of fields, stays as it was.
    """
    if not _ROLE_KEY.fullmatch(key):
        raise invalid_field(
            "key", "role_key_invalid", "角色键应以小写字母开头, 由小写字母、数字和下划线组成, 最多 50 个字符"
        )
    kept = store.lock_role(work, key)
    if kept is not None:
        check_version(kept, received)
    elif received.get("version") is not None:
        raise NotFound("没有这个角色", code="role_not_found")
    named = received.get("grants")
    rights = {*(received.get("permissions") or ()), *(grant["right"] for grant in named or ())}
    catalogue = forms.catalogue(work)
    check_rights(rights, catalogue)
    before = kept["grants"] if kept else {}
    reach = before if named is None else grants.checked_grants(named, store.known_codes(work), catalogue)
    told = received.get("fields")
    fields = (kept["fields"] if kept else {}) if told is None else grants.checked_fields(told, catalogue)
    return _write(
        work,
        kept,
        {
            "key": key,
            "label": received["label"],
            "permissions": sorted(rights),
            "grants": {right: grant for right, grant in reach.items() if right in rights},
            "fields": fields,
        },
    )


def change_role(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change cells of a role's matrix: `grant` (rights with their scopes), `revoke`, and `fields`.

    A field right of `write` frees the field; what is not named stays.
    """
    kept = store.lock_role(work, key)
    if kept is None:
        raise NotFound("没有这个角色", code="role_not_found")
    check_version(kept, received)
    granted = received.get("grant") or []
    revoked = set(received.get("revoke") or ())
    named = {grant["right"] for grant in granted}
    catalogue = forms.catalogue(work)
    check_rights(named | revoked, catalogue)
    reach = {right: one for right, one in kept["grants"].items() if right not in named | revoked}
    reach |= grants.checked_grants(granted, store.known_codes(work), catalogue)
    told = received.get("fields") or {}
    checked = grants.checked_fields(told, catalogue)
    fields = {
        resource: {
            **{
                path: right
                for path, right in kept["fields"].get(resource, {}).items()
                if path not in told.get(resource, {})
            },
            **checked.get(resource, {}),
        }
        for resource in {*kept["fields"], *checked}
    }
    return _write(
        work,
        kept,
        {
            "key": key,
            "label": received.get("label") or kept["label"],
            "permissions": sorted((set(kept["permissions"]) | named) - revoked),
            "grants": reach,
            "fields": {resource: paths for resource, paths in fields.items() if paths},
        },
    )


def _write(work: UnitOfWork, kept: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    if wanted["key"] == ADMIN and (
        set(wanted["permissions"]) != permissions.ALL or wanted["grants"] or wanted["fields"]
    ):
        raise Conflict("系统管理员角色的权限不能删减", code="admin_role")
    require_holds(work, {*wanted["permissions"], *(kept["permissions"] if kept else ())})
    _require_no_wider(work.caller, wanted)
    role = {
        "id": kept["id"] if kept else new_id(),
        **wanted,
        "offered": kept["offered"] if kept else [],
        "version": kept["version"] + 1 if kept else 1,
    }
    if kept is not None:
        store.change(work, "roles", role["id"], role)
    elif not store.add(work, "roles", role):
        raise Conflict(f"角色 {wanted['key']} 已存在", code="role_taken")
    shown = role_view(role)
    tell_role(work, role)
    names = ("label", "permissions", "grants", "fields")
    before = None if kept is None else {name: kept[name] for name in names}
    trail(work).add("role.save", wanted["key"], before=before, after={name: role[name] for name in names})
    return shown


def tell_role(work: UnitOfWork, role: Mapping[str, Any]) -> None:
    """Tell others of a role as it is now."""
    events.role_changed(work, {name: role[name] for name in _SHOWN})


def seed_roles(work: UnitOfWork) -> None:
    """Make the roles that the product ships with, and give those there are what is new of it, once.

    What an administrator took away stays away, what they gave stays given; the admin role gets every right.
    """
    known = store.all_roles(work)
    for key, (label, rights) in permissions.ROLES.items():
        kept = known.get(key)
        if kept is None:
            save_role(work, key, {"label": label, "permissions": sorted(rights)})
            kept = store.lock_role(work, key)
        given = set(kept["permissions"]) if kept else set()
        fresh = rights - set(kept["offered"] if kept else ())
        wanted = set(rights) if key == ADMIN else given | fresh
        if kept is not None and wanted != given:
            save_role(work, key, {"label": kept["label"], "permissions": sorted(wanted)})
        if kept is not None and fresh:
            store.change(work, "roles", kept["id"], {"offered": sorted({*kept["offered"], *rights})})


# --- nobody gives what they do not have ------------------------------------------------------------------


def check_rights(rights: Collection[str], catalogue: permissions.Catalogue) -> None:
    """Raise `Invalid` for a right that does not exist, by its name."""
    unknown = sorted(set(rights) - catalogue.rights)
    if unknown:
        raise invalid_field("permissions", "permission_unknown", f"未知的权限: {', '.join(unknown[:5])}")


def require_holds(work: UnitOfWork, rights: Collection[str]) -> None:
    """Raise `Forbidden` for rights that the caller does not have."""
    _forbid(sorted(right for right in set(rights) if not work.caller.can(right)))


def require_holds_fully(work: UnitOfWork, rights: Collection[str]) -> None:
    """The same, for what reaches every record and every field: a key does, whoever made it."""
    caller = work.caller
    narrowed = {right for right in rights if right in caller.clauses or resource_of(right) in caller.fields}
    _forbid(sorted(narrowed | {right for right in rights if not caller.can(right)}))


def _require_no_wider(caller: Caller, wanted: Mapping[str, Any]) -> None:
    """Raise `Forbidden` for a role that reaches further, or sees more, than whoever makes it."""
    nowhere = grants.Tree({})
    beyond = []
    for right in wanted["permissions"]:
        own = caller.clauses.get(right)
        if own is not None:
            given = grants.clauses_of_grant(wanted["grants"].get(right), caller.department, nowhere)
            beyond += [right for clause in given if not _is_among(clause, own)]
    for key, paths in caller.fields.items():
        if any(resource_of(right) == key for right in wanted["permissions"]):
            for path, right in paths.items():
                level = wanted["fields"].get(key, {}).get(path, {}).get("level", LEVELS[-1])
                if LEVELS.index(level) > LEVELS.index(right.level):
                    beyond.append(f"{key}.{path}")
    _forbid(sorted(set(beyond)))


def _is_among(clause: Clause, own: Collection[Clause]) -> bool:
    """Whether one of one's own grants reaches at least as far as this one."""
    return any(
        one.kind == clause.kind
        and (one.values == clause.values or (one.kind == "departments" and {*clause.values} <= {*one.values}))
        and one.condition in ("", clause.condition)
        for one in own
    )


def _forbid(beyond: list[str]) -> None:
    if beyond:
        raise Forbidden(
            f"不能授予或管理自己没有的权限: {', '.join(beyond[:5])}", code="permission_beyond", beyond=beyond
        )


def check_version(row: Mapping[str, Any], received: Mapping[str, Any]) -> None:
    """Raise `Conflict` where the row is newer than what the caller has seen."""
    if received.get("version") not in (None, row["version"]):
        raise Conflict("记录已被他人修改, 请刷新后再试", code="stale_version", version=row["version"])
