"""What can be done with users, departments, roles, keys and sessions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from gateway.identity import permissions, store, tokens
from gateway.identity.model import api_keys, departments, roles, sessions, users
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, TooManyRequests, Unauthenticated
from services.common.ids import new_id

_FREE_FAILURES = 3
_DELAY_SECONDS_MAX = 900
_FORGET_AFTER = timedelta(hours=12)


def user_view(user: Mapping[str, Any]) -> dict[str, Any]:
    """A user as others may see it."""
    names = ("id", "username", "name", "email", "department", "roles", "active", "version")
    return {name: user[name] for name in names}


def create_user(work: UnitOfWork, received: Mapping[str, Any], password_hash: str) -> dict[str, Any]:
    """Make a user; 409 for a name that is taken, 422 for an unknown department or role."""
    _require_known(work, received)
    user = {
        "id": new_id(),
        **{name: received[name] for name in ("username", "name", "email", "department")},
        "roles": sorted(set(received["roles"])),
        "password_hash": password_hash,
        "active": True,
        "version": 1,
        "created_at": work.now,
    }
    if not store.add(work, users, user):
        raise Conflict(f"用户名 {received['username']} 已存在", code="username_taken")
    _user_changed(work, user)
    _audit(work, "user.create", received["username"], {"roles": user["roles"]})
    return user_view(user)


def change_user(
    work: UnitOfWork, key: str, received: Mapping[str, Any], password_hash: str | None
) -> dict[str, Any]:
    """Change a user by id or name; whoever loses rights or the account is signed out at once."""
    user = _require(work, users, key, "username", "没有这个用户")
    _check_version(user, received)
    _require_known(work, received)
    values = {name: received[name] for name in ("name", "email", "department", "active") if name in received}
    if "roles" in received:
        values["roles"] = sorted(set(received["roles"]))
    if password_hash is not None:
        values["password_hash"] = password_hash
    values["version"] = user["version"] + 1
    store.change(work, users, "id", user["id"], values)
    user |= values
    if password_hash is not None or values.get("active") is False:
        store.end_sessions(work, user["id"], "password_or_account_changed")
    _user_changed(work, user)
    shown = {name: value for name, value in values.items() if name != "password_hash"}
    _audit(work, "user.change", user["username"], shown)
    return user_view(user)


def create_department(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a department; 409 for a code that is taken, 422 for an unknown parent or head."""
    _check_tree(work, received["code"], received.get("parent"))
    _check_head(work, received.get("head"))
    names = ("code", "name", "parent", "head")
    department = {"id": new_id(), **{name: received[name] for name in names}, "version": 1}
    if not store.add(work, departments, department):
        raise Conflict(f"部门编码 {received['code']} 已存在", code="department_taken")
    _department_changed(work, department)
    _audit(work, "department.create", received["code"], dict(received))
    return department


def change_department(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a department by id or code; it cannot be moved below itself."""
    department = _require(work, departments, key, "code", "没有这个部门")
    _check_version(department, received)
    if "parent" in received:
        _check_tree(work, department["code"], received["parent"])
    if "head" in received:
        _check_head(work, received["head"])
    values = {name: received[name] for name in ("name", "parent", "head") if name in received}
    values["version"] = department["version"] + 1
    store.change(work, departments, "id", department["id"], values)
    _department_changed(work, department | values)
    _audit(work, "department.change", department["code"], values)
    return department | values


def save_role(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make or change a role; unknown rights are refused by name. The admin role keeps every right."""
    unknown = sorted(set(received["permissions"]) - permissions.ALL)
    if unknown:
        _refuse("permissions", "permission_unknown", f"未知的权限: {', '.join(unknown[:5])}")
    if key == "admin" and set(received["permissions"]) != set(permissions.ALL):
        raise Conflict("系统管理员角色的权限不能删减", code="admin_role")
    kept = store.lock_row(work, roles, "key", key)
    if kept is not None:
        _check_version(kept, received)
    role = {
        "id": kept["id"] if kept else new_id(),
        "key": key,
        "label": received["label"],
        "permissions": sorted(set(received["permissions"])),
        "version": kept["version"] + 1 if kept else 1,
    }
    if kept is None:
        store.add(work, roles, role)
    else:
        store.change(work, roles, "key", key, role)
    work.add_event("role_changed", subject=role["id"], data={"role": role})
    _audit(work, "role.save", key, {"permissions": role["permissions"]})
    return role


def create_key(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make an API key; its text is answered once and kept nowhere."""
    beyond = sorted(set(received["permissions"]) - work.caller.permissions)
    if beyond:
        _refuse("permissions", "permission_beyond", f"不能授予自己没有的权限: {', '.join(beyond[:5])}")
    text = f"ck_{secrets.token_urlsafe(32)}"
    key = {
        "id": new_id(),
        "name": received["name"],
        "key_hash": tokens.hash_token(text),
        "permissions": sorted(set(received["permissions"])),
        "created_by": work.caller.username,
        "created_at": work.now,
        "expires_at": received["expires_at"],
    }
    store.add(work, api_keys, key)
    _audit(work, "key.create", str(key["id"]), {"name": key["name"], "permissions": key["permissions"]})
    return {**{name: value for name, value in key.items() if name != "key_hash"}, "key": text}


def revoke_key(work: UnitOfWork, key_id: str) -> dict[str, Any]:
    """Revoke an API key at once."""
    key = _require(work, api_keys, key_id, "id", "没有这个密钥")
    if key["revoked_at"] is None:
        store.change(work, api_keys, "id", key["id"], {"revoked_at": work.now})
    _audit(work, "key.revoke", str(key["id"]), {})
    return {"id": key["id"], "revoked_at": key["revoked_at"] or work.now}


# --- sessions --------------------------------------------------------------------------------------------


def may_try(work: UnitOfWork, username: str, address: str) -> None:
    """Raise `TooManyRequests` while this account or address must wait after failures."""
    until = store.blocked_until(work, _subjects(username, address))
    if until is not None and until > work.now:
        seconds = int((until - work.now).total_seconds()) + 1
        raise TooManyRequests(
            f"尝试次数过多, 请 {seconds} 秒后再试", code="login_delayed", retry_after=seconds
        )


def sign_in(
    work: UnitOfWork, user: Mapping[str, Any], address: str, agent: str
) -> tuple[dict[str, Any], str]:
    """Open a session: (its row, the refresh token)."""
    session_id = new_id()
    token, kept = tokens.new_refresh_token(session_id)
    session = {
        "id": session_id,
        "user_id": user["id"],
        "refresh_hash": kept,
        "generation": 1,
        "created_at": work.now,
        "expires_at": work.now + timedelta(days=tokens.REFRESH_DAYS),
        "address": address,
        "agent": agent,
    }
    store.add(work, sessions, session)
    store.clear_delay(work, f"account:{str(user['username']).lower()}")
    store.write_audit(work, "sign_in", user["username"], {}, actor=user["username"], address=address)
    return session, token


def note_failure(work: UnitOfWork, username: str, address: str) -> None:
    """Count a failed sign-in: after some, account and address must wait, twice as long each time."""
    for subject in _subjects(username, address):
        kept = store.delay_of(work, subject)
        recent = kept is not None and work.now - kept["last_failure"] < _FORGET_AFTER
        failures = (kept["failures"] if kept and recent else 0) + 1
        free = _FREE_FAILURES if subject.startswith("account:") else _FREE_FAILURES * 10
        seconds = min(2 ** min(failures - free, 20), _DELAY_SECONDS_MAX) if failures > free else 0
        store.save_delay(
            work,
            {
                "subject": subject,
                "failures": failures,
                "blocked_until": work.now + timedelta(seconds=seconds),
                "last_failure": work.now,
            },
        )
    store.write_audit(work, "sign_in_failed", username[:100], {}, actor="", address=address)


def refresh(work: UnitOfWork, token: str) -> tuple[dict[str, Any], str] | None:
    """Exchange a refresh token, once: (session, new token).

    A token that was exchanged before means that somebody has a copy: the session ends and the answer is None.
    """
    session_id = _session_of(token)
    session = store.lock_row(work, sessions, "id", session_id) if session_id else None
    if session is None or session["ended_at"] is not None or session["expires_at"] <= work.now:
        raise Unauthenticated("登录已失效, 请重新登录", code="session_ended")
    if not secrets.compare_digest(session["refresh_hash"], tokens.hash_token(token)):
        values = {"ended_at": work.now, "end_reason": "refresh_token_reused"}
        store.change(work, sessions, "id", session["id"], values)
        _audit(work, "session.reuse_detected", str(session["user_id"]), {"session": str(session["id"])})
        return None
    user = store.find_user(work, user_id=session["user_id"])
    if user is None or not user["active"]:
        raise Unauthenticated("登录已失效, 请重新登录", code="session_ended")
    new_token, kept = tokens.new_refresh_token(session["id"])
    values = {"refresh_hash": kept, "generation": session["generation"] + 1}
    store.change(work, sessions, "id", session["id"], values)
    return session, new_token


def end_session(work: UnitOfWork, session_id: UUID) -> None:
    """Sign out."""
    store.change(work, sessions, "id", session_id, {"ended_at": work.now, "end_reason": "signed_out"})


# --- seeds -----------------------------------------------------------------------------------------------


def seed_roles(work: UnitOfWork) -> None:
    """Make the roles that the product ships with, where they are missing; the admin role gets new rights."""
    known = store.known_roles(work)
    for key, (label, rights) in permissions.ROLES.items():
        if key not in known or (key == "admin" and set(known[key]) != set(rights)):
            save_role(work, key, {"label": label, "permissions": sorted(rights)})


def ensure_admin(work: UnitOfWork, username: str, password_hash: str) -> bool:
    """Make the first administrator; False when somebody has that name already."""
    if store.find_user(work, username=username) is not None:
        return False
    received = {"username": username, "name": "系统管理员", "email": None, "department": None}
    create_user(work, {**received, "roles": ["admin"]}, password_hash)
    return True


def _subjects(username: str, address: str) -> list[str]:
    return [f"account:{username.lower()[:100]}", f"address:{address}"]


def _session_of(token: str) -> UUID | None:
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        return None


def _require(work: UnitOfWork, table: Table, key: str, name: str, missing: str) -> dict[str, Any]:
    try:
        found = store.lock_row(work, table, "id", UUID(key))
    except ValueError:
        found = store.lock_row(work, table, name, key) if name != "id" else None
    if found is None:
        raise NotFound(missing)
    return found


def _check_version(row: Mapping[str, Any], received: Mapping[str, Any]) -> None:
    if received.get("version") not in (None, row["version"]):
        raise Conflict("记录已被他人修改, 请刷新后再试", code="stale_version", version=row["version"])


def _require_known(work: UnitOfWork, received: Mapping[str, Any]) -> None:
    if received.get("department") and received["department"] not in store.known_codes(work):
        _refuse("department", "department_unknown", f"没有部门 {received['department']}")
    unknown = sorted(set(received.get("roles") or ()) - set(store.known_roles(work)))
    if unknown:
        _refuse("roles", "role_unknown", f"没有角色 {', '.join(unknown)}")


def _check_tree(work: UnitOfWork, code: str, parent: str | None) -> None:
    above = store.parents(work)
    if parent is not None and parent not in above:
        _refuse("parent", "department_unknown", f"没有上级部门 {parent}")
    seen = parent
    while seen is not None:
        if seen == code:
            _refuse("parent", "department_cycle", "部门不能放在自己的下级之下")
        seen = above.get(seen)


def _check_head(work: UnitOfWork, head: str | None) -> None:
    if head is not None and store.find_user(work, username=head) is None:
        _refuse("head", "user_unknown", f"没有用户 {head}")


def _refuse(field: str, code: str, message: str) -> None:
    raise Invalid(message, code=code, errors=[{"field": field, "code": code, "message": message}])


def _user_changed(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    work.add_event("user_changed", subject=user["id"], data={"user": user_view(user)})


def _department_changed(work: UnitOfWork, department: Mapping[str, Any]) -> None:
    work.add_event("department_changed", subject=department["id"], data={"department": dict(department)})


def _audit(work: UnitOfWork, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    store.write_audit(work, action, subject, detail, actor=work.caller.actor, address="")
