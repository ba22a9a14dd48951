"""The hash chain of a pool's entries: each hash covers its entry and the one before it. Pure.

Nothing of a person is hashed, so that a name can be forgotten and the chain still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any

# What the first entry of a pool stands on.
ROOT = ""
_ZERO_TEXT = "0.0000"
_IDS = ("pool_id", "place", "action", "document_type", "document_id")
_AMOUNTS = ("reserved", "delivered", "receivable")


def entry_hash(before: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry (a row of `entries`, amounts to four decimals) behind the hash `before` it."""
    parts = [before, *(str(entry[name]) for name in _IDS)]
    parts += [f"{entry[name]:.4f}" if entry[name] else _ZERO_TEXT for name in _AMOUNTS]
    parts.append(entry["effective_date"].isoformat())
    parts.append(entry["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
