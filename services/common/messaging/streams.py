"""Reading other services' event logs: hints wake a reader, the log itself says what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from eventlet.queue import Empty, LightQueue
from eventlet.semaphore import Semaphore

from services.common import telemetry
from services.common.caller import service_caller
from services.common.db import Database, is_transient
from services.common.errors import Conflict
from services.common.events import BATCH_MAX, event_from_envelope
from services.common.positions import Handler, StreamStopped, apply_batch, position_of, stop

_log = logging.getLogger(__name__)
# Hints come at once; this heals the rare one that was lost with its broker.
HEAD_CHECK_SECONDS = 8.0
_BACKOFF_SECONDS_MAX = 15.0


class Bell:
    """Wakes one loop: rung any number of times before it listens, it wakes once."""

    def __init__(self) -> None:
        self._rung: LightQueue = LightQueue(1)

    def ring(self) -> None:
        """Wake the listener, now or when it next listens."""
        if self._rung.empty():
            self._rung.put_nowait(True)

    def listen(self, seconds: float) -> bool:
        """Wait to be rung; False when nobody rang within `seconds`."""
        try:
            self._rung.get(timeout=seconds)
        except Empty:
            return False
        return True


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
                    applied += apply_batch(self._database, self._service, self.source, self._handlers, batch)
                if not more:
                    telemetry.stream_lag.labels(self._service, self.source).set(0)
                    telemetry.stream_stopped.labels(self._service, self.source).set(0)
                    return applied

    def _next_batch(self) -> tuple[list[Any], bool]:
        with self._database.read(service_caller(self._service)) as work:
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
                f"the log of {self.source} no longer holds event {last_event_id} at {sequence}: it was restored "
                f"from a backup. Run: credit rebuild {self._service}"
            )
            stop(self._database, self._service, self.source, "diverged", problem)
            raise StreamStopped(problem)
        telemetry.stream_lag.labels(self._service, self.source).set(answer["head"] - sequence)
        return [event_from_envelope(envelope) for envelope in answer["events"]], bool(answer["more"])

    def run(self, stopping: Callable[[], bool]) -> None:
        """Pull whenever rung, and every few seconds, until `stopping`."""
        failures = 0
        while not stopping():
            try:
                self.pull()
                failures = 0
            except StreamStopped as problem:
                telemetry.stream_stopped.labels(self._service, self.source).set(1)
                _log.debug("%s", problem)
            except Conflict as problem:
                _log.warning("%s reading %s: %s", self._service, self.source, problem)
            except Exception as problem:
                failures += 1
                level = logging.DEBUG if is_transient(problem) else logging.ERROR
                _log.log(level, "%s reading %s: %r", self._service, self.source, problem)
            wait = HEAD_CHECK_SECONDS
            if failures:
                wait = min(0.25 * 2 ** min(failures, 10), _BACKOFF_SECONDS_MAX)
            self.bell.listen(wait)
