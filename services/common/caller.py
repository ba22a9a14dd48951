"""Who asks: the caller, and the short-lived signed form in which it crosses the broker.

Each signer (the gateway, each service) holds its own Ed25519 private key; everybody holds the public ones.
A token names its audience (one service) and lives for 60 seconds; it counts only in a message of its issuer's
(see messaging.authenticity).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.common.errors import Forbidden, Unauthenticated

TOKEN_TTL_SECONDS = 60
_REUSE_SECONDS = 25
_CACHE_ENTRIES_MAX = 10_000
_CLOCK_SKEW_SECONDS = 10
GATEWAY = "gateway"
# What an installation allows beyond its rights until somebody says otherwise, see `services.common.duties`.
ALLOWED_AT_FIRST = frozenset({"publish_own_draft"})


@dataclass(frozen=True)
class Clause:
    """One grant of a right that does not reach every record: those of a scope, where a condition holds.

    `kind` is all, own, departments (`values` are their codes), shared, or expression (`values` is its text).
    `condition` is the text of an expression over the record; empty where there is none.
    """

    kind: str
    values: tuple[str, ...] = ()
    condition: str = ""


@dataclass(frozen=True)
class FieldRight:
    """How far a field may be seen and written (`level`), and what masks it (`mask`, see field_rights)."""

    level: str
    mask: str = ""


@dataclass(frozen=True)
class Caller:
    """A signed-in person, a machine with a key, or one of the services.

    `clauses` has the rights that do not reach every record, with the grants of each: one that holds is
    enough. `fields` has, by resource, the fields that are not free to be seen and written. `departments` are
    the caller's own and those below it, `shared` the records that others share with them and how far (read,
    write), `allows` what the installation allows beyond its rights (see the gateway's duties).
    """

    kind: str
    id: str
    username: str
    name: str = ""
    department: str | None = None
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = field(default_factory=frozenset)
    on_behalf_of: str | None = None
    clauses: Mapping[str, tuple[Clause, ...]] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, FieldRight]] = field(default_factory=dict)
    departments: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    allows: frozenset[str] = ALLOWED_AT_FIRST

    def __hash__(self) -> int:
        """By who it is: callers are looked up with every message, and two of one person are few."""
        return hash((self.kind, self.id, self.username))

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
            raise Forbidden(f"您没有执行此操作的权限 ({permission})", code="forbidden", permission=permission)

    def clauses_of(self, permission: str) -> tuple[Clause, ...] | None:
        """The grants of a right that does not reach every record; None for one that does.

        No grant at all for a right that the caller does not hold: nothing is reached by it. Work that goes
        by no right at all (`""`) is the service's own.
        """
        if not permission:
            return None
        found = self.clauses.get(permission)
        if found is None and not self.can(permission):
            return ()
        return found


def service_caller(service: str, on_behalf_of: str | None = None, reach_of: Caller | None = None) -> Caller:
    """The caller under which a service acts by itself, or for the person it names.

    With `reach_of` it reaches no record that this person does not reach.
    """
    caller = Caller(kind="service", id=service, username=f"service:{service}", on_behalf_of=on_behalf_of)
    if reach_of is None or not reach_of.clauses:
        return caller
    return replace(
        caller,
        department=reach_of.department,
        clauses=reach_of.clauses,
        departments=reach_of.departments,
        shared=reach_of.shared,
    )


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
            **claims_of(caller),
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
        self._cache: dict[str, tuple[float, Caller, str]] = {}

    def verify(self, token: object, sender: str) -> Caller:
        """The caller in a token that its issuer has sent.

        `Unauthenticated` for a missing, altered, expired or misdirected one, and for one that somebody else
        has got hold of.
        """
        if not isinstance(token, str):
            raise Unauthenticated("请求没有携带有效的调用者身份", code="caller_missing")
        now = time.time()
        cached = self._cache.get(token)
        if cached is None or now > cached[0]:
            claims = self._claims(token)
            if len(self._cache) >= _CACHE_ENTRIES_MAX:
                self._cache.clear()
            cached = (float(claims["exp"]), caller_from_claims(claims), claims["iss"])
            self._cache[token] = cached
        if cached[2] != sender:
            raise Unauthenticated("调用者身份不是发送方签发的", code="caller_stolen")
        return cached[1]

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


def claims_of(caller: Caller) -> dict[str, Any]:
    """A caller as plain JSON: as it crosses the broker, and as work that goes on after the call keeps it."""
    return {
        "kind": caller.kind,
        "sub": caller.id,
        "usr": caller.username,
        "nam": caller.name,
        "dep": caller.department,
        "rol": list(caller.roles),
        "prm": sorted(caller.permissions),
        "obo": caller.on_behalf_of,
        **_reach_claims(caller),
    }


def caller_from_claims(claims: Mapping[str, Any]) -> Caller:
    """The caller that `claims_of` wrote down."""
    return Caller(
        kind=str(claims["kind"]),
        id=str(claims["sub"]),
        username=str(claims.get("usr", "")),
        name=str(claims.get("nam") or ""),
        department=claims.get("dep"),
        roles=tuple(claims.get("rol") or ()),
        permissions=frozenset(claims.get("prm") or ()),
        on_behalf_of=claims.get("obo"),
        clauses=_clauses_from_claims(claims.get("scp") or ()),
        fields={
            resource: {path: FieldRight(*right) for path, right in paths.items()}
            for resource, paths in (claims.get("fld") or {}).items()
        },
        departments=tuple(claims.get("dps") or ()),
        shared=dict(claims.get("shr") or {}),
        allows=frozenset(claims["alw"]) if "alw" in claims else ALLOWED_AT_FIRST,
    )


def _reach_claims(caller: Caller) -> dict[str, Any]:
    """What narrows or widens a caller's rights; empty for most, whose token stays as short as it was.

    Rights with the same grants are written together.
    """
    together: dict[tuple[Clause, ...], list[str]] = {}
    for permission, clauses in caller.clauses.items():
        together.setdefault(clauses, []).append(permission)
    scopes = [
        [permissions, [[one.kind, list(one.values), one.condition] for one in clauses]]
        for clauses, permissions in together.items()
    ]
    fields = {
        resource: {path: [right.level, right.mask] for path, right in paths.items()}
        for resource, paths in caller.fields.items()
    }
    claims = {
        "scp": scopes,
        "fld": fields,
        "dps": list(caller.departments),
        "shr": dict(caller.shared),
    }
    shown: dict[str, Any] = {name: value for name, value in claims.items() if value}
    if caller.allows != ALLOWED_AT_FIRST:
        shown["alw"] = sorted(caller.allows)
    return shown


def _clauses_from_claims(scopes: Iterable[Any]) -> dict[str, tuple[Clause, ...]]:
    found = {}
    for permissions, written in scopes:
        clauses = tuple(Clause(kind, tuple(values), condition) for kind, values, condition in written)
        found.update(dict.fromkeys(permissions, clauses))
    return found
