"""The event log of one service: what it has told, in a gapless order that anybody can read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import MetaData, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

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


# What a service does about an event, within the unit of work that applies it.
Handler = Callable[[UnitOfWork, Event], None]


def event_from_envelope(envelope: Mapping[str, Any]) -> Event:
    """The event that `Event.envelope` described."""
    fields = {name: envelope[name] for name in Event.__dataclass_fields__ if name in envelope}
    return Event(**{**fields, "id": UUID(str(envelope["id"])), "sequence": int(envelope["sequence"])})


# An event as it stands on `credit.events` (`Event.envelope`): passed on as text that nobody reads on the way.
_ENVELOPE = (
    "json_build_object('id', id, 'type', :source || '.' || type, 'source', :source, 'subject', subject,"
    " 'sequence', sequence, 'ordering_key', ordering_key,"
    " 'time', to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'actor', actor,"
    " 'trace_id', trace_id, 'data', data, 'dataversion', dataversion)::text"
)
_AFTER = (
    "SELECT sequence, id, type, {envelope} AS envelope FROM events"
    " WHERE sequence >= :after ORDER BY sequence LIMIT :most"
)


class _Statements:
    """What the log asks of its tables, built once: building a statement costs as much as running it."""

    def __init__(self, metadata: MetaData) -> None:
        events, head = metadata.tables["events"], metadata.tables["event_head"]
        self.waiting = select(events.c.identity).where(events.c.sequence.is_(None)).limit(1)
        self.make_head = upsert(head).values(singleton=True, sequence=0, published=0).on_conflict_do_nothing()
        self.lock_head = select(head.c.sequence).with_for_update()
        self.head = select(head.c.sequence, head.c.published)
        self.published = update(head).values(
            published=func.greatest(head.c.published, bindparam("new_published"))
        )
        self.after = text(_AFTER.format(envelope=_ENVELOPE))
        # What the reader does not want is not even unpacked; where the batch ends it wants to know.
        wanted = "type = ANY (:types) OR sequence = least(:last, (SELECT sequence FROM event_head))"
        self.wanted_after = text(_AFTER.format(envelope=f"CASE WHEN {wanted} THEN {_ENVELOPE} END"))
        # Run while the head is locked: nobody else numbers what this statement sees.
        self.number = text(
            "WITH numbered AS (UPDATE events SET sequence = :last + waiting.place FROM ("
            "  SELECT identity, row_number() OVER (ORDER BY identity) AS place FROM ("
            "   SELECT identity FROM events WHERE sequence IS NULL ORDER BY identity LIMIT :most) AS found"
            " ) AS waiting WHERE events.identity = waiting.identity RETURNING 1)"
            " UPDATE event_head SET sequence = :last + (SELECT count(*) FROM numbered) RETURNING sequence"
        )


_statements = cache(_Statements)


def has_unnumbered(work: UnitOfWork) -> bool:
    """Whether committed events wait for their number."""
    return work.execute(_statements(work.metadata).waiting).first() is not None


class Numbered(NamedTuple):
    """How far a log reaches now, 0 when nothing was to be numbered, and whether more may be left."""

    head: int
    full: bool


def number_events(work: UnitOfWork) -> Numbered:
    """Give committed, unnumbered events their sequence, in the order of their identity, up to 5,000 of them.

    Locks the row of `event_head`; waits for nothing but another numbering.
    """
    statements = _statements(work.metadata)
    last = work.execute(statements.lock_head).scalar()
    if last is None:
        work.execute(statements.make_head)
        last = work.execute(statements.lock_head).scalar_one()
    head = work.execute(statements.number, {"last": last, "most": _NUMBERED_AT_ONCE_MAX}).scalar_one()
    return Numbered(int(head) if head > last else 0, head - last == _NUMBERED_AT_ONCE_MAX)


def head_of_log(work: UnitOfWork) -> tuple[int, int]:
    """The sequences of the last numbered and of the last published event; 0 before the first."""
    found = work.execute(_statements(work.metadata).head).first()
    return (int(found.sequence), int(found.published)) if found else (0, 0)


class Logged(NamedTuple):
    """An event as it is passed on: its envelope is JSON text already."""

    id: UUID
    type: str
    envelope: str


@dataclass(frozen=True)
class Batch:
    """A contiguous piece of a log. `last` is the sequence that the reader's position reaches with it.

    `diverged` says that the log no longer holds the event at which the reader stands: it was restored.
    """

    events: list[Logged]
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
    # The event at which the reader stands is read along: it shows whether this still is the same log.
    statements = _statements(work.metadata)
    asked: dict[str, Any] = {"source": source, "after": after, "most": limit + 1}
    if types is None:
        rows = list(work.execute(statements.after, asked))
    else:
        wanted = {"types": list(types), "last": after + limit}
        rows = list(work.execute(statements.wanted_after, asked | wanted))
    if after:
        if not rows or rows[0].sequence != after or (last_event_id and rows[0].id != last_event_id):
            return Batch([], after, diverged=True)
        del rows[0]
    rows = rows[:limit]
    kept = [Logged(row.id, f"{source}.{row.type}", row.envelope) for row in rows if row.envelope is not None]
    return Batch(kept, rows[-1].sequence if rows else after, full=len(rows) == limit)


def mark_published(work: UnitOfWork, sequence: int) -> None:
    """Remember that the broker has confirmed everything up to this sequence. Locks `event_head`."""
    work.execute(_statements(work.metadata).published, {"new_published": sequence})
