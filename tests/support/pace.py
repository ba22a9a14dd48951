"""How slow this machine is just now, so that a limit on time fails for the code and not for the machine."""

from __future__ import annotations

import time

_ROUNDS = 7
_TURNS = 20_000
# What the work below took where the figures of docs/benchmarks.md were measured.
_MILLISECONDS = 2.2


def slowness() -> float:
    """How many times as long as there the same work takes here, 1 where it takes no longer."""
    return max(1.0, min(_milliseconds() for _ in range(_ROUNDS)) / _MILLISECONDS)


def _milliseconds() -> float:
    began = time.process_time()
    counted: dict[int, int] = {}
    for turn in range(_TURNS):
        counted[turn % 97] = counted.get(turn % 97, 0) + turn
    return (time.process_time() - began) * 1_000
