"""The queries of identity; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.identity.model import api_keys, audit, departments, login_delays, roles, sessions, users
from services.common.db import UnitOfWork

Row = dict[str, Any]


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def all_rows(work: UnitOfWork, statement: Any) -> list[Row]:
    """Every row of a statement."""
    return [dict(row) for row in work.execute(statement).mappings()]


def find_user(work: UnitOfWork, *, username: str | None = None, user_id: UUID | None = None) -> Row | None:
    """A user by name (whatever its case) or id."""
    which = users.c.id == user_id if user_id else func.lower(users.c.username) == str(username).lower()
    return _one(work, select(users).where(which))


def lock_row(work: UnitOfWork, table: Table, column: str, value: Any) -> Row | None:
    """One row of a table. Locks it."""
    return _one(work, select(table).where(table.c[column] == value).with_for_update())


def add(work: UnitOfWork, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; False when one of its unique values is taken."""
    statement = upsert(table).values(**row).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return work.execute(statement).first() is not None


def change(work: UnitOfWork, table: Table, column: str, value: Any, values: Mapping[str, Any]) -> None:
    """Write columns of the row with that value."""
    work.execute(update(table).where(table.c[column] == value).values(**values))


def known_codes(work: UnitOfWork) -> set[str]:
    """Every department's code."""
    return {row.code for row in work.execute(select(departments.c.code))}


def known_roles(work: UnitOfWork) -> dict[str, list[str]]:
    """Every role and its rights."""
    return {row.key: row.permissions for row in work.execute(select(roles.c.key, roles.c.permissions))}


def parents(work: UnitOfWork) -> dict[str, str | None]:
    """The parent of every department."""
    return {row.code: row.parent for row in work.execute(select(departments.c.code, departments.c.parent))}


def live_session(work: UnitOfWork, session_id: UUID) -> Row | None:
    """A session that has neither ended nor run out."""
    which = (sessions.c.id == session_id) & sessions.c.ended_at.is_(None) & (sessions.c.expires_at > work.now)
    return _one(work, select(sessions).where(which))


def end_sessions(work: UnitOfWork, user_id: UUID, reason: str) -> None:
    """End every session of a user."""
    work.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .values(ended_at=work.now, end_reason=reason)
    )


def key_with_hash(work: UnitOfWork, key_hash: str) -> Row | None:
    """An API key that is neither revoked nor expired."""
    which = (api_keys.c.key_hash == key_hash) & api_keys.c.revoked_at.is_(None)
    row = _one(work, select(api_keys).where(which))
    return row if row and (row["expires_at"] is None or row["expires_at"] > work.now) else None


def blocked_until(work: UnitOfWork, subjects: Sequence[str]) -> datetime | None:
    """The latest moment until which one of these accounts or addresses must wait."""
    statement = select(func.max(login_delays.c.blocked_until)).where(login_delays.c.subject.in_(subjects))
    found: datetime | None = work.execute(statement).scalar()
    return found


def delay_of(work: UnitOfWork, subject: str) -> Row | None:
    """How often a subject has failed. Locks its row."""
    return lock_row(work, login_delays, "subject", subject)


def save_delay(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Keep how long a subject must wait."""
    statement = upsert(login_delays).values(**row)
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[login_delays.c.subject],
            set_={name: value for name, value in row.items() if name != "subject"},
        )
    )


def clear_delay(work: UnitOfWork, subject: str) -> None:
    """Forget the failures of a subject."""
    work.execute(login_delays.delete().where(login_delays.c.subject == subject))


def write_audit(
    work: UnitOfWork, action: str, subject: str, detail: Mapping[str, Any], *, actor: str, address: str
) -> None:
    """Add a line to the audit trail."""
    work.execute(
        insert(audit).values(
            at=work.now,
            actor=actor,
            action=action,
            subject=subject,
            detail=dict(detail),
            address=address,
            trace_id=work.trace_id,
        )
    )


def usernames_with_role(work: UnitOfWork, role: str) -> list[Row]:
    """Active users with a role: username, name and mail address."""
    statement = select(users.c.username, users.c.name, users.c.email).where(
        users.c.active, users.c.roles.contains([role])
    )
    return all_rows(work, statement.order_by(users.c.username))
