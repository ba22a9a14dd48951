"""A person's notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway import received
from gateway.context import Context
from gateway.local import changing, listing
from gateway.notifications import inbox, store
from gateway.routes import Route
from services.common.strict_json import to_plain


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


def _list(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return to_plain(inbox.list_mine(context, received.loaded_list_input(request)))


_read_one = changing(
    "read_notification", None, lambda work, path, given: inbox.read_one(work, path["notification_id"])
)
_read_all = changing("read_notifications", None, lambda work, path, given: inbox.read_all(work))

ROUTES = [
    _route(
        "GET",
        "/notifications",
        "My notifications, newest first; `state=unread`",
        _list,
        listing=True,
        may_need=("tasks.read", "firings.read", "customers.read"),
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
        view=changing("retry_mails", None, lambda work, path, given: inbox.retry_mails(work)),
        tag="admin",
        summary="Send again what was given up, or had no server",
    ),
]
