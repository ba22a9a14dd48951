"""ERP documents that wait, and those that were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import (
    erp_event_ids,
    waiting_documents,
)
from services.limits.store.rows import Row, all_rows


def is_new_event(work: UnitOfWork, source: str, event_id: str) -> bool:
    """Claim an ERP event id; False when it was claimed before."""
    row = {"source": source, "event_id": event_id, "received_at": work.now}
    statement = upsert(erp_event_ids).values(**row).on_conflict_do_nothing()
    return work.execute(statement.returning(erp_event_ids.c.event_id)).first() is not None


def wait_for(
    work: UnitOfWork, what: str, key: str, routing_key: str, revision: int, body: Mapping[str, Any]
) -> None:
    """Keep a document until its customer or its order arrives."""
    work.execute(
        insert(waiting_documents).values(
            waits_for=what,
            key=key,
            routing_key=routing_key,
            revision=revision,
            body=dict(body),
            received_at=work.now,
        )
    )


def take_waiting(work: UnitOfWork, what: str, keys: Sequence[str]) -> list[Row]:
    """Take the documents that waited for something, by revision and arrival. Deletes their rows."""
    taken = delete(waiting_documents).where(
        waiting_documents.c.waits_for == what, waiting_documents.c.key.in_(sorted(keys))
    )
    rows = all_rows(work, taken.returning(waiting_documents))
    return sorted(rows, key=lambda row: (row["revision"], row["identity"]))


def take_waiting_since(work: UnitOfWork, hours: int, limit: int) -> list[Row]:
    """Take documents that have waited for their customer longer than so many hours. Deletes their rows."""
    old = (
        select(waiting_documents.c.identity)
        .where(
            waiting_documents.c.waits_for == "customer",
            waiting_documents.c.received_at < work.now - timedelta(hours=hours),
        )
        .order_by(waiting_documents.c.identity)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = delete(waiting_documents).where(waiting_documents.c.identity.in_(old))
    return all_rows(work, taken.returning(waiting_documents))
