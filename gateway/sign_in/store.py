"""The queries of signing in; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.identity.model import (
    login_delays,
    password_resets,
    recovery_codes,
    reset_requests,
    second_factors,
    sessions,
    sign_in_settings,
    users,
)
from services.common.db import UnitOfWork
from services.common.ids import new_id

Row = dict[str, Any]
# How many accounts may share one mail address: a team's.
_PEOPLE_MAX = 20
_SETTINGS = ("password_length_min", "second_factor_roles", "version")
_SHOWN = ("id", "created_at", "refreshed_at", "expires_at", "address", "agent", "method", "second_factor")


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any) -> list[Row]:
    return [dict(row) for row in work.execute(statement).mappings()]


# --- settings and passwords ------------------------------------------------------------------------------


def settings(work: UnitOfWork, *, lock: bool = False) -> Row:
    """What is set for signing in. Locks the row if asked to."""
    statement = select(*(sign_in_settings.c[name] for name in _SETTINGS))
    return dict(work.execute(statement.with_for_update() if lock else statement).mappings().one())


def save_settings(work: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write them."""
    work.execute(update(sign_in_settings).values(**values))


def save_password(work: UnitOfWork, user_id: UUID, password_hash: str) -> None:
    """Keep a new password's hash."""
    work.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


# --- sessions --------------------------------------------------------------------------------------------


def add_session(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Insert a session."""
    work.rows.insert(sessions, [row])


def change_session(work: UnitOfWork, session_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a session."""
    work.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


def live_sessions(work: UnitOfWork, user_id: UUID) -> list[Row]:
    """A person's sessions that have neither ended nor run out, the newest first, without their tokens."""
    shown = select(*(sessions.c[name] for name in _SHOWN)).where(sessions.c.user_id == user_id, *_live(work))
    return _all(work, shown.order_by(sessions.c.created_at.desc(), sessions.c.id))


def lock_session(work: UnitOfWork, session_id: UUID) -> Row | None:
    """A session. Locks the row: of two who renew it at once, one comes second."""
    return _one(work, select(sessions).where(sessions.c.id == session_id).with_for_update())


def end_session(work: UnitOfWork, session_id: UUID, reason: str) -> None:
    """End one session, unless it has ended already."""
    _end(work, sessions.c.id == session_id, reason)


def end_sessions(work: UnitOfWork, user_id: UUID, reason: str) -> int:
    """End every session of a user; returns how many lived."""
    return _end(work, sessions.c.user_id == user_id, reason)


def end_other_sessions(work: UnitOfWork, user_id: UUID, kept: UUID | None, reason: str) -> int:
    """End every session of a user but one; returns how many lived."""
    return _end(work, (sessions.c.user_id == user_id) & sessions.c.id.is_distinct_from(kept), reason)


def _end(work: UnitOfWork, which: Any, reason: str) -> int:
    ended = update(sessions).where(which, *_live(work))
    return int(work.execute(ended.values(ended_at=work.now, end_reason=reason)).rowcount)


def _live(work: UnitOfWork) -> tuple[Any, Any]:
    return sessions.c.ended_at.is_(None), sessions.c.expires_at > work.now


def forget_sessions(work: UnitOfWork, before: datetime) -> int:
    """Drop sessions that ran out long ago; returns how many."""
    return int(work.execute(delete(sessions).where(sessions.c.expires_at < before)).rowcount)


# --- failed attempts -------------------------------------------------------------------------------------


def lock_delays(work: UnitOfWork, subjects: Sequence[str]) -> dict[str, Row]:
    """How often these subjects have failed. Makes and locks their rows, in their order."""
    ordered = sorted(set(subjects))
    fresh = [
        {"subject": subject, "failures": 0, "blocked_until": work.now, "last_failure": work.now}
        for subject in ordered
    ]
    work.execute(upsert(login_delays).values(fresh).on_conflict_do_nothing())
    statement = select(login_delays).where(login_delays.c.subject.in_(ordered))
    rows = _all(work, statement.order_by(login_delays.c.subject).with_for_update())
    return {row["subject"]: row for row in rows}


def save_delay(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Keep how often a subject has failed, and until when it must wait."""
    values = {name: value for name, value in row.items() if name != "subject"}
    work.execute(update(login_delays).where(login_delays.c.subject == row["subject"]).values(**values))


def forget_delay(work: UnitOfWork, subject: str) -> None:
    """Forget the failures of one subject."""
    work.execute(delete(login_delays).where(login_delays.c.subject == subject))


def take_back_delay(work: UnitOfWork, subject: str) -> None:
    """Take back one counted failure: who could attempt had waited long enough already."""
    less = update(login_delays).where(login_delays.c.subject == subject)
    failures = func.greatest(login_delays.c.failures - 1, 0)
    work.execute(less.values(failures=failures, blocked_until=work.now))


def forget_delays(work: UnitOfWork, before: datetime) -> int:
    """Drop what has not failed for long; returns how many."""
    return int(work.execute(delete(login_delays).where(login_delays.c.last_failure < before)).rowcount)


# --- forgotten passwords ---------------------------------------------------------------------------------


def add_reset_request(work: UnitOfWork, name: str, address: str) -> None:
    """Note that somebody asks for a mail."""
    row = {"id": new_id(), "name": name, "address": address, "at": work.now}
    work.rows.insert(reset_requests, [row])


def take_reset_requests(work: UnitOfWork, most: int) -> list[Row]:
    """The oldest requests, taken away. Locks their rows, passing by those that others hold."""
    oldest = select(reset_requests.c.id).order_by(reset_requests.c.at).limit(most)
    taken = delete(reset_requests).where(
        reset_requests.c.id.in_(oldest.with_for_update(skip_locked=True).scalar_subquery())
    )
    return _all(work, taken.returning(reset_requests))


def people_named(work: UnitOfWork, name: str) -> list[Row]:
    """Active users with this name or mail address, in any case, who can get a mail."""
    wanted = name.lower()
    named = (func.lower(users.c.username) == wanted) | (func.lower(users.c.email) == wanted)
    statement = select(users).where(named, users.c.active, users.c.email.is_not(None))
    return _all(work, statement.order_by(users.c.id).limit(_PEOPLE_MAX))


def add_reset(work: UnitOfWork, token_hash: str, user_id: UUID, until: datetime) -> None:
    """Keep a token's hash; the user's earlier ones are good no more."""
    use_resets(work, user_id)
    work.rows.insert(password_resets, [{"token_hash": token_hash, "user_id": user_id, "expires_at": until}])


def lock_reset(work: UnitOfWork, token_hash: str) -> Row | None:
    """A token that has not run out. Locks its row: of two who use it at once, one comes too late."""
    here = (password_resets.c.token_hash == token_hash) & (password_resets.c.expires_at > work.now)
    return _one(work, select(password_resets).where(here).with_for_update())


def use_resets(work: UnitOfWork, user_id: UUID) -> None:
    """Use up every token of a user."""
    work.execute(delete(password_resets).where(password_resets.c.user_id == user_id))


def forget_resets(work: UnitOfWork) -> int:
    """Drop tokens that have run out; returns how many."""
    return int(work.execute(delete(password_resets).where(password_resets.c.expires_at < work.now)).rowcount)


# --- second factors --------------------------------------------------------------------------------------


def second_factor(work: UnitOfWork, user_id: UUID) -> Row | None:
    """A person's second factor, in force or begun."""
    return _one(work, select(second_factors).where(second_factors.c.user_id == user_id))


def lock_second_factor(work: UnitOfWork, user_id: UUID) -> Row | None:
    """The same. Locks the row: a code counts once."""
    return _one(work, select(second_factors).where(second_factors.c.user_id == user_id).with_for_update())


def save_second_factor(work: UnitOfWork, user_id: UUID, secret: str) -> None:
    """Begin with a new sealed secret, instead of one that was begun."""
    values = {"secret": secret, "last_step": 0, "confirmed_at": None}
    begun = upsert(second_factors).values(user_id=user_id, **values)
    work.execute(begun.on_conflict_do_update(index_elements=["user_id"], set_=values))


def confirm_second_factor(work: UnitOfWork, user_id: UUID, step: int) -> None:
    """Put it in force; the code of this time step is used."""
    here = update(second_factors).where(second_factors.c.user_id == user_id)
    work.execute(here.values(confirmed_at=work.now, last_step=step))


def use_step(work: UnitOfWork, user_id: UUID, step: int) -> None:
    """The codes up to this time step are used."""
    work.execute(update(second_factors).where(second_factors.c.user_id == user_id).values(last_step=step))


def remove_second_factor(work: UnitOfWork, user_id: UUID) -> bool:
    """Take it away with its recovery codes; whether there was one."""
    work.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    return bool(work.execute(delete(second_factors).where(second_factors.c.user_id == user_id)).rowcount)


def replace_recovery_codes(work: UnitOfWork, user_id: UUID, hashes: Sequence[str]) -> None:
    """These and no others."""
    work.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": one} for one in hashes]
    work.rows.insert(recovery_codes, rows)


def use_recovery_code(work: UnitOfWork, user_id: UUID, code_hash: str) -> bool:
    """Use a code up; False when there is none like it."""
    here = (recovery_codes.c.user_id == user_id) & (recovery_codes.c.code_hash == code_hash)
    return bool(work.execute(delete(recovery_codes).where(here)).rowcount)


def recovery_codes_left(work: UnitOfWork, user_id: UUID) -> int:
    """How many codes are not used yet."""
    count = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user_id)
    return int(work.execute(count).scalar_one())
