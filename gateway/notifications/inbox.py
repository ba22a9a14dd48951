"""A person's notifications: listed and marked as read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from gateway.identity import store
from gateway.identity.model import notifications
from services.common.db import UnitOfWork
from services.common.errors import NotFound

_SHOWN_MAX = 200


def list_mine(work: UnitOfWork) -> dict[str, Any]:
    """The caller's newest notifications."""
    statement = select(notifications).where(notifications.c.username == work.caller.username)
    rows = store.all_rows(work, statement.order_by(notifications.c.id.desc()).limit(_SHOWN_MAX))
    return {"items": rows, "next": None}


def mark_read(work: UnitOfWork, notification_id: str) -> dict[str, Any]:
    """Mark one of the caller's notifications as read; somebody else's is not found."""
    try:
        wanted = UUID(notification_id)
    except ValueError:
        raise NotFound("没有这条通知") from None
    mine = (notifications.c.id == wanted) & (notifications.c.username == work.caller.username)
    done = work.execute(update(notifications).where(mine).values(read_at=work.now)).rowcount
    if not done:
        raise NotFound("没有这条通知")
    return {"id": wanted, "read_at": work.now}
