"""Whose a message is: a code over all that counts in it, which only its sender and its receiver can make.

To sign each message would cost more than the rest of a small request. So its two ends share a key that
nobody sends: X25519 over the Ed25519 keys that they have anyway (RFC 7748; section 4.1 has the map from one
curve to the other), then HKDF (RFC 5869) with both names; the code is HMAC-SHA-256. A receiver could make
the codes of what it receives, but of nothing that anybody else does.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.common.config import Settings
from services.common.errors import Unauthenticated
from services.common.keys import load_private_key, load_public_keys

ENCODING = "utf-8"
_FIELD = 2**255 - 19
_KEY_BYTES = 32
_CLOCK_SKEW_MS = 10_000
# No call waits longer for its answer; a message that claims to be good for longer is none of ours.
_LIFE_MS_MAX = 600_000
_REMEMBERED_MAX = 200_000


@dataclass(frozen=True)
class Envelope:
    """Who sent a message, and the message's own id."""

    sender: str
    identity: str

    def part(self, number: int) -> Envelope:
        """That of one of the requests in the message."""
        return replace(self, identity=f"{self.identity}.{number}")


class ReplayedMessage(Exception):
    """The very message was received before."""


class SharedKeys:
    """The keys that one service shares with each other, one for each direction."""

    def __init__(
        self, name: str, private_key: Ed25519PrivateKey, public_keys: Mapping[str, Ed25519PublicKey]
    ) -> None:
        self.name = name
        self._private = _exchanging(private_key)
        self._public = dict(public_keys)
        self._known: dict[tuple[str, str], bytes] = {}

    @classmethod
    def load(cls, settings: Settings, name: str) -> SharedKeys:
        """Of a service, from the keys' folder."""
        folder = settings.keys_dir
        return cls(name, load_private_key(folder, name), load_public_keys(folder))

    def to(self, receiver: str) -> bytes:
        """The key of what this service sends there; `KeyError` for nobody."""
        return self._between(self.name, receiver, receiver)

    def of(self, sender: str) -> bytes:
        """The key of what comes from there; `KeyError` for nobody."""
        return self._between(sender, self.name, sender)

    def _between(self, sender: str, receiver: str, other: str) -> bytes:
        known = self._known.get((sender, receiver))
        if known is None:
            shared = self._private.exchange(_exchanged(self._public[other]))
            about = orjson.dumps(["credit message", sender, receiver])
            known = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=about).derive(shared)
            self._known[sender, receiver] = known
        return known


class MessageSigner:
    """Vouches for the messages that one service sends."""

    def __init__(self, keys: SharedKeys) -> None:
        self._keys = keys

    def headers(
        self, service: str, method: str, *, reply_to: str, identity: str, seconds: float, body: bytes
    ) -> dict[str, Any]:
        """What goes with a request that is good for so many seconds."""
        until = int((time.time() + seconds) * 1000)
        code = _code(self._keys.to(service), f"{service}.{method}", reply_to, identity, until, body)
        return {"sender": self._keys.name, "until": until, "code": code}


class MessageVerifier:
    """Checks the messages that one process receives, and lets in each once."""

    def __init__(self, keys: SharedKeys) -> None:
        self._keys = keys
        self._seen: set[str] = set()
        self._by_end: list[tuple[int, str]] = []

    @property
    def remembered(self) -> int:
        """How many messages are known."""
        return len(self._seen)

    def open(self, message: Any) -> Envelope:
        """Who sent a message (kombu's), and its id.

        `Unauthenticated` for one that was forged or changed, or has expired; `ReplayedMessage` for one that
        was here before, unless the broker says that it could not be sure of that.
        """
        headers, properties, info = message.headers, message.properties, message.delivery_info
        sender, until, identity = (
            headers.get("sender"),
            headers.get("until"),
            properties.get("correlation_id"),
        )
        try:
            body = message.body.encode(ENCODING) if isinstance(message.body, str) else bytes(message.body)
            key = self._keys.of(sender)
            code = _code(key, info["routing_key"], properties["reply_to"], identity, until, body)
            is_true = hmac.compare_digest(code, headers.get("code"))
        except (KeyError, TypeError, ValueError) as problem:
            raise Unauthenticated("报文没有可核实的来源", code="message_unsigned") from problem
        if not is_true or message.content_encoding != ENCODING:
            raise Unauthenticated("报文来源不实或内容被改动", code="message_forged")
        now = int(time.time() * 1000)
        if not now - _CLOCK_SKEW_MS <= until <= now + _LIFE_MS_MAX + _CLOCK_SKEW_MS:
            raise Unauthenticated("报文已过期; 请核对各机器的时钟", code="message_expired")
        self._remember(identity, until, now, again=bool(info.get("redelivered")))
        return Envelope(sender, identity)

    def _remember(self, identity: str, until: int, now: int, *, again: bool) -> None:
        while self._by_end and (
            self._by_end[0][0] < now - _CLOCK_SKEW_MS or len(self._by_end) >= _REMEMBERED_MAX
        ):
            self._seen.discard(heapq.heappop(self._by_end)[1])
        if identity not in self._seen:
            self._seen.add(identity)
            heapq.heappush(self._by_end, (until, identity))
        elif not again:
            raise ReplayedMessage(identity)


def _code(key: bytes, route: str, reply_to: str, identity: str, until: int, body: bytes) -> str:
    # A JSON list shows where each part ends.
    return hmac.digest(key, orjson.dumps([route, reply_to, identity, until]) + body, "sha256").hex()


def _exchanging(key: Ed25519PrivateKey) -> X25519PrivateKey:
    """The same secret for agreeing on keys (RFC 8032, section 5.1.5; X25519 itself clamps it)."""
    return X25519PrivateKey.from_private_bytes(hashlib.sha512(key.private_bytes_raw()).digest()[:_KEY_BYTES])


def _exchanged(key: Ed25519PublicKey) -> X25519PublicKey:
    """The same point for agreeing on keys: u = (1 + y) / (1 - y) (RFC 7748, section 4.1)."""
    y = int.from_bytes(key.public_bytes_raw(), "little") & ((1 << 255) - 1)
    u = (1 + y) * pow(1 - y, -1, _FIELD) % _FIELD
    return X25519PublicKey.from_public_bytes(u.to_bytes(_KEY_BYTES, "little"))
