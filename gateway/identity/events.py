"""What identity publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork

_USER = ("id", "username", "name", "email", "department", "position", "roles", "active", "version")


def user_view(user: Mapping[str, Any]) -> dict[str, Any]:
    """A user as others may see it; `leave` is when they are away and who does their work, or None."""
    leave = None
    if user["leave_from"] is not None:
        leave = {"from": user["leave_from"], "until": user["leave_until"], "stand_in": user["stand_in"]}
    return {**{name: user[name] for name in _USER}, "leave": leave}


def user_changed(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """A user is new or different."""
    work.add_event("user_changed", subject=user["id"], data={"user": user_view(user)})


def department_changed(work: UnitOfWork, department: Mapping[str, Any]) -> None:
    """A department is new, moved, renamed, or has another head."""
    work.add_event("department_changed", subject=department["id"], data={"department": dict(department)})


def duties_changed(work: UnitOfWork, allowed: Mapping[str, bool]) -> None:
    """What the installation allows beyond its rights is different."""
    work.add_event("duties_changed", subject="duties", data={"duties": dict(allowed)})


def role_changed(work: UnitOfWork, role: Mapping[str, Any]) -> None:
    """A role is new or has other rights."""
    work.add_event("role_changed", subject=role["id"], data={"role": dict(role)})
