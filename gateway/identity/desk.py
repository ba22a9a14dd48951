"""Who is asking: from an access token or an API key to a caller, remembered for a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Request

from gateway.audit.trail import trail
from gateway.identity import roles, store, tokens
from gateway.identity.callers import Callers, Directory, Found
from gateway.sign_in import browser, sessions
from services.common import keys
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.errors import Forbidden, NotFound, Unauthenticated


class Desk:
    """Resolves callers; one per gateway process."""

    def __init__(self, database: Database, settings: Any) -> None:
        self._database = database
        self._secret = keys.session_secret(settings.keys_dir, settings.secret_key)
        self._callers = Callers(database)

    def caller_of(self, request: Request) -> Caller:
        """The signed-in caller of a request; `Unauthenticated` for everybody else."""
        key = request.headers.get("X-API-Key")
        token = access_token(request)
        if not key and not token:
            raise Unauthenticated("请先登录", code="not_signed_in")
        if key:
            hashed = tokens.hash_token(key)
            return self._callers.of(f"key:{hashed}", lambda: self._by_key(hashed))
        if not bearer(request):
            self._require_own_page(request, token)
        return self._callers.of(f"token:{token}", lambda: self._by_token(token))

    def _require_own_page(self, request: Request, token: str) -> None:
        read = tokens.read_access_token(self._secret, token)
        # Whose token nobody can read is refused as such by whoever looks it up.
        if read is not None:
            browser.require_own_page(request, self._secret, read[1])

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
            trail(work).add("access.preview", user["username"], {"path": request.path})
        return seen_as

    def directory_and_caller(self, work: UnitOfWork, user: Mapping[str, Any]) -> tuple[Directory, Caller]:
        """What callers are made of, and the caller that a user is."""
        directory = self._callers.directory(work)
        return directory, directory.caller(user, store.shares_with(work, user["id"]))

    def forget(self) -> None:
        """Ask the database again for everybody: somebody's rights have changed."""
        self._callers.forget()

    def follow(self) -> None:
        """Know whose rights have changed until a moment ago, whether or not somebody asks for something."""
        self._callers.follow()

    def tell(self, on_change: Callable[[], None]) -> None:
        """Have this called whenever rights or sessions have changed, here or in another process."""
        self._callers.on_change = on_change

    def _by_token(self, token: str) -> Found:
        read = tokens.read_access_token(self._secret, token)
        if read is None:
            raise Unauthenticated("登录已失效, 请重新登录", code="token_invalid")
        user_id, session_id, expiry = read
        with self._database.read(service_caller(GATEWAY)) as work:
            user = store.signed_in_user(work, session_id)
            if user is None or user["id"] != user_id or not user["active"]:
                raise sessions.ended()
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


def access_token(request: Request) -> str:
    """The access token of a request, in its header or else in its cookie; empty where there is none."""
    return bearer(request) or request.cookies.get(browser.ACCESS_COOKIE, "")


def bearer(request: Request) -> str:
    """The access token in a request's header; empty where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
