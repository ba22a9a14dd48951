"""How somebody gets in: sessions, refresh tokens, API keys, and what failed attempts cost."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.audit.trail import trail
from gateway.identity import operations, store, tokens
from services.common.db import UnitOfWork
from services.common.errors import Invalid, NotFound, TooManyRequests, Unauthenticated
from services.common.ids import new_id

# (failures that cost nothing, longest wait in seconds, after how long without a failure they are forgotten).
# An address may be a whole office behind one router: it is slowed later, and less.
_ACCOUNT = (3, 900, timedelta(hours=12))
_ADDRESS = (30, 60, timedelta(minutes=15))
_DOUBLINGS_MAX = 10
_SESSIONS_KEPT = timedelta(days=30)


def may_try(work: UnitOfWork, username: str, address: str) -> None:
    """Raise `TooManyRequests` while this account or address must wait after failures."""
    until = store.blocked_until(work, _subjects(username, address))
    if until is not None and until > work.now:
        seconds = int((until - work.now).total_seconds()) + 1
        raise too_many(seconds)


def too_many(seconds: int) -> TooManyRequests:
    """The refusal of somebody who must wait."""
    return TooManyRequests(f"尝试次数过多, 请 {seconds} 秒后再试", code="login_delayed", retry_after=seconds)


def note_failure(work: UnitOfWork, username: str, address: str) -> None:
    """Count a failed sign-in: after some, account and address must wait, twice as long each time."""
    for subject, row in store.lock_delays(work, _subjects(username, address)).items():
        free, longest, forgotten_after = _ACCOUNT if subject.startswith("account:") else _ADDRESS
        recent = work.now - row["last_failure"] < forgotten_after
        failures = (row["failures"] if recent else 0) + 1
        wait = min(2 ** min(failures - free, _DOUBLINGS_MAX), longest) if failures > free else 0
        until = work.now + timedelta(seconds=wait)
        store.save_delay(
            work, {**row, "failures": failures, "blocked_until": until, "last_failure": work.now}
        )
    trail(work).add("sign_in.failed", username, actor="")


def sign_in(
    work: UnitOfWork, user: Mapping[str, Any], address: str, agent: str
) -> tuple[dict[str, Any], str]:
    """Open a session: (its row, the refresh token)."""
    session_id = new_id()
    token, kept = tokens.new_refresh_token(session_id)
    session = {
        "id": session_id,
        "user_id": user["id"],
        "refresh_hash": kept,
        "generation": 1,
        "created_at": work.now,
        "expires_at": work.now + timedelta(days=tokens.REFRESH_DAYS),
        "address": address,
        "agent": agent,
    }
    store.add(work, "sessions", session)
    store.forget_delay(work, _account(user["username"]))
    trail(work).add("sign_in", user["username"], {"session": session_id}, actor=user["username"])
    return session, token


def refresh(work: UnitOfWork, token: str) -> tuple[dict[str, Any], str] | None:
    """Exchange a refresh token, once: (session, new token).

    A token that was exchanged before means that somebody has a copy: the session ends and the answer is None.
    """
    session_id = _session_of(token)
    session = store.lock_session(work, session_id) if session_id else None
    if session is None or session["ended_at"] is not None or session["expires_at"] <= work.now:
        raise _session_ended()
    if not secrets.compare_digest(session["refresh_hash"], tokens.hash_token(token)):
        store.end_session(work, session["id"], "refresh_token_reused")
        trail(work).add("session.reuse_detected", str(session["user_id"]), {"session": session["id"]})
        return None
    user = store.find_user(work, user_id=session["user_id"])
    if user is None or not user["active"]:
        raise _session_ended()
    new_token, kept = tokens.new_refresh_token(session["id"])
    values = {"refresh_hash": kept, "generation": session["generation"] + 1}
    store.change(work, "sessions", session["id"], values)
    return session, new_token


def sign_out(work: UnitOfWork, session_id: UUID, username: str) -> None:
    """End a session."""
    store.end_session(work, session_id, "signed_out")
    trail(work).add("sign_out", username, {"session": session_id})


def create_key(work: UnitOfWork, received: Mapping[str, Any], key_id: UUID, text: str) -> dict[str, Any]:
    """Keep an API key's hash; its text is in no answer that is stored. 403 for rights beyond the caller's."""
    operations.check_rights(received["permissions"])
    operations.require_holds(work, received["permissions"])
    expires_at: datetime | None = received["expires_at"]
    if expires_at is not None and expires_at <= work.now:
        error = {"field": "expires_at", "code": "in_the_past", "message": "应晚于现在"}
        raise Invalid("密钥的有效期应晚于现在", code="in_the_past", errors=[error])
    key = {
        "id": key_id,
        "name": received["name"],
        "key_hash": tokens.hash_token(text),
        "permissions": sorted(set(received["permissions"])),
        "created_by": work.caller.actor,
        "created_at": work.now,
        "expires_at": expires_at,
    }
    store.add(work, "api_keys", key)
    names = ("name", "permissions", "expires_at")
    trail(work).add("key.create", str(key_id), after={name: key[name] for name in names})
    return {name: value for name, value in key.items() if name != "key_hash"}


def revoke_key(work: UnitOfWork, key_id: str) -> dict[str, Any]:
    """Revoke an API key at once; again is no change."""
    key = store.lock_key(work, key_id)
    if key is None:
        raise NotFound("没有这个密钥", code="key_not_found")
    if key["revoked_at"] is None:
        store.change(work, "api_keys", key["id"], {"revoked_at": work.now})
        trail(work).add("key.revoke", str(key["id"]), {"name": key["name"]})
    return {"id": key["id"], "revoked_at": key["revoked_at"] or work.now}


def clean_up(work: UnitOfWork) -> None:
    """Drop failures that no longer count, and sessions that ran out long ago."""
    store.forget_delays(work, work.now - max(_ACCOUNT[2], _ADDRESS[2]))
    store.forget_sessions(work, work.now - _SESSIONS_KEPT)


def _session_ended() -> Unauthenticated:
    return Unauthenticated("登录已失效, 请重新登录", code="session_ended")


def _account(username: str) -> str:
    return f"account:{username.lower()}"


def _subjects(username: str, address: str) -> list[str]:
    return [_account(username), f"address:{address}"]


def _session_of(token: str) -> UUID | None:
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        return None
