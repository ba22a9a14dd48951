"""Who asks: the caller, and the short-lived signed form in which it crosses the broker.

Each signer (the gateway, each service) holds its own Ed25519 private key; everybody holds the public ones.
A token names its audience (one service) and lives for 60 seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.common.errors import Forbidden, Unauthenticated

TOKEN_TTL_SECONDS = 60
_REUSE_SECONDS = 25
_CACHE_ENTRIES_MAX = 10_000
_CLOCK_SKEW_SECONDS = 10
GATEWAY = "gateway"


@dataclass(frozen=True)
class Caller:
    """A signed-in person, a machine with a key, or one of the services."""

    kind: str
    id: str
    username: str
    name: str = ""
    department: str | None = None
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = field(default_factory=frozenset)
    on_behalf_of: str | None = None

    @property
    def principal(self) -> str:
        """The name under which idempotency keys and audit lines are kept, e.g. `user:<id>`."""
        return f"{self.kind}:{self.id}"

    @property
    def actor(self) -> str:
        """The name that history shows: the person, also when a service acts on their behalf."""
        return self.on_behalf_of or self.username

    def can(self, permission: str) -> bool:
        """Whether this caller holds the permission; services hold all of them."""
        return self.kind == "service" or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise `Forbidden` unless this caller holds the permission."""
        if not self.can(permission):
            raise Forbidden("您没有执行此操作的权限", code="forbidden", permission=permission)


def service_caller(service: str, on_behalf_of: str | None = None) -> Caller:
    """The caller under which a service acts by itself, or for the person it names."""
    return Caller(kind="service", id=service, username=f"service:{service}", on_behalf_of=on_behalf_of)


class CallerSigner:
    """Signs callers with one private key.

    A token is reused for a while, as signing costs more than the rest of a small request.
    """

    def __init__(self, private_key: Ed25519PrivateKey, issuer: str) -> None:
        self._key = private_key
        self._issuer = issuer
        self._cache: dict[tuple[Caller, str], tuple[float, str]] = {}

    def sign(self, caller: Caller, audience: str) -> str:
        """A token for one audience, valid for at least 35 seconds from now."""
        now = time.time()
        cached = self._cache.get((caller, audience))
        if cached and now - cached[0] < _REUSE_SECONDS:
            return cached[1]
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + TOKEN_TTL_SECONDS,
            "kind": caller.kind,
            "sub": caller.id,
            "usr": caller.username,
            "nam": caller.name,
            "dep": caller.department,
            "rol": list(caller.roles),
            "prm": sorted(caller.permissions),
            "obo": caller.on_behalf_of,
        }
        token = jwt.encode(claims, self._key, algorithm="EdDSA")
        if len(self._cache) >= _CACHE_ENTRIES_MAX:
            self._cache.clear()
        self._cache[(caller, audience)] = (now, token)
        return token


class CallerVerifier:
    """Checks tokens for one audience against the public keys of those who may sign."""

    def __init__(self, public_keys: Mapping[str, Ed25519PublicKey], audience: str) -> None:
        self._keys = dict(public_keys)
        self._audience = audience
        self._cache: dict[str, tuple[float, Caller]] = {}

    def verify(self, token: object) -> Caller:
        """The caller in a token; `Unauthenticated` for a missing, altered, expired or misdirected one."""
        if not isinstance(token, str):
            raise Unauthenticated("请求没有携带有效的调用者身份", code="caller_missing")
        now = time.time()
        cached = self._cache.get(token)
        if cached:
            if now <= cached[0]:
                return cached[1]
            del self._cache[token]
        claims = self._claims(token)
        caller = _caller_from_claims(claims)
        if len(self._cache) >= _CACHE_ENTRIES_MAX:
            self._cache.clear()
        self._cache[token] = (float(claims["exp"]), caller)
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
            key = self._keys[issuer]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except (jwt.PyJWTError, KeyError, TypeError) as problem:
            raise Unauthenticated("调用者身份无效或已过期", code="caller_invalid") from problem
        # Only the gateway may speak for people; a service speaks as itself, whatever its token claims.
        if issuer != GATEWAY and (claims.get("kind") != "service" or claims["sub"] != issuer):
            raise Unauthenticated("调用者身份无效", code="caller_forged")
        return claims


def _caller_from_claims(claims: Mapping[str, Any]) -> Caller:
    return Caller(
        kind=str(claims["kind"]),
        id=str(claims["sub"]),
        username=str(claims.get("usr", "")),
        name=str(claims.get("nam") or ""),
        department=claims.get("dep"),
        roles=tuple(claims.get("rol") or ()),
        permissions=frozenset(claims.get("prm") or ()),
        on_behalf_of=claims.get("obo"),
    )
