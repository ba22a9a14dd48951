"""Who is asking: from a bearer token or an API key to a caller, remembered for a moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from eventlet.semaphore import Semaphore
from flask import Request

from gateway.audit.trail import Origin, trail
from gateway.identity import access, store, tokens
from services.common import keys
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database
from services.common.errors import Unauthenticated

# A revoked right is gone within this time everywhere, and at once in the process that revoked it.
_REMEMBERED_SECONDS = 2.0
_REMEMBERED_MAX = 20_000
_WAITING_MAX = 20


class _Turn:
    """Who tries to sign in to one account, one after the other."""

    def __init__(self) -> None:
        self.free = Semaphore(1)
        self.waiting = 0


class Desk:
    """Resolves callers and keeps sessions; one per gateway process."""

    def __init__(self, database: Database, settings: Any) -> None:
        self._database = database
        self._secret = keys.session_secret(settings.keys_dir, settings.secret_key)
        self._callers: dict[str, tuple[float, Caller]] = {}
        self._turns: dict[str, _Turn] = {}

    def caller_of(self, request: Request) -> Caller:
        """The signed-in caller of a request; `Unauthenticated` for everybody else."""
        key = request.headers.get("X-API-Key")
        token = _bearer(request)
        if key:
            credential = f"key:{tokens.hash_token(key)}"
        elif token:
            credential = f"token:{token}"
        else:
            raise Unauthenticated("请先登录", code="not_signed_in")
        remembered = self._callers.get(credential)
        if remembered is not None and time.monotonic() < remembered[0]:
            return remembered[1]
        caller = self._by_key(credential[4:]) if key else self._by_token(token)
        if len(self._callers) >= _REMEMBERED_MAX:
            self._callers.clear()
        self._callers[credential] = (time.monotonic() + _REMEMBERED_SECONDS, caller)
        return caller

    def forget(self) -> None:
        """Ask the database again for everybody: somebody's rights have changed."""
        self._callers.clear()

    def sign_in(self, username: str, password: str, origin: Origin) -> dict[str, Any]:
        """Tokens for a name and a password; the same refusal for an unknown user and a wrong password."""
        anybody = service_caller(GATEWAY, username)
        with self._turn_of(username.lower()):
            with self._database.read(anybody) as work:
                access.may_try(work, username, origin.address)
                user = store.find_user(work, username=username)
            right = tokens.verify_password(user["password_hash"] if user else None, password)
            with self._database.begin(anybody, origin.trace_id) as work:
                trail(work).origin = origin
                if user is None or not right or not user["active"]:
                    access.note_failure(work, username, origin.address)
                    session = None
                else:
                    session, refresh_token = access.sign_in(work, user, origin.address, origin.agent)
        if session is None:
            raise Unauthenticated("用户名或密码错误", code="wrong_credentials")
        return self._tokens(session, refresh_token)

    @contextmanager
    def _turn_of(self, account: str) -> Iterator[None]:
        """One attempt at a time for an account, so that guesses sent together are counted one by one."""
        turn = self._turns.setdefault(account, _Turn())
        if turn.waiting >= _WAITING_MAX:
            raise access.too_many(1)
        turn.waiting += 1
        try:
            with turn.free:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                self._turns.pop(account, None)

    def refresh(self, token: str) -> dict[str, Any]:
        """New tokens for a refresh token; one that was used before ends its session."""
        with self._database.begin(service_caller(GATEWAY)) as work:
            renewed = access.refresh(work, token)
        if renewed is None:
            self.forget()
            raise Unauthenticated("登录已失效, 请重新登录", code="refresh_token_reused")
        session, refresh_token = renewed
        return self._tokens(session, refresh_token)

    def sign_out(self, request: Request, caller: Caller) -> None:
        """End the session of this request's access token."""
        read = tokens.read_access_token(self._secret, _bearer(request))
        if read is not None:
            with self._database.begin(caller) as work:
                access.sign_out(work, read[1], caller.username)
        self.forget()

    def _tokens(self, session: dict[str, Any], refresh_token: str) -> dict[str, Any]:
        now = self._database.clock.now()
        return {
            "access_token": tokens.access_token(self._secret, session["user_id"], session["id"], now),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": tokens.ACCESS_SECONDS,
        }

    def _by_token(self, token: str) -> Caller:
        read = tokens.read_access_token(self._secret, token)
        if read is None:
            raise Unauthenticated("登录已失效, 请重新登录", code="token_invalid")
        user_id, session_id, _ = read
        with self._database.read(service_caller(GATEWAY)) as work:
            user = store.find_user(work, user_id=user_id) if store.live_session(work, session_id) else None
            if user is None or not user["active"]:
                raise Unauthenticated("登录已失效, 请重新登录", code="session_ended")
            return _caller(user, store.known_roles(work))

    def _by_key(self, key_hash: str) -> Caller:
        with self._database.read(service_caller(GATEWAY)) as work:
            key = store.key_with_hash(work, key_hash)
        if key is None:
            raise Unauthenticated("API 密钥无效或已过期", code="key_invalid")
        return Caller(
            kind="key",
            id=str(key["id"]),
            username=f"key:{key['name']}",
            name=key["name"],
            permissions=frozenset(key["permissions"]),
        )


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _caller(user: dict[str, Any], roles: dict[str, list[str]]) -> Caller:
    rights = {right for role in user["roles"] for right in roles.get(role, ())}
    user_id: UUID = user["id"]
    return Caller(
        kind="user",
        id=str(user_id),
        username=user["username"],
        name=user["name"],
        department=user["department"],
        roles=tuple(user["roles"]),
        permissions=frozenset(rights),
    )
