"""What an administrator sets for signing in: how long passwords are, and who needs a second factor."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.audit.trail import trail
from gateway.identity import operations
from gateway.identity.roles import check_version
from gateway.sign_in import store
from services.common.db import UnitOfWork

_REMEMBERED = "sign-in-settings"


def current(work: UnitOfWork) -> dict[str, Any]:
    """`password_length_min`, `second_factor_roles` and `version`."""
    found: dict[str, Any] = work.remembered(_REMEMBERED, lambda: store.settings(work))
    return found


def change(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change them; 422 for an unknown role, 409 for a stale version. Locks the row."""
    before = store.settings(work, lock=True)
    check_version(before, received)
    values = {name: value for name, value in received.items() if name != "version"}
    operations.require_known_roles(work, values.get("second_factor_roles", ()), "second_factor_roles")
    after = {**before, **values, "version": before["version"] + 1}
    store.save_settings(work, after)
    work.forget(_REMEMBERED)
    trail(work).add("sign_in_settings.change", "sign-in", before=before, after=after)
    return after


def needs_second_factor(work: UnitOfWork, roles: Collection[str]) -> bool:
    """Whether one of these roles may only be used with a second factor."""
    return bool(set(roles) & set(current(work)["second_factor_roles"]))
