"""Who watches: the open streams of this process, and the loop that tells them what has changed.

A change is a row in the database, since any process may write it and any other have its reader. While
somebody watches, each process reads the rows of the last minute and tells of those it has not seen. A change
says only whose what is new: the stream then asks for the present state, so that missing one loses nothing.
Where sessions or rights have changed, every stream looks whether its reader is still let in.
"""

from __future__ import annotations

from collections.abc import Callable

import eventlet

from gateway.notifications import store
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.db import Database
from services.common.errors import TooManyRequests, Unavailable
from services.common.messaging.loops import Bell, keep_going

_LOOK_SECONDS = 0.5
# A transaction is given up after 30 seconds in which it does nothing: what it wrote shows within this time.
_WINDOW_SECONDS = 60
_PER_USER_MAX = 6
# The rest of the process's connections stay with requests.
_STREAMS_MAX = 500
_RETRY_SECONDS = 5
RIGHTS = "rights"


class Watcher:
    """One stream: what has changed since it last looked."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.closed = False
        self.bell = Bell()
        self._changed: set[str] = set()

    def note(self, kind: str) -> None:
        """Something of this kind has changed."""
        self._changed.add(kind)
        self.bell.ring()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self.bell.ring()

    def wait(self, seconds: float) -> frozenset[str]:
        """The kinds that have changed; empty when nothing did within `seconds`."""
        if not self._changed and not self.closed:
            self.bell.listen(seconds)
        changed, self._changed = frozenset(self._changed), set()
        return changed


class Live:
    """The streams of one gateway process."""

    def __init__(self, database: Database, follow_rights: Callable[[], None]) -> None:
        self._database = database
        self._follow_rights = follow_rights
        self._watchers: set[Watcher] = set()
        self._seen: set[int] | None = None
        self._bell = Bell()
        self._running = False
        self._closed = False

    def enter(self, username: str) -> Watcher:
        """A watcher, to be given back to `leave`.

        `TooManyRequests` for a seventh stream of one user, `Unavailable` when the process has no room.
        """
        if sum(each.username == username for each in self._watchers) >= _PER_USER_MAX:
            raise TooManyRequests(
                f"同一用户最多 {_PER_USER_MAX} 个实时连接",
                code="too_many_streams",
                retry_after=_RETRY_SECONDS,
            )
        if self._closed or len(self._watchers) >= _STREAMS_MAX:
            raise Unavailable("实时连接已满, 请稍后再试", code="streams_full", retry_after=_RETRY_SECONDS)
        watcher = Watcher(username)
        self._watchers.add(watcher)
        if not self._running:
            self._running = True
            eventlet.spawn_n(self._run)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """The stream has ended."""
        self._watchers.discard(watcher)

    def rights_changed(self) -> None:
        """Let every stream look again whether its reader is let in."""
        for watcher in tuple(self._watchers):
            watcher.note(RIGHTS)

    def close(self) -> None:
        """End every stream, and take no new one."""
        self._closed = True
        for watcher in self._watchers:
            watcher.close()
        self._bell.ring()

    def _run(self) -> None:
        try:
            keep_going("live changes", self._look, self._bell, lambda: self._closed or not self._watchers)
        finally:
            self._running = False
            self._seen = None

    def _look(self) -> float:
        self._follow_rights()
        with self._database.glance(service_caller(GATEWAY)) as work:
            found = store.recent_live_changes(work, _WINDOW_SECONDS)
        if self._seen is not None:
            self._tell({found[place] for place in found.keys() - self._seen})
        else:
            # Whoever came before the first look has read their state before it: let them read it again.
            self._tell(set(found.values()))
        self._seen = set(found)
        return _LOOK_SECONDS

    def _tell(self, changes: set[tuple[str, str]]) -> None:
        kinds: dict[str, set[str]] = {}
        for username, kind in changes:
            kinds.setdefault(username, set()).add(kind)
        for watcher in tuple(self._watchers):
            for kind in kinds.get(watcher.username, ()):
                watcher.note(kind)
