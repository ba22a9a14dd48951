"""The loops of a service process: each does its step whenever its bell rings, and outlives every failure."""

from __future__ import annotations

import logging
from collections.abc import Callable

from eventlet.queue import Empty, LightQueue

from services.common.engines import is_transient

_log = logging.getLogger(__name__)
_BACKOFF_FIRST_SECONDS = 0.25
_BACKOFF_SECONDS_MAX = 15.0
_DOUBLINGS_MAX = 10

Stopping = Callable[[], bool]


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


def keep_going(name: str, step: Callable[[], float], bell: Bell, stopping: Stopping) -> None:
    """Call `step` until `stopping`; it answers how many seconds to wait for the bell before the next time.

    After a failure the wait doubles, from a quarter of a second to fifteen seconds.
    """
    failures = 0
    while not stopping():
        try:
            wait = step()
            failures = 0
        except Exception as problem:  # noqa: BLE001 - a loop that ended would stop its service silently
            failures += 1
            wait = min(_BACKOFF_FIRST_SECONDS * 2 ** min(failures, _DOUBLINGS_MAX), _BACKOFF_SECONDS_MAX)
            level = logging.WARNING if is_transient(problem) else logging.ERROR
            _log.log(level, "%s failed %s time(s), again in %.1f s: %r", name, failures, wait, problem)
        bell.listen(wait)
