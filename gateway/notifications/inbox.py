"""A person's notifications, listed and marked as read; and the mails as an operator sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gateway.notifications import store
from services.common.db import UnitOfWork
from services.common.errors import NotFound


def list_mine(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the caller's notifications, newest first."""
    return store.list_notifications(work, received)


def read_one(work: UnitOfWork, notification_id: str) -> dict[str, Any]:
    """Mark one of the caller's notifications as read; somebody else's is not found."""
    try:
        wanted = UUID(notification_id)
    except ValueError:
        raise _not_found() from None
    if not store.mark_read(work, wanted):
        raise _not_found()
    return {"id": wanted, "read_at": work.now}


def read_all(work: UnitOfWork) -> dict[str, Any]:
    """Mark all of the caller's notifications as read."""
    return {"read": store.mark_read(work, None)}


def retry_mails(work: UnitOfWork) -> dict[str, Any]:
    """Send again what was given up, or was kept without a mail server."""
    return {"waiting": store.retry_mails(work)}


def _not_found() -> NotFound:
    return NotFound("没有这条通知", code="notification_not_found")
