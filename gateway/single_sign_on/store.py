"""The queries of single sign-on; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.identity.model import (
    identity_providers,
    sign_in_attempts,
    sign_in_handovers,
    user_identities,
    users,
)
from services.common.db import UnitOfWork

Row = dict[str, Any]


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def providers(work: UnitOfWork, *, active: bool = False) -> list[Row]:
    """All providers, or those in use, by their keys."""
    statement = select(identity_providers).order_by(identity_providers.c.key)
    if active:
        statement = statement.where(identity_providers.c.active)
    return [dict(row) for row in work.execute(statement).mappings()]


def provider(work: UnitOfWork, key: str, *, lock: bool = False) -> Row | None:
    """One provider by its key. Locks its row if asked to."""
    statement = select(identity_providers).where(identity_providers.c.key == key)
    return _one(work, statement.with_for_update() if lock else statement)


def add_provider(work: UnitOfWork, row: Mapping[str, Any]) -> bool:
    """Insert a provider; False when its key is taken."""
    made = upsert(identity_providers).values(**row).on_conflict_do_nothing()
    return work.execute(made.returning(identity_providers.c.id)).first() is not None


def change_provider(work: UnitOfWork, key: str, values: Mapping[str, Any]) -> None:
    """Write columns of a provider."""
    work.execute(update(identity_providers).where(identity_providers.c.key == key).values(**values))


def add_attempt(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Keep what is needed when the person comes back."""
    work.rows.insert(sign_in_attempts, [row])


def take_attempt(work: UnitOfWork, state_hash: str) -> Row | None:
    """An attempt that has not run out, taken away: it counts once."""
    here = sign_in_attempts.c.state_hash == state_hash
    row = _one(work, delete(sign_in_attempts).where(here).returning(sign_in_attempts))
    return row if row is not None and row["expires_at"] > work.now else None


def add_handover(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Keep who may fetch tokens with a ticket."""
    work.rows.insert(sign_in_handovers, [row])


def take_handover(work: UnitOfWork, ticket_hash: str) -> Row | None:
    """A hand-over that has not run out, taken away: it counts once."""
    here = sign_in_handovers.c.ticket_hash == ticket_hash
    row = _one(work, delete(sign_in_handovers).where(here).returning(sign_in_handovers))
    return row if row is not None and row["expires_at"] > work.now else None


def forget_old(work: UnitOfWork) -> None:
    """Drop attempts and hand-overs that have run out."""
    for table in (sign_in_attempts, sign_in_handovers):
        work.execute(delete(table).where(table.c.expires_at < work.now))


def linked_user(work: UnitOfWork, provider_key: str, subject: str) -> Row | None:
    """The user whom a provider knows under this subject."""
    joined = select(users).join(user_identities, user_identities.c.user_id == users.c.id)
    here = (user_identities.c.provider == provider_key) & (user_identities.c.subject == subject)
    return _one(work, joined.where(here))


def link(work: UnitOfWork, provider_key: str, subject: str, user_id: UUID) -> bool:
    """Remember under which subject a provider knows a user; False where one of them is linked already."""
    row = {"provider": provider_key, "subject": subject, "user_id": user_id, "linked_at": work.now}
    made = upsert(user_identities).values(**row).on_conflict_do_nothing()
    return work.execute(made.returning(user_identities.c.subject)).first() is not None


def unlink(work: UnitOfWork, provider_key: str, user_id: UUID) -> bool:
    """Forget it; whether there was a link."""
    here = (user_identities.c.provider == provider_key) & (user_identities.c.user_id == user_id)
    return bool(work.execute(delete(user_identities).where(here)).rowcount)


def users_with_email(work: UnitOfWork, email: str) -> list[Row]:
    """Up to two active users with this address."""
    here = (func.lower(users.c.email) == email.lower()) & users.c.active
    return [dict(row) for row in work.execute(select(users).where(here).limit(2)).mappings()]
