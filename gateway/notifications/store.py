"""The queries of notifications and mails; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from gateway.identity.model import live_changes, mails, notifications
from services.common.db import UnitOfWork
from services.common.errors import invalid_field, require_filters
from services.common.ids import new_id
from services.common.paging import page

_SHOWN = [column for column in notifications.c if column.name not in ("key", "username")]
_CLAIM_SECONDS = 300


def add_notification(work: UnitOfWork, key: str, username: str, about: Mapping[str, Any]) -> None:
    """Tell one person of something, once for each key; see `telling` for what `about` holds."""
    row = {"id": new_id(), "key": key, "username": username, "about": about}
    work.rows.insert_missing(notifications, [{**row, "created_at": work.now}])
    note_change(work, username, "notifications")


def add_mail(
    work: UnitOfWork, key: str, recipient: str, subject: str, body: str, *, sealed: str | None = None
) -> None:
    """Put one mail into the queue, once for each key and recipient.

    `sealed` is a secret that is put into the body when the mail is sent.
    """
    row = {
        "id": new_id(),
        "key": key,
        "recipient": recipient,
        "subject": subject,
        "body": body,
        "sealed": sealed,
        "state": "waiting",
        "attempts": 0,
        "next_attempt_at": work.now,
        "created_at": work.now,
    }
    work.rows.insert_missing(mails, [row])


def list_notifications(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the caller's notifications, not told yet; `state` may be `unread` or `read`."""
    require_filters(received["where"], ("state",))
    statement = select(*_SHOWN).where(notifications.c.username == work.caller.username)
    for value in received["where"].values():
        if value not in ("unread", "read"):
            raise invalid_field("state", "state_unknown", "应为 unread 或 read")
        unread = notifications.c.read_at.is_(None)
        statement = statement.where(unread if value == "unread" else ~unread)
    sort = {"created_at": notifications.c.created_at}
    return page(work, statement, received, sort=sort, key=notifications.c.id, default_sort="-created_at")


def mark_read(work: UnitOfWork, notification_id: UUID | None) -> int:
    """Mark one of the caller's notifications as read, or all of them; returns how many there were."""
    mine = notifications.c.username == work.caller.username
    if notification_id is not None:
        mine &= notifications.c.id == notification_id
    else:
        mine &= notifications.c.read_at.is_(None)
    note_change(work, work.caller.username, "notifications")
    return int(work.execute(update(notifications).where(mine).values(read_at=work.now)).rowcount)


def claim_mail(work: UnitOfWork) -> dict[str, Any] | None:
    """The next mail that is due, taken for a while. Locks its row, passing by those that others hold."""
    due = (
        select(mails.c.id)
        .where(mails.c.state == "waiting", mails.c.next_attempt_at <= work.now)
        .order_by(mails.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    later = work.now + timedelta(seconds=_CLAIM_SECONDS)
    claimed = update(mails).where(mails.c.id == due.scalar_subquery())
    row = work.execute(
        claimed.values(next_attempt_at=later, attempts=mails.c.attempts + 1).returning(mails)
    ).mappings()
    found = row.first()
    return None if found is None else dict(found)


def save_mail(work: UnitOfWork, mail_id: UUID, values: Mapping[str, Any]) -> None:
    """Write what came of an attempt."""
    work.execute(update(mails).where(mails.c.id == mail_id).values(**values))


def list_mails(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of all mails, newest first; `state` and `recipient` may be asked for."""
    require_filters(received["where"], ("state", "recipient"))
    statement = select(*(column for column in mails.c if column.name != "sealed"))
    for name, value in received["where"].items():
        statement = statement.where(mails.c[name] == value)
    sort = {"created_at": mails.c.created_at}
    return page(work, statement, received, sort=sort, key=mails.c.id, default_sort="-created_at")


def retry_mails(work: UnitOfWork) -> int:
    """Let what was given up or had no server wait again; returns how many."""
    again = update(mails).where(mails.c.state.in_(("failed", "not_configured")))
    return int(work.execute(again.values(state="waiting", attempts=0, next_attempt_at=work.now)).rowcount)


def set_unconfigured(work: UnitOfWork) -> None:
    """Without a mail server nothing waits: the notifications show all the same."""
    work.execute(update(mails).where(mails.c.state == "waiting").values(state="not_configured"))


def note_change(work: UnitOfWork, username: str, kind: str) -> None:
    """Tell those who watch as `username` that their `tasks`, `notifications` or `imports` have changed."""
    work.execute(insert(live_changes).values(username=username, kind=kind, at=func.now()))


def recent_live_changes(work: UnitOfWork, seconds: int) -> dict[int, tuple[str, str]]:
    """Whose what has changed within the last seconds, by the identity of the change."""
    since = func.now() - timedelta(seconds=seconds)
    rows = work.execute(select(live_changes).where(live_changes.c.at > since))
    return {row.identity: (row.username, row.kind) for row in rows}


def forget_live_changes(work: UnitOfWork, before: datetime) -> None:
    """Drop what every process has told."""
    work.execute(delete(live_changes).where(live_changes.c.at < before))


def count_unread(work: UnitOfWork, username: str) -> int:
    """How many notifications somebody has not read."""
    mine = (notifications.c.username == username) & notifications.c.read_at.is_(None)
    return int(work.execute(select(func.count()).select_from(notifications).where(mine)).scalar_one())
