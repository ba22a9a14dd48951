"""Passwords and tokens: argon2 off the hub, short access tokens, refresh tokens that are used once. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from eventlet import tpool

ACCESS_SECONDS = 900
REFRESH_DAYS = 14
_ALGORITHM = "HS256"
_ISSUER = "credit-gateway"
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Compared against when the user is unknown, so that both answers take as long.
_nobody = _hasher.hash(secrets.token_hex(16))


def _off_hub(function: Callable[..., Any], *arguments: Any) -> Any:
    return tpool.execute(function, *arguments)


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return str(_off_hub(_hasher.hash, password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether a password is right; takes as long for an unknown user (None)."""
    try:
        _off_hub(_hasher.verify, password_hash or _nobody, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def new_refresh_token(session_id: UUID) -> tuple[str, str]:
    """(token for the client, hash to keep)."""
    token = f"{session_id}.{secrets.token_urlsafe(32)}"
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """The hash under which a random token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def access_token(secret: str, user_id: UUID, session_id: UUID, now: datetime) -> str:
    """A signed access token for one session."""
    claims = {
        "iss": _ISSUER,
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=ACCESS_SECONDS)).timestamp()),
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_access_token(secret: str, token: str) -> tuple[UUID, UUID, datetime] | None:
    """(user id, session id, expiry) of a valid token; None for any other."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": ["exp", "iat", "sub", "sid"]},
        )
        expiry = datetime.fromtimestamp(int(claims["exp"]), UTC)
        return UUID(claims["sub"]), UUID(claims["sid"]), expiry
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        # A header nested thousands deep is no token either.
        return None


def ticket(secret: str, use: str, claims: Mapping[str, Any], now: datetime, seconds: int) -> str:
    """A signed ticket to the next step of signing in; it is no access token, and good for one `use` only."""
    until = int((now + timedelta(seconds=seconds)).timestamp())
    signed = {**claims, "iss": f"{_ISSUER}/{use}", "iat": int(now.timestamp()), "exp": until}
    return jwt.encode(signed, secret, algorithm=_ALGORITHM)


def read_ticket(secret: str, use: str, text: str, now: datetime) -> dict[str, Any] | None:
    """The claims of a ticket for this use that has not run out; None for any other."""
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            secret,
            algorithms=[_ALGORITHM],
            issuer=f"{_ISSUER}/{use}",
            # By the database's clock, as the ticket was made.
            options={"require": ["exp", "iat", "iss"], "verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    return claims if claims["exp"] > now.timestamp() else None
