"""How a part of a unit of work takes back what was changed in memory."""

from __future__ import annotations

from collections.abc import Callable

Undo = Callable[[], None]


class Journalled:
    """A part that writes down, for each of its changes, what undoes it."""

    def __init__(self) -> None:
        self._journal: list[Undo] = []

    def mark(self) -> int:
        """Where the changes stand now."""
        return len(self._journal)

    def undo(self, mark: int) -> None:
        """Take back what was changed since a mark, the last first; what was read stays."""
        while len(self._journal) > mark:
            self._journal.pop()()
