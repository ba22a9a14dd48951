"""What makes and removes the sample company; whoever starts the gateway hands it one, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

# Called with how many steps are done, and how many there are.
Tell = Callable[[int, int], None]


class CannotMake(Exception):
    """The sample could not be made to its end; the text says why, for people."""


class Maker(Protocol):
    """Makes the sample company over the public API of this installation."""

    @property
    def contents(self) -> dict[str, list[str]]:
        """What belongs to it: `people` (usernames), `departments` and `customers` (codes)."""

    @property
    def can_remove(self) -> bool:
        """Whether it can be removed from here: everything runs in this process, which can start anew."""

    def make(self, token: str, password: str, tell: Tell) -> None:
        """Make it as the administrator whose access token this is; `CannotMake` where it breaks off."""

    def remove(self) -> None:
        """Stop everything, remove it, and start anew. Returns at once."""
