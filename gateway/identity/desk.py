"""Who is asking: from a bearer token or an API key to a caller, remembered for a moment."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from flask import Request

from gateway.identity import store, tokens
from gateway.sign_in import store as access
from services.common import keys
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database
from services.common.errors import Unauthenticated

# A revoked right is gone within this time everywhere, and at once in the process that revoked it.
_REMEMBERED_SECONDS = 2.0
_REMEMBERED_MAX = 20_000


class Desk:
    """Resolves callers; one per gateway process."""

    def __init__(self, database: Database, settings: Any) -> None:
        self._database = database
        self._secret = keys.session_secret(settings.keys_dir, settings.secret_key)
        self._callers: dict[str, tuple[float, Caller]] = {}

    def caller_of(self, request: Request) -> Caller:
        """The signed-in caller of a request; `Unauthenticated` for everybody else."""
        key = request.headers.get("X-API-Key")
        token = bearer(request)
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

    def _by_token(self, token: str) -> Caller:
        read = tokens.read_access_token(self._secret, token)
        if read is None:
            raise Unauthenticated("登录已失效, 请重新登录", code="token_invalid")
        user_id, session_id, _ = read
        with self._database.read(service_caller(GATEWAY)) as work:
            user = store.find_user(work, user_id=user_id) if access.live_session(work, session_id) else None
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


def bearer(request: Request) -> str:
    """The access token that a request carries; empty where there is none."""
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
