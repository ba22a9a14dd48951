"""Who is asking: from a bearer token or an API key to a caller, remembered for a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from eventlet.semaphore import Semaphore
from flask import Request

from gateway.identity import access, roles, store, tokens
from gateway.identity.callers import Callers, Directory, Found
from services.common import keys
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.errors import Forbidden, NotFound, Unauthenticated

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
        self._callers = Callers(database)
        self._turns: dict[str, _Turn] = {}

    def caller_of(self, request: Request) -> Caller:
        """The signed-in caller of a request; `Unauthenticated` for everybody else."""
        key = request.headers.get("X-API-Key")
        token = _bearer(request)
        if not key and not token:
            raise Unauthenticated("请先登录", code="not_signed_in")
        if key:
            hashed = tokens.hash_token(key)
            return self._callers.of(f"key:{hashed}", lambda: self._by_key(hashed))
        return self._callers.of(f"token:{token}", lambda: self._by_token(token))

    def previewed(self, request: Request, caller: Caller) -> Caller:
        """The user whom an administrator wants to see the suite as; nothing can be changed like that.

        `Forbidden` for whoever lacks the right to it, and for a user who may do what the caller may not.
        """
        caller.require("admin.preview")
        if request.method != "GET":
            raise Forbidden("预览时只能查看, 不能修改", code="preview_only_reads")
        username = request.headers["X-Preview-As"]
        with self._database.begin(caller) as work:
            user = store.find_user(work, username=username)
            if user is None or not user["active"]:
                raise NotFound("没有在用的用户", code="user_not_found")
            _, seen_as = self.directory_and_caller(work, user)
            roles.require_holds_fully(work, seen_as.permissions)
            detail = {"path": request.path}
            store.write_audit(work, "preview", user["username"], detail, actor=caller.actor, address="")
        return seen_as

    def directory_and_caller(self, work: UnitOfWork, user: Mapping[str, Any]) -> tuple[Directory, Caller]:
        """What callers are made of, and the caller that a user is."""
        directory = self._callers.directory(work)
        return directory, directory.caller(user, store.shares_with(work, user["id"]))

    def forget(self) -> None:
        """Ask the database again for everybody: somebody's rights have changed."""
        self._callers.forget()

    def sign_in(self, username: str, password: str, address: str, agent: str) -> dict[str, Any]:
        """Tokens for a name and a password; the same refusal for an unknown user and a wrong password."""
        anybody = service_caller(GATEWAY, username)
        with self._turn_of(username.lower()):
            with self._database.read(anybody) as work:
                access.may_try(work, username, address)
                user = store.find_user(work, username=username)
            right = tokens.verify_password(user["password_hash"] if user else None, password)
            with self._database.begin(anybody) as work:
                if user is None or not right or not user["active"]:
                    access.note_failure(work, username, address)
                    session = None
                else:
                    session, refresh_token = access.sign_in(work, user, address, agent)
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

    def _by_token(self, token: str) -> Found:
        read = tokens.read_access_token(self._secret, token)
        if read is None:
            raise Unauthenticated("登录已失效, 请重新登录", code="token_invalid")
        user_id, session_id, expiry = read
        with self._database.read(service_caller(GATEWAY)) as work:
            user = store.signed_in_user(work, session_id)
            if user is None or user["id"] != user_id or not user["active"]:
                raise Unauthenticated("登录已失效, 请重新登录", code="session_ended")
            shared = store.shares_with(work, user_id)
            caller = self._callers.directory(work).caller(user, shared)
        ends = [row["expires_at"] for row in shared if row["expires_at"] is not None]
        until = min(expiry, user["session_expires_at"], *ends).timestamp()
        return Found(caller, until, (f"session:{session_id}", f"user:{user_id}"))

    def _by_key(self, key_hash: str) -> Found:
        with self._database.read(service_caller(GATEWAY)) as work:
            key = store.key_with_hash(work, key_hash)
            if key is None:
                raise Unauthenticated("API 密钥无效或已过期", code="key_invalid")
            allows = self._callers.directory(work).allows
        caller = Caller(
            kind="key",
            id=str(key["id"]),
            username=f"key:{key['name']}",
            name=key["name"],
            permissions=frozenset(key["permissions"]),
            allows=allows,
        )
        until = key["expires_at"].timestamp() if key["expires_at"] else float("inf")
        return Found(caller, until, (f"key:{key['id']}",))


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
