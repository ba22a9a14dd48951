"""A command with a key is applied once: the first answer is kept and given again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common import strict_json
from services.common.db import UnitOfWork
from services.common.errors import Conflict, CreditError, error_from_dict, is_passing

KEY_LENGTH_MAX = 200
REUSED = "idempotency_key_reused"
KEPT_DAYS = 30
# A message lives for minutes. No key of a client's begins like that: theirs are plain ASCII.
_OF_MESSAGE = "§"
_KEPT_OF_MESSAGES = timedelta(hours=1)
_KEPT = text(
    "SELECT kept.principal, kept.key, kept.input_hash, kept.answer FROM idempotency_keys AS kept"
    " JOIN unnest(CAST(:principals AS text[]), CAST(:keys AS text[])) AS asked (principal, key)"
    " ON kept.principal = asked.principal AND kept.key = asked.key WHERE kept.answer IS NOT NULL"
)


def key_of_message(identity: str) -> str:
    """The key of what was asked without one: what a message changes, it changes once."""
    return _OF_MESSAGE + identity


def run_once(
    work: UnitOfWork,
    key: str,
    method: str,
    received: Any,
    operation: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """The answer of `operation` as plain JSON, from its first run under this key.

    The key is scoped to the caller's principal. A second call waits for the first one's transaction (the
    UNIQUE row), then gives its answer, refusals included; another input under the same key is a `Conflict`.
    Passing faults (429, 503) are not kept.
    """
    keys = work.table("idempotency_keys")
    input_hash = _hash(method, received)
    claimed = work.execute(
        upsert(keys)
        .values(
            principal=work.caller.principal,
            key=key,
            method=method,
            input_hash=input_hash,
            created_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(keys.c.key)
    ).first()
    here = (keys.c.principal == work.caller.principal) & (keys.c.key == key)
    if claimed is None:
        kept = work.execute(select(keys.c.input_hash, keys.c.answer).where(here)).one()
        if kept.input_hash != input_hash:
            raise _reused()
        return dict(kept.answer)
    answer: dict[str, Any]
    try:
        with work.savepoint():
            answer = {"ok": strict_json.to_plain(operation())}
    except CreditError as refusal:
        if is_passing(refusal):
            raise
        answer = {"error": refusal.to_dict()}
    work.execute(update(keys).where(here).values(answer=answer))
    return answer


class KeyTaken(Exception):
    """Another process has answered a key in the meantime: its answer is the one, so look again."""


class KeptAnswers:
    """The kept answers of many keys, read together and written together.

    `wanted` are (principal, key). Whoever asks twice within one unit of work gets the first answer.
    """

    def __init__(self, work: UnitOfWork, wanted: Iterable[tuple[str, str]]) -> None:
        self._work = work
        self._known: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self._new: list[dict[str, Any]] = []
        asked = sorted(set(wanted))
        if asked:
            principals, keys = zip(*asked, strict=True)
            rows = work.execute(_KEPT, {"principals": list(principals), "keys": list(keys)})
            self._known = {(row.principal, row.key): (row.input_hash, dict(row.answer)) for row in rows}

    def find(self, method: str, key: str | None, received: Any) -> dict[str, Any] | None:
        """The kept answer to the caller's key; `Conflict` where it was used for another input."""
        known = None if key is None else self._known.get((self._work.caller.principal, key))
        if known is None:
            return None
        if known[0] != _hash(method, received):
            raise _reused()
        return known[1]

    def add(self, method: str, key: str | None, received: Any, answer: dict[str, Any]) -> None:
        """Keep an answer to the caller's key."""
        if key is None:
            return
        work, input_hash = self._work, _hash(method, received)
        self._known[work.caller.principal, key] = (input_hash, answer)
        row = {"principal": work.caller.principal, "key": key, "method": method, "input_hash": input_hash}
        self._new.append({**row, "answer": answer, "created_at": work.now})

    def write(self) -> None:
        """Write what was added; `KeyTaken` where another process was faster."""
        keys = self._work.table("idempotency_keys")
        if self._work.rows.insert_new(keys, self._new) != len(self._new):
            raise KeyTaken


def unwrap(answer: Mapping[str, Any]) -> Any:
    """The value of a kept answer; a kept refusal is raised again."""
    if "error" in answer:
        raise error_from_dict(answer["error"])
    return answer["ok"]


def forget_old_keys(work: UnitOfWork) -> int:
    """Delete keys older than `KEPT_DAYS`, those of messages after an hour; returns how many."""
    keys = work.table("idempotency_keys")
    old = keys.c.created_at < work.now - timedelta(days=KEPT_DAYS)
    of_message = keys.c.key.startswith(_OF_MESSAGE) & (keys.c.created_at < work.now - _KEPT_OF_MESSAGES)
    return int(work.execute(delete(keys).where(old | of_message)).rowcount)


def _reused() -> Conflict:
    return Conflict("该 Idempotency-Key 已用于另一个请求", code=REUSED)


def _hash(method: str, received: Any) -> str:
    text = json.dumps([method, strict_json.to_plain(received)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
