"""A person's notifications."""

from __future__ import annotations

from gateway.local import changing, reading
from gateway.notifications import inbox
from gateway.routes import Route

_RIGHT = "notifications.read"
ROUTES = [
    Route(
        "GET",
        "/notifications",
        permission=_RIGHT,
        view=reading(lambda work, path: inbox.list_mine(work)),
        tag="notifications",
        summary="My notifications, newest first",
    ),
    Route(
        "POST",
        "/notifications/<notification_id>:read",
        permission=_RIGHT,
        view=changing(
            "read_notification",
            None,
            lambda work, path, received: inbox.mark_read(work, path["notification_id"]),
        ),
        tag="notifications",
        summary="Mark a notification as read",
    ),
]
