"""What administrators do about others' ways in: sessions, second factors, and what signing in asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.identity import operations
from gateway.local import changing, reading
from gateway.routes import admin_route
from gateway.sign_in import schema, second_factor, sessions, settings
from services.common.db import UnitOfWork

Operation = Callable[[UnitOfWork, dict[str, Any], Mapping[str, str]], Any]


def _of_user(name: str, operation: Operation) -> Any:
    """A view that changes something of the user whom the path names."""

    def change(work: UnitOfWork, path: Mapping[str, str], received: Any) -> Any:
        return operation(work, operations.manageable_user(work, path["key"]), path) or {}

    return changing(name, None, change)


def _sessions(work: UnitOfWork, path: Mapping[str, str]) -> Any:
    return sessions.list_of(work, operations.get_user(work, path["key"])["id"])


_USER = "/admin/users/<key>"
_SETTINGS = "/admin/sign-in-settings"
ROUTES = [
    admin_route("GET", f"{_USER}/sessions", "users", "A user's live sessions", reading(_sessions)),
    admin_route(
        "POST",
        f"{_USER}/sessions:end",
        "users",
        "End all of a user's sessions",
        _of_user("end_sessions", lambda work, user, path: sessions.end_of(work, user, None)),
    ),
    admin_route(
        "DELETE",
        f"{_USER}/sessions/<session_id>",
        "users",
        "End one of a user's sessions",
        _of_user("end_session", lambda work, user, path: sessions.end_of(work, user, path["session_id"])),
    ),
    admin_route(
        "DELETE",
        f"{_USER}/second-factor",
        "users",
        "Take away the second factor of somebody who has lost it; their sessions end",
        _of_user("reset_second_factor", lambda work, user, path: second_factor.reset(work, user)),
    ),
    admin_route(
        "GET",
        _SETTINGS,
        "roles",
        "What signing in asks for: the length of passwords, roles that need a second factor",
        reading(lambda work, path: settings.current(work)),
        answer=schema.Settings,
    ),
    admin_route(
        "PATCH",
        _SETTINGS,
        "roles",
        "Change it; sessions without the second factor that is needed cannot be renewed",
        changing(
            "change_sign_in_settings",
            schema.SettingsChange(),
            lambda work, path, received: settings.change(work, received),
        ),
        body=schema.SettingsChange,
        answer=schema.Settings,
    ),
]
