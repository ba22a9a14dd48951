"""What a line of the audit trail says and how it is chained to the one before it. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from services.common import strict_json

# What the first line stands on.
ROOT = ""
_HASHED = (
    *("place", "source", "actor", "action", "subject", "detail", "changes"),
    *("address", "agent", "trace_id"),
)
_VALUE_LENGTH_MAX = 2_000
_TEXT_LENGTH_MAX = 300
_SECRET = re.compile(
    r"password|secret|token|credential|recovery|otp|(?:^|_)(?:hash|key_hash|code_hash)$", re.I
)
_HIDDEN = "***"

Change = dict[str, Any]


def line_hash(before: str, line: Mapping[str, Any]) -> str:
    """The hash of a line (a row of `audit`) behind the hash `before` it: SHA-256 over canonical JSON."""
    parts = {name: line[name] for name in _HASHED}
    at = line["at"].astimezone(UTC).isoformat(timespec="microseconds")
    event_id = None if line["event_id"] is None else str(line["event_id"])
    whole = [before, at, event_id, parts]
    text = json.dumps(whole, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, masked: frozenset[str] = frozenset()
) -> list[Change]:
    """What is other than before, one entry a field: `{"field": "fields.bank", "before", "after"}`.

    Maps are compared inside, lists as wholes. Of secrets and of `masked` fields only that they changed is
    told: `{"field", "masked": true}`.
    """
    old, new = _flat(plain(before or {})), _flat(plain(after or {}))
    changes: list[Change] = []
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) == new.get(field):
            continue
        if is_hidden(field, masked):
            changes.append({"field": field, "masked": True})
        else:
            before_it, after_it = (short(_without_hidden(side.get(field), masked)) for side in (old, new))
            changes.append({"field": field, "before": before_it, "after": after_it})
    return changes


def shown(value: Any, masked: frozenset[str] = frozenset()) -> Any:
    """A value as a line may hold it: plain JSON of bounded size, without secrets and masked fields."""
    return short(_without_hidden(plain(value), masked))


def is_hidden(field: str, masked: frozenset[str]) -> bool:
    """Whether a field's value may not stand in the trail; `field` may be a path."""
    name = field.rpartition(".")[2]
    return name in masked or field in masked or bool(_SECRET.search(name))


def plain(value: Any) -> Any:
    """Plain JSON that comes back from the database as it went in: numbers with decimals as text."""
    return _exact(strict_json.to_plain(value))


def fingerprinted(state: Mapping[str, Any] | None, masked: frozenset[str], salt: str) -> dict[str, Any]:
    """A record as it is remembered for the next comparison: flat, hidden values as fingerprints only."""

    def fingerprint(value: Any) -> str:
        text = json.dumps(value, sort_keys=True)
        return hashlib.blake2b(text.encode(), key=salt.encode(), digest_size=16).hexdigest()

    def inside(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: remembered(name, below) for name, below in value.items()}
        return [inside(below) for below in value] if isinstance(value, list) else value

    def remembered(name: str, value: Any) -> Any:
        return fingerprint(value) if value is not None and is_hidden(name, masked) else inside(value)

    return {field: remembered(field, value) for field, value in _flat(plain(state or {})).items()}


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _exact(below) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(below) for below in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _without_hidden(value: Any, masked: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _HIDDEN
            if _says_something(below) and is_hidden(name, masked)
            else _without_hidden(below, masked)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_without_hidden(below, masked) for below in value]
    return value


def _says_something(value: Any) -> bool:
    """Whether it could give a secret away: that there is one, or not, does not."""
    return value is not None and not isinstance(value, bool)


def short(value: Any) -> Any:
    """The value, or the beginning of its JSON and how long that is where it would fill the trail."""
    if value is None or isinstance(value, (bool, int)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _VALUE_LENGTH_MAX:
        return value
    return {"begins": text[:_TEXT_LENGTH_MAX], "length": len(text)}


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, below in value.items():
        here = f"{path}.{name}" if path else name
        if isinstance(below, Mapping) and below:
            found.update(_flat(below, here))
        else:
            found[here] = below
    return found
