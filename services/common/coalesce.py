"""Doing together what is asked at the same time: nobody waits while there is nothing to wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import eventlet
from eventlet.event import Event as Signal

Piece = TypeVar("Piece")


class Coalescer(Generic[Piece]):
    """Collects pieces of work while earlier ones are under way, and does all of them in one go.

    `run` takes pieces and answers one result for each, in their order; an exception of it is raised to all
    who asked. At most `most` pieces go together, and `at_once` groups run side by side.
    """

    def __init__(
        self, run: Callable[[Sequence[Piece]], Sequence[Any]], *, most: int, at_once: int = 1
    ) -> None:
        self._run = run
        self._most = most
        self._at_once = at_once
        self._running = 0
        self._waiting: deque[tuple[Piece, Signal]] = deque()

    def do(self, piece: Piece) -> Any:
        """The result for this piece, once its group is done."""
        done = Signal()
        self._waiting.append((piece, done))
        if self._running < self._at_once:
            self._running += 1
            eventlet.spawn_n(self._work_off)
        return done.wait()

    def _work_off(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                self._finish(group)
        finally:
            self._running -= 1

    def _finish(self, group: Sequence[tuple[Piece, Signal]]) -> None:
        try:
            results = self._run([piece for piece, _ in group])
        except BaseException as problem:  # noqa: BLE001 - raised to those who asked, each of whom waits
            for _, done in group:
                done.send_exception(problem)
            return
        for (_, done), result in zip(group, results, strict=True):
            done.send(result)
