"""What can be done with users and departments."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from gateway.audit.trail import trail
from gateway.identity import events, store, tokens
from gateway.identity.permissions import ADMIN
from gateway.identity.roles import check_version, require_holds
from gateway.sign_in import store as access
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id

_NO_LEAVE: dict[str, Any] = {"leave_from": None, "leave_until": None, "stand_in": None}


# --- users -----------------------------------------------------------------------------------------------


def get_user(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A user by id or name."""
    user = store.user_by_key(work, key)
    if user is None:
        raise NotFound("没有这个用户", code="user_not_found")
    return user


def shown_user(work: UnitOfWork, key: str) -> dict[str, Any]:
    """The same as others may see it."""
    return events.user_view(get_user(work, key))


def manageable_user(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A user whose way in the caller may change: 403 for one with rights that the caller does not have."""
    user = get_user(work, key)
    require_holds(work, _rights_of(work, user["roles"]))
    return user


def create_user(work: UnitOfWork, received: Mapping[str, Any], password_hash: str | None) -> dict[str, Any]:
    """Make a user; 409 for a name that is taken, 422 for an unknown department or role.

    403 for roles with rights that the caller does not have: nobody makes somebody mightier than themselves.
    """
    _require_known(work, received)
    require_holds(work, _rights_of(work, received["roles"]))
    user = {
        "id": new_id(),
        **{name: received.get(name) for name in ("username", "name", "email", "department", "position")},
        **_NO_LEAVE,
        "roles": sorted(set(received["roles"])),
        "password_hash": password_hash,
        "active": True,
        "version": 1,
        "created_at": work.now,
    }
    if not store.add(work, "users", user):
        raise Conflict(f"用户名 {received['username']} 已存在", code="username_taken")
    events.user_changed(work, user)
    trail(work).add("user.create", received["username"], after=events.user_view(user))
    return events.user_view(user)


def change_user(
    work: UnitOfWork, key: str, received: Mapping[str, Any], password_hash: str | None
) -> dict[str, Any]:
    """Change a user by id or name; a new password or a closed account ends every session.

    403 for a user with rights that the caller does not have, 409 for the last administrator's rights.
    """
    demotes = "roles" in received or "active" in received
    admins = store.lock_users_with_role(work, ADMIN) if demotes else []
    user = store.lock_user(work, key)
    if user is None:
        raise NotFound("没有这个用户", code="user_not_found")
    check_version(user, received)
    _require_known(work, received)
    require_holds(work, _rights_of(work, {*user["roles"], *received.get("roles", ())}))
    plain = ("name", "email", "department", "position", "active")
    values = {name: received[name] for name in plain if name in received}
    if "roles" in received:
        values["roles"] = sorted(set(received["roles"]))
    after = user | values
    if [admin["id"] for admin in admins] == [user["id"]] and not (
        after["active"] and ADMIN in after["roles"]
    ):
        raise Conflict("这是最后一位系统管理员, 不能停用或移除其角色", code="last_admin")
    if password_hash is not None:
        values["password_hash"] = password_hash
    values["version"] = user["version"] + 1
    store.change(work, "users", user["id"], values)
    if password_hash is not None or values.get("active") is False:
        access.end_sessions(work, user["id"], "password_or_account_changed")
    events.user_changed(work, user | values)
    detail = {} if password_hash is None else {"password_changed": True}
    before, after = events.user_view(user), events.user_view(user | values)
    trail(work).add("user.change", user["username"], detail, before=before, after=after)
    return events.user_view(user | values)


def set_leave(work: UnitOfWork, key: str, received: Mapping[str, Any] | None) -> dict[str, Any]:
    """Say when a user is away and who does their work, or (None) that they are back.

    422 for a stand-in who is nobody, the user themselves, or away on one of these days as well.
    """
    user = store.lock_user(work, key)
    if user is None:
        raise NotFound("没有这个用户", code="user_not_found")
    values = dict(_NO_LEAVE)
    if received is not None:
        if received["until"] < received["first"]:
            raise invalid_field("until", "leave_ends_before_it_begins", "结束日期不能早于开始日期")
        values = {"leave_from": received["first"], "leave_until": received["until"]}
        values["stand_in"] = _stand_in(work, user, received)
    after = {**user, **values, "version": user["version"] + 1}
    store.change(work, "users", user["id"], {**values, "version": after["version"]})
    events.user_changed(work, after)
    before, now = events.user_view(user), events.user_view(after)
    trail(work).add("user.leave", user["username"], before=before, after=now)
    return now


def _stand_in(work: UnitOfWork, user: Mapping[str, Any], received: Mapping[str, Any]) -> str | None:
    if received["stand_in"] is None:
        return None
    other = active_user(work, received["stand_in"], "stand_in")
    if other["id"] == user["id"]:
        raise invalid_field("stand_in", "stand_in_is_oneself", "代理人不能是本人")
    begins, ends = other["leave_from"], other["leave_until"]
    if begins is not None and begins <= received["until"] and ends >= received["first"]:
        raise invalid_field("stand_in", "stand_in_away", "代理人在此期间也休假")
    return str(other["username"])


# --- positions -------------------------------------------------------------------------------------------


def get_position(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A position by id or code."""
    position = store.position_by_key(work, key)
    if position is None:
        raise NotFound("没有这个岗位", code="position_not_found")
    return position


def create_position(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a position; 409 for a code that is taken."""
    position = {"id": new_id(), "code": received["code"], "name": received["name"], "version": 1}
    if not store.add(work, "job_positions", position):
        raise Conflict(f"岗位编码 {received['code']} 已存在", code="position_taken")
    trail(work).add("position.create", received["code"], after=position)
    return position


def change_position(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Rename a position, by id or code."""
    position = store.position_by_key(work, key, lock=True)
    if position is None:
        raise NotFound("没有这个岗位", code="position_not_found")
    check_version(position, received)
    values = {name: received[name] for name in ("name",) if name in received}
    after = {**position, **values, "version": position["version"] + 1}
    store.change(work, "job_positions", position["id"], {**values, "version": after["version"]})
    trail(work).add("position.change", position["code"], before=position, after=after)
    return after


# --- departments -----------------------------------------------------------------------------------------


def get_department(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A department by id or code."""
    department = store.department_by_key(work, key)
    if department is None:
        raise NotFound("没有这个部门", code="department_not_found")
    return department


def create_department(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a department; 409 for a code that is taken, 422 for an unknown parent or head."""
    if received["parent"] is not None and received["parent"] not in store.known_codes(work):
        raise invalid_field("parent", "department_unknown", f"没有上级部门 {received['parent']}")
    department = {
        "id": new_id(),
        **{name: received[name] for name in ("code", "name", "parent")},
        "head": _head(work, received["head"]),
        "version": 1,
    }
    if not store.add(work, "departments", department):
        raise Conflict(f"部门编码 {received['code']} 已存在", code="department_taken")
    events.department_changed(work, department)
    trail(work).add("department.create", received["code"], after=department)
    return department


def change_department(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a department by id or code; it cannot be moved below itself."""
    tree = store.lock_departments(work)
    department = tree.get(key) or next((row for row in tree.values() if str(row["id"]) == key.lower()), None)
    if department is None:
        raise NotFound("没有这个部门", code="department_not_found")
    check_version(department, received)
    values = {name: received[name] for name in ("name", "parent") if name in received}
    if "parent" in values:
        _check_tree(tree, department["code"], values["parent"])
    if "head" in received:
        values["head"] = _head(work, received["head"])
    values["version"] = department["version"] + 1
    store.change(work, "departments", department["id"], values)
    events.department_changed(work, department | values)
    trail(work).add("department.change", department["code"], before=department, after=department | values)
    return department | values


def _check_tree(tree: Mapping[str, Mapping[str, Any]], code: str, parent: str | None) -> None:
    if parent is not None and parent not in tree:
        raise invalid_field("parent", "department_unknown", f"没有上级部门 {parent}")
    above = parent
    while above is not None:
        if above == code:
            raise invalid_field("parent", "department_cycle", "部门不能放在自己的下级之下")
        above = tree[above]["parent"]


def _head(work: UnitOfWork, username: str | None) -> str | None:
    return None if username is None else str(active_user(work, username, "head")["username"])


# --- the first administrator ------------------------------------------------------------------------------


def ensure_admin(work: UnitOfWork, username: str, password: str | None) -> str | None:
    """Make the first administrator, unless there are users; returns a generated password, shown once."""
    if store.list_users(work, {"where": {}, "page_size": 1})["items"]:
        return None
    chosen = password or secrets.token_urlsafe(12)
    received = {"username": username, "name": "系统管理员", "email": None, "department": None}
    create_user(work, {**received, "roles": [ADMIN]}, tokens.hash_password(chosen))
    return None if password else chosen


# --- what they share -------------------------------------------------------------------------------------


def active_user(work: UnitOfWork, username: str, field: str) -> dict[str, Any]:
    """The user whom a field names; `Invalid` for nobody and for one whose account is closed."""
    user = store.find_user(work, username=username)
    if user is None or not user["active"]:
        raise invalid_field(field, "user_unknown", f"没有在用的用户 {username}")
    return user


def _rights_of(work: UnitOfWork, keys: Collection[str]) -> set[str]:
    known = store.known_roles(work)
    return {right for key in keys for right in known.get(key, ())}


def require_all(work: UnitOfWork) -> None:
    """Raise `Forbidden` for whoever holds less than administrators do."""
    require_holds(work, _rights_of(work, [ADMIN]))


def require_known_roles(work: UnitOfWork, roles: Collection[str], field: str) -> None:
    """Raise `Invalid` for roles that do not exist, by their names."""
    unknown = sorted(set(roles) - set(store.known_roles(work)))
    if unknown:
        raise invalid_field(field, "role_unknown", f"没有角色 {', '.join(unknown)}")


def _require_known(work: UnitOfWork, received: Mapping[str, Any]) -> None:
    if received.get("department") and received["department"] not in store.known_codes(work):
        raise invalid_field("department", "department_unknown", f"没有部门 {received['department']}")
    if received.get("position") and received["position"] not in store.known_positions(work):
        raise invalid_field("position", "position_unknown", f"没有岗位 {received['position']}")
    require_known_roles(work, received.get("roles") or (), "roles")
