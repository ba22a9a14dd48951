"""Records that somebody shares with somebody else: seen, and changed, as far as the share says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gateway.audit.trail import trail
from gateway.identity import store
from gateway.identity.operations import active_user
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.common.strict_json import to_plain

# What is shared with somebody travels with each of their requests.
SHARES_MAX = 300


def share(work: UnitOfWork, resource: str, record_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """Share a record that the caller may see with a user, or say anew how far and until when."""
    user = active_user(work, received["username"], "username")
    expires_at = received["expires_at"]
    if expires_at is not None and expires_at <= work.now:
        raise invalid_field("expires_at", "in_the_past", "应晚于现在")
    others = [row for row in store.shares_with(work, user["id"]) if row["record_id"] != record_id]
    if len(others) >= SHARES_MAX:
        raise Conflict(
            f"最多与一人共享 {SHARES_MAX} 条记录, 更多请用角色的数据范围",
            code="too_many_shares",
            most=SHARES_MAX,
        )
    store.save_share(
        work,
        {
            "id": new_id(),
            "resource": resource,
            "record_id": record_id,
            "user_id": user["id"],
            "level": received["level"],
            "shared_by": work.caller.actor,
            "shared_at": work.now,
            "expires_at": expires_at,
        },
    )
    _audit(work, "record.share", resource, record_id, {**received, "username": user["username"]})
    return list_shares(work, resource, record_id)


def unshare(work: UnitOfWork, resource: str, record_id: UUID, username: str) -> dict[str, Any]:
    """Take a record back from a user; 404 when they did not have it."""
    user = active_user(work, username, "username")
    if not store.end_share(work, resource, record_id, user["id"]):
        raise NotFound("该记录没有与此用户共享", code="share_not_found")
    _audit(work, "record.unshare", resource, record_id, {"username": user["username"]})
    return list_shares(work, resource, record_id)


def list_shares(work: UnitOfWork, resource: str, record_id: UUID) -> dict[str, Any]:
    """With whom a record is shared, and how far."""
    return {"items": store.shares_of(work, resource, record_id), "next": None}


def _audit(work: UnitOfWork, action: str, resource: str, record_id: UUID, detail: Mapping[str, Any]) -> None:
    subject = f"{resource}:{record_id}"
    trail(work).add(action, subject, to_plain(dict(detail)))
