"""Events and documents that a service had to set aside, until somebody repairs, replays or discards them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.events import Event, Handler, event_from_envelope

PROBLEM_LENGTH_MAX = 2_000


def list_parked(work: UnitOfWork, limit: int = 200) -> list[dict[str, Any]]:
    """Open parked events, oldest first."""
    parked = work.table("parked_events")
    rows = work.execute(
        select(parked).where(parked.c.resolved_at.is_(None)).order_by(parked.c.identity).limit(limit)
    ).all()
    return [dict(row._mapping) for row in rows]


def edit_parked(work: UnitOfWork, identity: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the `data` of a parked event by a repaired one. Locks its row."""
    row = _open_parked(work, identity)
    parked = work.table("parked_events")
    event = {**row.event, "data": dict(data)}
    work.execute(update(parked).where(parked.c.identity == identity).values(event=event))
    return {**dict(row._mapping), "event": event}


def discard_parked(work: UnitOfWork, identity: int) -> dict[str, Any]:
    """Give up one parked event: it counts as resolved without effect. Locks its row."""
    row = _open_parked(work, identity)
    resolve_parked(work, identity, "discarded")
    return dict(row._mapping)


def park_document(
    work: UnitOfWork, source: str, event_id: UUID, ordering_key: str, event: dict[str, Any], why: str
) -> None:
    """Set aside a message from outside (an ERP document) that can never be applied as it is."""
    _set_aside(work, event_id, source, None, ordering_key, event, why, attempts=1)


def was_parked(work: UnitOfWork, source: str, event_id: UUID) -> bool:
    """Whether this message was ever set aside: delivered again, it is not, whatever somebody did with it."""
    parked = work.table("parked_events")
    here = select(parked.c.identity).where(parked.c.source == source, parked.c.id == event_id)
    return work.execute(here.limit(1)).first() is not None


def handle_parked(handlers: Mapping[str, Handler], work: UnitOfWork) -> Callable[[dict[str, Any]], None]:
    """How `replay_parked` applies an event of another service's log."""

    def apply(envelope: dict[str, Any]) -> None:
        event = event_from_envelope(envelope)
        handlers[event.name](work, event)

    return apply


def park_event(work: UnitOfWork, event: Event, why: str, attempts: int) -> None:
    """Set aside an event of another service's log that was tried so many times."""
    place, envelope = (event.source, event.sequence, event.ordering_key), event.envelope()
    _set_aside(work, event.id, *place, envelope, why, attempts=attempts)


def _set_aside(
    work: UnitOfWork,
    event_id: UUID,
    source: str,
    sequence: int | None,
    ordering_key: str,
    event: dict[str, Any],
    why: str,
    *,
    attempts: int,
) -> None:
    work.execute(
        insert(work.table("parked_events")).values(
            id=event_id,
            source=source,
            sequence=sequence,
            ordering_key=ordering_key,
            event=event,
            problem=why[:PROBLEM_LENGTH_MAX],
            attempts=attempts,
            parked_at=work.now,
        )
    )


def _open_parked(work: UnitOfWork, identity: int) -> Any:
    parked = work.table("parked_events")
    row = work.execute(select(parked).where(parked.c.identity == identity).with_for_update()).first()
    if row is None:
        raise NotFound("没有这个搁置的事件")
    if row.resolved_at is not None:
        raise Conflict("该事件已经处理过", code="already_resolved", resolution=row.resolution)
    return row


def resolve_parked(work: UnitOfWork, identity: int, how: str) -> None:
    """Note how a parked event was resolved."""
    parked = work.table("parked_events")
    work.execute(
        update(parked)
        .where(parked.c.identity == identity)
        .values(resolved_at=work.now, resolution=how, attempts=parked.c.attempts + 1)
    )
