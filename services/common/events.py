"""The event log of one service: what it has told, in a gapless order that anybody can read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common import strict_json
from services.common.db import UnitOfWork

BATCH_MAX = 500
_NUMBERED_AT_ONCE_MAX = 5_000


@dataclass(frozen=True)
class Event:
    """One thing that happened in a service, as its log keeps it. `type` is `<source>.<name>`."""

    id: UUID
    type: str
    source: str
    subject: str
    sequence: int
    ordering_key: str
    time: str
    actor: str
    trace_id: str
    data: dict[str, Any]
    dataversion: int = 1

    @property
    def name(self) -> str:
        """The type without its source."""
        return self.type.partition(".")[2]

    def envelope(self) -> dict[str, Any]:
        """The event as it stands on `credit.events` (CloudEvents 1.0 attribute names)."""
        return {
            "id": str(self.id),
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "sequence": self.sequence,
            "ordering_key": self.ordering_key,
            "time": self.time,
            "actor": self.actor,
            "trace_id": self.trace_id,
            "data": self.data,
            "dataversion": self.dataversion,
        }


def event_from_envelope(envelope: Mapping[str, Any]) -> Event:
    """The event that `Event.envelope` described."""
    fields = {name: envelope[name] for name in Event.__dataclass_fields__ if name in envelope}
    return Event(**{**fields, "id": UUID(str(envelope["id"])), "sequence": int(envelope["sequence"])})


def number_events(work: UnitOfWork) -> int:
    """Give committed, unnumbered events their sequence, in the order of their identity; returns how many.

    Locks the row of `event_head`. Waits for nothing but another numbering.
    """
    events, head = work.table("events"), work.table("event_head")
    waiting = select(events.c.identity).where(events.c.sequence.is_(None)).limit(1)
    if work.execute(waiting).first() is None:
        return 0
    work.execute(upsert(head).values(singleton=True, sequence=0, published=0).on_conflict_do_nothing())
    last = work.execute(select(head.c.sequence).with_for_update()).scalar_one()
    numbered = work.execute(
        text(
            "UPDATE events SET sequence = :last + numbered.place FROM ("
            " SELECT identity, row_number() OVER (ORDER BY identity) AS place FROM ("
            "  SELECT identity FROM events WHERE sequence IS NULL ORDER BY identity LIMIT :most) AS waiting"
            ") AS numbered WHERE events.identity = numbered.identity"
        ),
        {"last": last, "most": _NUMBERED_AT_ONCE_MAX},
    ).rowcount
    if numbered:
        work.execute(update(head).values(sequence=last + numbered))
    return int(numbered)


def head_sequence(work: UnitOfWork) -> int:
    """The sequence of the last numbered event; 0 before the first."""
    found = work.execute(select(work.table("event_head").c.sequence)).scalar()
    return int(found or 0)


@dataclass(frozen=True)
class Batch:
    """A contiguous piece of a log. `last` is the sequence that the reader's position reaches with it.

    `diverged` says that the log no longer holds the event at which the reader stands: it was restored.
    """

    events: list[dict[str, Any]]
    last: int
    full: bool = False
    diverged: bool = False


def read_batch(
    work: UnitOfWork,
    source: str,
    after: int,
    limit: int,
    *,
    last_event_id: UUID | None = None,
    types: Sequence[str] | None = None,
) -> Batch:
    """What follows a sequence, in order, at most `limit` of the log's rows, in one statement.

    With `types`, events of other types are left out, except the last row: the reader's position must reach
    the end of the batch.
    """
    events = work.table("events")
    # The event at which the reader stands is read along: it shows whether this still is the same log.
    rows = list(
        work.execute(
            select(events).where(events.c.sequence >= after).order_by(events.c.sequence).limit(limit + 1)
        )
    )
    if after:
        if not rows or rows[0].sequence != after or (last_event_id and rows[0].id != last_event_id):
            return Batch([], after, diverged=True)
        del rows[0]
    rows = rows[:limit]
    wanted = set(types) if types is not None else None
    last = len(rows) - 1
    kept = [
        _envelope(row, source)
        for place, row in enumerate(rows)
        if wanted is None or row.type in wanted or place == last
    ]
    return Batch(kept, rows[-1].sequence if rows else after, full=len(rows) == limit)


def published_until(work: UnitOfWork) -> int:
    """The sequence up to which events have been confirmed by the broker."""
    found = work.execute(select(work.table("event_head").c.published)).scalar()
    return int(found or 0)


def mark_published(work: UnitOfWork, sequence: int) -> None:
    """Remember that the broker has confirmed everything up to this sequence. Locks `event_head`."""
    head = work.table("event_head")
    work.execute(update(head).values(published=func.greatest(head.c.published, sequence)))


def _envelope(row: Any, source: str) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "type": f"{source}.{row.type}",
        "source": source,
        "subject": row.subject,
        "sequence": row.sequence,
        "ordering_key": row.ordering_key,
        "time": _instant(row.time),
        "actor": row.actor,
        "trace_id": row.trace_id,
        "data": row.data,
        "dataversion": row.dataversion,
    }


def _instant(moment: datetime) -> str:
    return str(strict_json.to_plain(moment))
