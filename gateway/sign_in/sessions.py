"""Sessions: opened, renewed by refresh tokens that are used once, listed and ended."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.audit.trail import Origin, trail
from gateway.identity import store as identity
from gateway.identity import tokens
from gateway.sign_in import delays, settings, store
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, Unauthenticated
from services.common.ids import new_id

_KEPT = timedelta(days=30)
# How long after a renewal another page of the same browser may still come with the token before it.
_LATE = timedelta(seconds=10)


def begin(
    work: UnitOfWork, user: Mapping[str, Any], origin: Origin, method: str, *, second_factor: bool
) -> tuple[dict[str, Any], str]:
    """Open a session: (its row, the refresh token). `method` is how the person has shown who they are."""
    session_id = new_id()
    token, kept = tokens.new_refresh_token(session_id)
    session = {
        "id": session_id,
        "user_id": user["id"],
        "refresh_hash": kept,
        "generation": 1,
        "created_at": work.now,
        "refreshed_at": work.now,
        "expires_at": work.now + timedelta(days=tokens.REFRESH_DAYS),
        "address": origin.address,
        "agent": origin.agent,
        "method": method,
        "second_factor": second_factor,
    }
    store.add_session(work, session)
    detail = {"session": session_id, "method": method}
    trail(work).add("sign_in", user["username"], detail, actor=user["username"])
    return session, token


def refresh(
    work: UnitOfWork, token: str, origin: Origin, *, shared: bool = False
) -> tuple[dict[str, Any], str] | None:
    """Exchange a refresh token, once: (session, new token).

    A token that was exchanged before means that somebody has a copy: the session, with every token that came
    of it, ends and the answer is None. Where the pages of one browser have `shared` it, one of them may come
    a moment late: it is told so, and gets nothing. Locks the session's row.
    """
    session = _locked(work, token.partition(".")[0])
    if session is None or session["ended_at"] is not None or session["expires_at"] <= work.now:
        raise ended()
    user = identity.find_user(work, user_id=session["user_id"])
    if user is None or not user["active"]:
        raise ended()
    if not secrets.compare_digest(session["refresh_hash"], tokens.hash_token(token)):
        if shared and session["generation"] > 1 and work.now - session["refreshed_at"] < _LATE:
            raise Conflict("登录刚刚已由另一个页面续期, 请重试", code="refreshed_meanwhile")
        store.end_session(work, session["id"], "refresh_token_reused")
        detail = {"session": session["id"]}
        trail(work).add("session.reuse_detected", user["username"], detail, actor="")
        return None
    if not session["second_factor"] and settings.needs_second_factor(work, user["roles"]):
        raise Unauthenticated("您的角色须使用两步验证, 请重新登录", code="second_factor_needed")
    new_token, kept = tokens.new_refresh_token(session["id"])
    place = {"address": origin.address, "agent": origin.agent, "refreshed_at": work.now}
    store.change_session(
        work, session["id"], {"refresh_hash": kept, "generation": session["generation"] + 1, **place}
    )
    return session, new_token


def sign_out(work: UnitOfWork, session_id: UUID, username: str) -> None:
    """End a session."""
    store.end_session(work, session_id, "signed_out")
    trail(work).add("sign_out", username, {"session": session_id})


def list_of(work: UnitOfWork, user_id: UUID, current: UUID | None = None) -> dict[str, Any]:
    """A person's live sessions, the newest first; `current` is the one that asks."""
    items = [{**row, "current": row["id"] == current} for row in store.live_sessions(work, user_id)]
    return {"items": items, "next": None}


def end_own(work: UnitOfWork, user: Mapping[str, Any], session_id: str) -> dict[str, Any]:
    """End one of one's own sessions; somebody else's is not found."""
    return _end(work, user, session_id, "ended_by_owner")


def end_others(work: UnitOfWork, user: Mapping[str, Any], current: UUID | None) -> dict[str, Any]:
    """End all of one's own sessions but the one that asks."""
    count = store.end_other_sessions(work, user["id"], current, "ended_by_owner")
    trail(work).add("session.end_others", user["username"], {"ended": count})
    return {"ended": count}


def end_of(work: UnitOfWork, user: Mapping[str, Any], session_id: str | None) -> dict[str, Any]:
    """An administrator ends one session of somebody, or all of them."""
    if session_id is None:
        count = store.end_sessions(work, user["id"], "ended_by_admin")
        trail(work).add("session.end_all", user["username"], {"ended": count})
        return {"ended": count}
    return _end(work, user, session_id, "ended_by_admin")


def clean_up(work: UnitOfWork) -> None:
    """Drop failures that no longer count, links that ran out, and sessions that ran out long ago."""
    store.forget_resets(work)
    store.forget_delays(work, work.now - delays.KEPT)
    store.forget_sessions(work, work.now - _KEPT)


def ended() -> Unauthenticated:
    """The refusal of a session that is no more."""
    return Unauthenticated("登录已失效, 请重新登录", code="session_ended")


def _end(work: UnitOfWork, user: Mapping[str, Any], session_id: str, reason: str) -> dict[str, Any]:
    session = _locked(work, session_id)
    if session is None or session["user_id"] != user["id"] or session["ended_at"] is not None:
        raise NotFound("没有这个会话", code="session_not_found")
    store.end_session(work, session["id"], reason)
    trail(work).add("session.end", user["username"], {"session": session["id"]})
    return {"id": session["id"], "ended_at": work.now}


def _locked(work: UnitOfWork, session_id: str) -> dict[str, Any] | None:
    """The session with an id, which may be no id at all. Locks its row."""
    try:
        return store.lock_session(work, UUID(session_id))
    except ValueError:
        return None
