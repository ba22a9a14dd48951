"""The hash chain of a pool's entries: each hash covers its entry and the one before it. Pure.

Nothing of a person is hashed, so that a name can be forgotten and the chain still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

# What the first entry of a pool stands on.
ROOT = ""
_ZERO_TEXT = "0.0000"
# What is hashed, in this order: texts, amounts to four decimals, the date, the instant, and the rate where
# there is one. The same text is made by PostgreSQL where whole chains are checked (store/chains.py).
TEXTS = ("pool_id", "place", "action", "document_type", "document_id")
AMOUNTS = ("reserved", "delivered", "receivable")


def entry_hash(before: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry (a row of `entries`, amounts to four decimals) behind the hash `before` it."""
    parts = [before, *(str(entry[name]) for name in TEXTS)]
    parts += [f"{entry[name]:.4f}" if entry[name] else _ZERO_TEXT for name in AMOUNTS]
    parts.append(entry["effective_date"].isoformat())
    parts.append(entry["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"))
    if entry.get("rate") is not None:
        parts.append(f"{entry['rate'].normalize():f}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def root_hash(before: str, ends: Iterable[tuple[UUID, int, str]]) -> str:
    """The root over the chains of a date: it covers the root `before` it and the chains that have grown.

    Each of `ends` is a pool, how many entries it has, and the hash of the last.
    """
    lines = sorted(f"{pool_id} {entries} {head}" for pool_id, entries, head in ends)
    return hashlib.sha256("\n".join([before, *lines]).encode()).hexdigest()
