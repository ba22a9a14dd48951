"""How far one service has read another's event log, and what it had to set aside on the way.

A position moves in the transaction of the effect, so an event is applied exactly once. What fails for good
is parked in that same transaction, together with every later event of its ordering key, until somebody
repairs and replays it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import MetaData, Uuid, bindparam, delete, func, literal, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.caller import service_caller
from services.common.db import Database, UnitOfWork
from services.common.engines import again_after_deadlocks, is_transient
from services.common.events import Event, Handler
from services.common.parked import PROBLEM_LENGTH_MAX, park_event, resolve_parked

_log = logging.getLogger(__name__)
_DEADLOCK_TRIES = 5
# Advisory locks are per database, and so per service.
_PROJECTION_LOCK = 7_230_002


class StreamStopped(Exception):
    """A stream cannot go on by itself: its source was restored, or an event that concerns all failed."""


class PositionMovedBack(Exception):
    """The position stands before what a batch follows (a rebuild has reset it): nothing was applied."""


class _Statements:
    """What reading asks of its tables, built once: building a statement costs as much as running it."""

    def __init__(self, metadata: MetaData) -> None:
        positions, parked = metadata.tables["positions"], metadata.tables["parked_events"]
        self.lock = text("SELECT pg_advisory_xact_lock(:key)")
        # Two statements in one trip: the second sees what was committed before the lock was ours.
        self.take_turn = text(
            "SELECT pg_advisory_xact_lock(:key);"
            " UPDATE positions SET sequence = :to_sequence, last_event_id = :event_id, updated_at = :now"
            " WHERE source = :of_source AND state = 'running' AND sequence = :after"
            " RETURNING EXISTS (SELECT 1 FROM parked_events AS parked"
            "  WHERE parked.source = :of_source AND parked.resolved_at IS NULL) AS waiting"
        ).bindparams(bindparam("event_id", type_=Uuid()))
        self.position = select(positions.c.sequence, positions.c.last_event_id, positions.c.state).where(
            positions.c.source == bindparam("of_source")
        )
        some_parked = select(parked.c.identity).where(
            parked.c.source == bindparam("of_source"), parked.c.resolved_at.is_(None)
        )
        self.lock_position = self.position.add_columns(some_parked.exists().label("waiting")).with_for_update(
            of=positions
        )
        self.move = (
            update(positions)
            .where(positions.c.source == bindparam("of_source"))
            .values(
                sequence=bindparam("to_sequence"),
                last_event_id=bindparam("event_id"),
                updated_at=bindparam("now"),
            )
        )
        self.parked_keys = (
            select(parked.c.ordering_key)
            .where(
                parked.c.source == bindparam("of_source"),
                parked.c.resolved_at.is_(None),
                parked.c.ordering_key.in_(bindparam("keys", expanding=True)),
            )
            .distinct()
        )
        open_of_source = (
            select(func.count())
            .select_from(parked)
            .where(parked.c.source == positions.c.source, parked.c.resolved_at.is_(None))
            .scalar_subquery()
        )
        commands, head = metadata.tables["commands"], metadata.tables["event_head"]
        log = metadata.tables["events"]
        pending = select(func.count()).select_from(commands).where(commands.c.state == "pending")
        always = select(literal(1).label("one")).subquery()
        self.standing = select(
            positions,
            open_of_source.label("parked"),
            select(head.c.sequence).scalar_subquery().label("head"),
            pending.scalar_subquery().label("commands"),
            select(log.c.identity).where(log.c.sequence.is_(None)).exists().label("unnumbered"),
        ).select_from(always.outerjoin(positions, true()))


_statements = cache(_Statements)


def position_of(work: UnitOfWork, source: str) -> tuple[int, UUID | None, str]:
    """(sequence, last event id, state) of one source. Locks nothing."""
    row = work.execute(_statements(work.metadata).position, {"of_source": source}).first()
    return (row.sequence, row.last_event_id, row.state) if row else (0, None, "running")


def _lock_position(work: UnitOfWork, source: str) -> Any:
    """The position of one source, made at the first look; `waiting` says whether events of it are parked.

    Locks its row until the transaction ends.
    """
    asked = {"of_source": source}
    statement = _statements(work.metadata).lock_position
    row = work.execute(statement, asked).first()
    if row is None:
        first = {"source": source, "sequence": 0, "state": "running", "updated_at": work.now}
        work.execute(upsert(work.table("positions")).values(first).on_conflict_do_nothing())
        row = work.execute(statement, asked).one()
    return row


def apply_batch(
    database: Database,
    service: str,
    source: str,
    handlers: Mapping[str, Handler],
    batch: Sequence[Event],
    after: int,
) -> int:
    """Apply what follows the sequence `after` and move the position; returns how many events were new.

    The whole batch is one transaction. When an event fails for good, the batch is done again event by
    event, so that only the culprit (and what must wait behind it) is parked. Raises `StreamStopped` when
    an event that concerns everybody fails, `PositionMovedBack` when the position stands before `after`, and
    passes on transient failures.
    """

    def apply(events: Sequence[Event]) -> int:
        return again_after_deadlocks(
            _DEADLOCK_TRIES, lambda: _apply_together(database, service, source, handlers, events, after)
        )

    try:
        return apply(batch)
    except Exception as problem:
        if is_transient(problem) or isinstance(problem, (StreamStopped, PositionMovedBack)):
            raise
        _log.warning("a batch of %s from %s failed, going one by one: %s", service, source, problem)
    applied = 0
    for event in batch:
        try:
            applied += apply([event])
        except Exception as problem:
            if is_transient(problem) or isinstance(problem, (StreamStopped, PositionMovedBack)):
                raise
            _log.exception("event %s of %s cannot be applied by %s", event.id, source, service)
            applied += _park(database, service, source, event, problem)
    return applied


def _apply_together(
    database: Database,
    service: str,
    source: str,
    handlers: Mapping[str, Handler],
    batch: Sequence[Event],
    after: int,
) -> int:
    with database.begin(service_caller(service)) as work:
        new, some_wait = _move_on(work, service, source, batch, after)
        work.foreseen = [event.ordering_key for event in new if event.name in handlers]
        waiting = _parked_keys(work, source, work.foreseen) if some_wait and work.foreseen else set()
        for event in new:
            handler = handlers.get(event.name)
            if handler is None:
                continue
            if event.ordering_key in waiting:
                park_event(work, event, "等待同一对象的前一个事件被修复", attempts=0)
                continue
            work.trace_id = event.trace_id
            handler(work, event)
        return len(new)


def _move_on(
    work: UnitOfWork, service: str, source: str, batch: Sequence[Event], after: int
) -> tuple[Sequence[Event], bool]:
    """What of the batch is new, and whether events of its source are parked; the position stands behind it.

    One batch is applied at a time: streams of different sources touch the same rows, each in its own order.
    """
    row = work.execute(
        _statements(work.metadata).take_turn,
        {"key": _PROJECTION_LOCK, "after": after, **_place(work, source, batch[-1])},
    ).first()
    if row is not None:
        return batch, row.waiting
    # Another process has read on, or it is the first time.
    position = _lock_position(work, source)
    if position.state != "running":
        raise StreamStopped(f"{service} has stopped reading {source}")
    if position.sequence < after:
        raise PositionMovedBack
    new = [event for event in batch if event.sequence > position.sequence]
    if new:
        _move(work, source, new[-1])
    return new, position.waiting


def _one_at_a_time(work: UnitOfWork) -> None:
    """Wait until no batch is being applied."""
    work.execute(_statements(work.metadata).lock, {"key": _PROJECTION_LOCK})


def _park(database: Database, service: str, source: str, event: Event, problem: Exception) -> int:
    if not _concerns_one(event):
        stop(database, service, source, "stopped", f"{event.type} #{event.sequence}: {problem!r}")
        raise StreamStopped(f"{event.type} #{event.sequence} concerns everybody and failed") from problem
    with database.begin(service_caller(service)) as work:
        if event.sequence <= _lock_position(work, source).sequence:
            return 0
        park_event(work, event, repr(problem), attempts=1)
        _move(work, source, event)
        return 1


def stop(database: Database, service: str, source: str, state: str, problem: str) -> None:
    """Stop reading a source (`stopped` or `diverged`) until `resume` or a rebuild; says why, loudly."""
    _log.error("ALARM: %s no longer reads the events of %s (%s): %s", service, source, state, problem)
    with database.begin(service_caller(service)) as work:
        _lock_position(work, source)
        positions = work.table("positions")
        work.execute(
            update(positions)
            .where(positions.c.source == source)
            .values(state=state, problem=problem[:PROBLEM_LENGTH_MAX], updated_at=work.now)
        )


def resume(work: UnitOfWork, source: str) -> None:
    """Let a stopped stream try again from where it stands. Locks the position row."""
    positions = work.table("positions")
    work.execute(
        update(positions)
        .where(positions.c.source == source, positions.c.state == "stopped")
        .values(state="running", problem=None, updated_at=work.now)
    )


def read_again(work: UnitOfWork, projections: Sequence[str], sources: Sequence[str]) -> None:
    """Empty these tables, and read these sources again from their beginning.

    Parked events of them are dropped (they come again). Waits for the batch that is being applied.
    """
    _one_at_a_time(work)
    for name in projections:
        work.execute(delete(work.table(name)))
    positions, parked = work.table("positions"), work.table("parked_events")
    work.execute(delete(positions).where(positions.c.source.in_(sources)))
    work.execute(delete(parked).where(parked.c.source.in_(sources)))


@dataclass(frozen=True)
class Standing:
    """How far a service's own log and its reading reach, at one moment; `positions` by source.

    `unnumbered` says that the log holds committed events beyond its head.
    """

    head: int
    unnumbered: bool
    commands: int
    positions: dict[str, dict[str, Any]]


def standing(work: UnitOfWork) -> Standing:
    """How far everything reaches, in one statement."""
    rows = [dict(row._mapping) for row in work.execute(_statements(work.metadata).standing)]
    found = {row["source"]: row for row in rows if row["source"] is not None}
    first = rows[0]
    return Standing(int(first["head"] or 0), bool(first["unnumbered"]), int(first["commands"]), found)


def replay_parked(
    work: UnitOfWork, source: str, ordering_key: str, apply: Callable[[dict[str, Any]], None]
) -> int:
    """Apply the parked events of one ordering key in their order, all or none; returns how many.

    Waits for the batch that is being applied and locks the position row, so that none of that key is parked
    behind our back meanwhile.
    """
    _one_at_a_time(work)
    _lock_position(work, source)
    parked = work.table("parked_events")
    rows = work.execute(
        select(parked)
        .where(
            parked.c.source == source,
            parked.c.ordering_key == ordering_key,
            parked.c.resolved_at.is_(None),
        )
        .order_by(parked.c.identity)
        .with_for_update()
    ).all()
    for row in rows:
        apply(row.event)
        resolve_parked(work, row.identity, "replayed")
    return len(rows)


def _parked_keys(work: UnitOfWork, source: str, keys: Sequence[str]) -> set[str]:
    asked = {"of_source": source, "keys": sorted(set(keys))}
    return {row.ordering_key for row in work.execute(_statements(work.metadata).parked_keys, asked)}


def _move(work: UnitOfWork, source: str, event: Event) -> None:
    work.execute(_statements(work.metadata).move, _place(work, source, event))


def _place(work: UnitOfWork, source: str, event: Event) -> dict[str, Any]:
    return {"of_source": source, "to_sequence": event.sequence, "event_id": event.id, "now": work.now}


def _concerns_one(event: Event) -> bool:
    """An ordering key that is an id names one customer (or user) who can wait alone; others concern all."""
    try:
        UUID(event.ordering_key)
    except ValueError:
        return False
    return True
