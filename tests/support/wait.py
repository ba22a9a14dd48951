"""Waiting for a condition with a limit, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")
_POLL_SECONDS = 0.02


def wait_until(
    condition: Callable[[], Value],
    timeout: float = 10.0,
    *,
    what: str = "",
    ignoring: tuple[type[Exception], ...] = (),
) -> Value:
    """The first truthy answer of `condition`, asked every 20 ms.

    Raises `AssertionError` after `timeout` seconds, with `what` was waited for and the last answer or
    the last of the `ignoring` exceptions.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            answer = condition()
            if answer:
                return answer
            last = answer
        except ignoring as problem:
            last = problem
        if time.monotonic() >= deadline:
            waited_for = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"waited {timeout} s in vain for {waited_for}; last seen: {last!r}")
        time.sleep(_POLL_SECONDS)
