"""A command with a key is applied once: the first answer is kept and given again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common import strict_json
from services.common.db import UnitOfWork
from services.common.errors import Conflict, CreditError, error_from_dict, is_passing

KEY_LENGTH_MAX = 200
KEPT_DAYS = 30


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
            raise Conflict("该 Idempotency-Key 已用于另一个请求", code="idempotency_key_reused")
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


def unwrap(answer: Mapping[str, Any]) -> Any:
    """The value of a kept answer; a kept refusal is raised again."""
    if "error" in answer:
        raise error_from_dict(answer["error"])
    return answer["ok"]


def forget_old_keys(work: UnitOfWork) -> int:
    """Delete keys older than `KEPT_DAYS`; returns how many."""
    keys = work.table("idempotency_keys")
    oldest = work.now - timedelta(days=KEPT_DAYS)
    return int(work.execute(delete(keys).where(keys.c.created_at < oldest)).rowcount)


def _hash(method: str, received: Any) -> str:
    text = json.dumps([method, strict_json.to_plain(received)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
