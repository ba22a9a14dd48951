"""Reading other services' event logs: hints wake a reader, the log itself says what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

import eventlet
from eventlet.semaphore import Semaphore

from services.common import telemetry
from services.common.caller import service_caller
from services.common.db import Database
from services.common.events import BATCH_MAX, Event, Handler, event_from_envelope
from services.common.messaging.loops import Bell, Stopping, keep_going
from services.common.positions import (
    PositionMovedBack,
    StreamStopped,
    apply_batch,
    position_of,
    stop,
)

# Hints come at once; this heals the rare one that was lost with its broker.
HEAD_CHECK_SECONDS = 8.0
_REST_SECONDS = 1.0


class StreamReader:
    """Applies one source's events to one service, in order, each exactly once."""

    def __init__(
        self,
        database: Database,
        service: str,
        source: str,
        handlers: Mapping[str, Handler],
        fetch: Callable[[str, dict[str, Any]], dict[str, Any]],
    ) -> None:
        self.source = source
        self.bell = Bell()
        # Whose news the handlers of this source rely on: theirs is read to its end before each batch.
        self.first: Sequence[StreamReader] = ()
        self._database = database
        self._service = service
        self._handlers = handlers
        self._fetch = fetch
        self._turn = Semaphore(1)
        # How far the source's log is said to reach, and when to look whether that is so.
        self._heard = 0
        self._look_at = 0.0
        # Where this process has last found or left the position. Others may have moved it on, which costs a
        # batch read in vain, or back (a rebuild), which the next batch finds before it does anything.
        self._stood_at: tuple[int, UUID | None] | None = None
        self._looked_at = 0.0

    def hear(self, head: object) -> None:
        """The source's log is said to reach `head`: look, unless it was read that far already."""
        if isinstance(head, int):
            self._heard = head
        else:
            self._look_at = 0.0
        if not self._has_read(self._heard):
            self.bell.ring()

    def _has_read(self, head: int) -> bool:
        return self._stood_at is not None and self._stood_at[0] >= head

    def stands_at(self, sequence: int) -> None:
        """The position was seen there: look it up again when it was moved back."""
        if self._stood_at is not None and sequence < self._stood_at[0] and not self._turn.locked():
            self.look_again()

    def look_again(self) -> None:
        """The position was moved back: look it up, and read from there."""
        self._stood_at = None
        self.bell.ring()

    def pull(self, *, fresh: bool = False, until: int | None = None) -> int:
        """Apply everything that the source has numbered until now; returns how many events were new.

        With `fresh` the source first numbers whatever any of its processes has committed. With `until`,
        nothing is asked of it when its log was read that far. Raises `StreamStopped` where an operator is
        needed, `Unavailable` where the source is away.
        """
        applied = 0
        with self._turn:
            while until is None or not self._has_read(until):
                sequence, last_event_id = self._position()
                batch, more = self._fetch_after(sequence, last_event_id, fresh=fresh)
                if batch:
                    for reader in self.first:
                        reader.pull()
                    try:
                        applied += apply_batch(
                            self._database, self._service, self.source, self._handlers, batch, sequence
                        )
                    except PositionMovedBack:
                        self._stood_at = None
                        continue
                    self._stood_at = batch[-1].sequence, batch[-1].id
                if not more:
                    telemetry.stream_lag.labels(self._service, self.source).set(0)
                    telemetry.stream_stopped.labels(self._service, self.source).set(0)
                    break
        return applied

    def _position(self) -> tuple[int, UUID | None]:
        """Where the position stands, looked up now and then: whoever moves it back waits no longer."""
        now = monotonic()
        if self._stood_at is None or now - self._looked_at >= HEAD_CHECK_SECONDS:
            with self._database.glance(service_caller(self._service)) as work:
                sequence, last_event_id, state = position_of(work, self.source)
            if state != "running":
                raise StreamStopped(f"{self._service} has stopped reading {self.source} ({state})")
            self._stood_at, self._looked_at = (sequence, last_event_id), now
        return self._stood_at

    def _fetch_after(
        self, sequence: int, last_event_id: UUID | None, *, fresh: bool
    ) -> tuple[list[Event], bool]:
        answer = self._fetch(
            self.source,
            {
                "after": sequence,
                "last_event_id": str(last_event_id) if last_event_id else None,
                "limit": BATCH_MAX,
                "types": sorted(self._handlers),
                "fresh": fresh,
            },
        )
        if answer["diverged"]:
            problem = (
                f"the log of {self.source} no longer holds event {last_event_id} at {sequence}: it was "
                f"restored from a backup. Run: credit rebuild {self._service}"
            )
            stop(self._database, self._service, self.source, "diverged", problem)
            self._stood_at = None
            raise StreamStopped(problem)
        telemetry.stream_lag.labels(self._service, self.source).set(answer["head"] - sequence)
        return [event_from_envelope(envelope) for envelope in answer["events"]], bool(answer["more"])

    def run(self, stopping: Stopping) -> None:
        """Pull whenever rung, and every few seconds, until `stopping`."""
        keep_going(f"{self._service} reading {self.source}", self._step, self.bell, stopping)

    def _step(self) -> float:
        checks = monotonic() >= self._look_at
        try:
            # Somebody else in this process may have read meanwhile what this was rung for.
            self.pull(until=None if checks else self._heard)
        except StreamStopped:
            # The alarm was raised when it stopped; the gauge keeps it visible until somebody acts.
            telemetry.stream_stopped.labels(self._service, self.source).set(1)
        if checks:
            self._look_at = monotonic() + HEAD_CHECK_SECONDS
        # The first of a burst is read at once, the rest of it together: batches give a projection its speed.
        eventlet.sleep(_REST_SECONDS)
        return HEAD_CHECK_SECONDS
