"""The way in: from a name and a password, and a second factor where there is one, to a session's tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from eventlet.semaphore import Semaphore

from gateway.audit.trail import Origin, trail
from gateway.identity import store as identity
from gateway.identity import tokens
from gateway.sign_in import browser, delays, second_factor, sessions
from gateway.sign_in.sealing import Seal
from services.common import keys
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.errors import Conflict, Unauthenticated

TICKET_SECONDS = 300
_WAITING_MAX = 20
_TICKET = "second-factor"


class _Turn:
    """Who tries to sign in to one account, one after the other."""

    def __init__(self) -> None:
        self.free = Semaphore(1)
        self.waiting = 0


class Entrance:
    """Opens and renews sessions; one per gateway process."""

    def __init__(self, database: Database, settings: Any) -> None:
        self._database = database
        self._secret = keys.session_secret(settings.keys_dir, settings.secret_key)
        self._turns: dict[str, _Turn] = {}
        self.seal = Seal(self._secret)

    # --- the password ------------------------------------------------------------------------------------

    def sign_in(self, username: str, password: str, origin: Origin) -> dict[str, Any]:
        """Tokens for a name and a password, or a ticket to the second factor.

        The same refusal, after the same work, for an unknown user and a wrong password.
        """
        with self._turn_of(username.lower()):
            user, right = self._attempt(username, password, origin)
            with self._begin(username, origin) as work:
                if user is None or not right or not user["active"]:
                    trail(work).add("sign_in.failed", username, actor="")
                    answer = None
                else:
                    delays.succeeded(work, delays.account(username), origin.address)
                    answer = self.admit(work, user, origin, "password")
        if answer is None:
            raise Unauthenticated("用户名或密码错误", code="wrong_credentials")
        return answer

    def verify_password(self, username: str, password: str, origin: Origin) -> bool:
        """Whether somebody who is signed in knows the password; counted like an attempt to sign in."""
        with self._turn_of(username.lower()):
            _, right = self._attempt(username, password, origin)
            if right:
                with self._begin(username, origin) as work:
                    delays.succeeded(work, delays.account(username), origin.address)
            return right

    def _attempt(self, username: str, password: str, origin: Origin) -> tuple[dict[str, Any] | None, bool]:
        """The user of a name, and whether the password is theirs; counted as failed until told otherwise."""
        with self._begin(username, origin) as work:
            delays.attempt(work, delays.account(username), delays.address(origin.address))
            user = identity.find_user(work, username=username)
        return user, tokens.verify_password(user["password_hash"] if user else None, password)

    def admit(
        self, work: UnitOfWork, user: Mapping[str, Any], origin: Origin, method: str, *, trusted: bool = False
    ) -> dict[str, Any]:
        """Tokens of a new session, or a ticket where a second factor is in force or needed.

        `trusted` says that whoever vouches for the person has asked for a second factor itself.
        """
        state = second_factor.NONE if trusted else second_factor.state_of(work, user)
        if state == second_factor.NONE:
            session, refresh_token = sessions.begin(work, user, origin, method, second_factor=trusted)
            return self._tokens(session, refresh_token)
        claims = {"sub": str(user["id"]), "state": state, "method": method, "mark": _mark(user)}
        return {
            "second_factor": state,
            "ticket": tokens.ticket(self._secret, _TICKET, claims, self._now(), TICKET_SECONDS),
            "expires_in": TICKET_SECONDS,
        }

    # --- the second factor -------------------------------------------------------------------------------

    def second_step(self, ticket: str, code: str, origin: Origin) -> dict[str, Any]:
        """Tokens for a ticket and a code of the app, or a recovery code."""
        claims, user = self._holder(ticket, second_factor.CONFIRMED)

        def check(work: UnitOfWork) -> dict[str, Any] | None:
            if not second_factor.check(work, user, code, self.seal):
                return None
            return self._open(work, user, origin, claims)

        return self._guarded(user, origin, check, wrong=_wrong_code)

    def enrol(self, ticket: str, origin: Origin) -> dict[str, Any]:
        """Begin with a second factor that a role needs, before there is a session."""
        _, user = self._holder(ticket, second_factor.NEEDED)
        with self._begin(user["username"], origin) as work:
            return second_factor.enrol(work, user, self.seal)

    def confirm(self, ticket: str, code: str, origin: Origin) -> dict[str, Any]:
        """Put it in force with a first code: tokens, and recovery codes that are shown this once."""
        claims, user = self._holder(ticket, second_factor.NEEDED)

        def check(work: UnitOfWork) -> dict[str, Any] | None:
            codes = second_factor.confirm(work, user, code, self.seal)
            if codes is None:
                return None
            return {**self._open(work, user, origin, claims), "recovery_codes": codes}

        return self._guarded(user, origin, check, wrong=_wrong_code)

    def with_code(
        self,
        user: Mapping[str, Any],
        origin: Origin,
        operation: Callable[[UnitOfWork], dict[str, Any] | None],
    ) -> dict[str, Any]:
        """What an operation of somebody signed in answers that needs a code; None of it is a wrong code."""
        return self._guarded(user, origin, operation, wrong=second_factor.wrong_code)

    def _guarded(
        self,
        user: Mapping[str, Any],
        origin: Origin,
        operation: Callable[[UnitOfWork], dict[str, Any] | None],
        wrong: Callable[[], Exception],
    ) -> dict[str, Any]:
        subject = delays.code(user["username"])
        with self._turn_of(subject):
            with self._begin(user["username"], origin) as work:
                delays.attempt(work, subject, delays.address(origin.address))
            with self._begin(user["username"], origin) as work:
                answer = operation(work)
                if answer is None:
                    trail(work).add("second_factor.failed", user["username"])
                else:
                    delays.succeeded(work, subject, origin.address)
        if answer is None:
            raise wrong()
        return answer

    def _holder(self, ticket: str, state: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The claims of a ticket and the user whom it was given to."""
        claims = tokens.read_ticket(self._secret, _TICKET, ticket, self._now())
        if claims is None:
            raise ticket_invalid()
        with self._database.read(service_caller(GATEWAY)) as work:
            user = identity.find_user(work, user_id=UUID(claims["sub"]))
        if user is None or not user["active"] or claims["mark"] != _mark(user):
            raise ticket_invalid()
        if claims["state"] != state:
            raise Conflict("此登录凭证不能用于这一步", code="ticket_for_another_step")
        return claims, user

    def _open(
        self, work: UnitOfWork, user: Mapping[str, Any], origin: Origin, claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        method = f"{claims['method']}+code"
        session, refresh_token = sessions.begin(work, user, origin, method, second_factor=True)
        return self._tokens(session, refresh_token)

    # --- tokens ------------------------------------------------------------------------------------------

    def refresh(self, token: str, origin: Origin, *, shared: bool = False) -> dict[str, Any]:
        """New tokens for a refresh token; one that was used before ends its session.

        `shared` says that the pages of one browser share it, see `sessions.refresh`.
        """
        with self._begin("", origin) as work:
            renewed = sessions.refresh(work, token, origin, shared=shared)
        if renewed is None:
            raise Unauthenticated("登录已失效, 请重新登录", code="refresh_token_reused")
        session, refresh_token = renewed
        return self._tokens(session, refresh_token)

    def session_of(self, token: str) -> UUID | None:
        """The session of an access token."""
        read = tokens.read_access_token(self._secret, token)
        return read[1] if read else None

    def csrf_token_of(self, token: str) -> str:
        """What the pages of an access token's session show when they change something."""
        read = tokens.read_access_token(self._secret, token)
        if read is None:
            raise sessions.ended()
        return browser.csrf_token(self._secret, read[1])

    def _tokens(self, session: Mapping[str, Any], refresh_token: str) -> dict[str, Any]:
        user_id, session_id = session["user_id"], session["id"]
        return {
            "access_token": tokens.access_token(self._secret, user_id, session_id, self._now()),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": tokens.ACCESS_SECONDS,
        }

    def _now(self) -> Any:
        return self._database.clock.now()

    @contextmanager
    def _begin(self, username: str, origin: Origin) -> Iterator[UnitOfWork]:
        with self._database.begin(service_caller(GATEWAY, username or None), origin.trace_id) as work:
            trail(work).origin = origin
            yield work

    @contextmanager
    def _turn_of(self, account: str) -> Iterator[None]:
        """One attempt at a time for an account in this process: people who are right do not block each other.

        Wrong ones are counted in the database, whichever process they go to.
        """
        turn = self._turns.setdefault(account, _Turn())
        if turn.waiting >= _WAITING_MAX:
            raise delays.too_many(1)
        turn.waiting += 1
        try:
            with turn.free:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                self._turns.pop(account, None)


def _mark(user: Mapping[str, Any]) -> str:
    """What ends a ticket when the password changes meanwhile."""
    return hashlib.sha256(str(user["password_hash"]).encode()).hexdigest()[:16]


def _wrong_code() -> Unauthenticated:
    return Unauthenticated("验证码错误或已使用", code="code_wrong")


def ticket_invalid() -> Unauthenticated:
    """The refusal of a ticket that is used, late or nobody's."""
    return Unauthenticated("登录凭证无效或已过期, 请重新登录", code="ticket_invalid")
