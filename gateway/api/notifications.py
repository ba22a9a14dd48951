"""A person's notifications."""

from __future__ import annotations

from typing import Any

from gateway.local import changing, listing
from gateway.notifications import inbox, store
from gateway.routes import Route


def _route(method: str, path: str, summary: str, view: Any, **more: Any) -> Route:
    return Route(
        method,
        path,
        permission="notifications.read",
        view=view,
        tag="notifications",
        summary=summary,
        **more,
    )


_read_one = changing(
    "read_notification", None, lambda work, path, received: inbox.read_one(work, path["notification_id"])
)
_read_all = changing("read_notifications", None, lambda work, path, received: inbox.read_all(work))

ROUTES = [
    _route(
        "GET",
        "/notifications",
        "My notifications, newest first; `state=unread`",
        listing(inbox.list_mine),
        listing=True,
    ),
    _route("POST", "/notifications:read", "Mark all of my notifications as read", _read_all),
    _route("POST", "/notifications/<notification_id>:read", "Mark one as read", _read_one),
    Route(
        "GET",
        "/admin/mails",
        permission="admin.system",
        view=listing(store.list_mails),
        listing=True,
        tag="admin",
        summary="Mails and what became of them; `state=failed`",
    ),
    Route(
        "POST",
        "/admin/mails:retry",
        permission="admin.system",
        view=changing("retry_mails", None, lambda work, path, received: inbox.retry_mails(work)),
        tag="admin",
        summary="Send again what was given up, or had no server",
    ),
]
