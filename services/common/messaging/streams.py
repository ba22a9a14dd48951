"""Reading other services' event logs: hints wake a reader, the log itself says what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import eventlet
from eventlet.semaphore import Semaphore

from services.common import telemetry
from services.common.caller import service_caller
from services.common.db import Database
from services.common.events import BATCH_MAX, event_from_envelope
from services.common.messaging.loops import Bell, Stopping, keep_going
from services.common.positions import Handler, StreamStopped, apply_batch, position_of, stop

# Hints come at once; this heals the rare one that was lost with its broker.
HEAD_CHECK_SECONDS = 8.0
_REST_SECONDS = 0.25


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

    def pull(self) -> int:
        """Apply everything that the source has committed until now; returns how many events were new.

        Raises `StreamStopped` where an operator is needed, `Unavailable` where the source is away.
        """
        applied = 0
        with self._turn:
            while True:
                batch, more = self._next_batch()
                if batch:
                    for reader in self.first:
                        reader.pull()
                    applied += apply_batch(self._database, self._service, self.source, self._handlers, batch)
                if not more:
                    telemetry.stream_lag.labels(self._service, self.source).set(0)
                    telemetry.stream_stopped.labels(self._service, self.source).set(0)
                    return applied

    def _next_batch(self) -> tuple[list[Any], bool]:
        with self._database.glance(service_caller(self._service)) as work:
            sequence, last_event_id, state = position_of(work, self.source)
        if state != "running":
            raise StreamStopped(f"{self._service} has stopped reading {self.source} ({state})")
        answer = self._fetch(
            self.source,
            {
                "after": sequence,
                "last_event_id": str(last_event_id) if last_event_id else None,
                "limit": BATCH_MAX,
                "types": sorted(self._handlers),
            },
        )
        if answer["diverged"]:
            problem = (
                f"the log of {self.source} no longer holds event {last_event_id} at {sequence}: it was "
                f"restored from a backup. Run: credit rebuild {self._service}"
            )
            stop(self._database, self._service, self.source, "diverged", problem)
            raise StreamStopped(problem)
        telemetry.stream_lag.labels(self._service, self.source).set(answer["head"] - sequence)
        return [event_from_envelope(envelope) for envelope in answer["events"]], bool(answer["more"])

    def run(self, stopping: Stopping) -> None:
        """Pull whenever rung, and every few seconds, until `stopping`."""
        keep_going(f"{self._service} reading {self.source}", self._step, self.bell, stopping)

    def _step(self) -> float:
        try:
            self.pull()
        except StreamStopped:
            # The alarm was raised when it stopped; the gauge keeps it visible until somebody acts.
            telemetry.stream_stopped.labels(self._service, self.source).set(1)
        # The first of a burst is read at once, the rest of it together: batches give a projection its speed.
        eventlet.sleep(_REST_SECONDS)
        return HEAD_CHECK_SECONDS
