"""What is asked at the same time is done together, and nobody waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence

import eventlet
import pytest
from eventlet.event import Event as Signal

from services.common.coalesce import Coalescer


def test_the_first_goes_at_once_and_those_who_come_meanwhile_go_together() -> None:
    gate = Signal()
    groups: list[list[int]] = []

    def run(pieces: Sequence[int]) -> list[int]:
        groups.append(list(pieces))
        gate.wait()
        return [piece * 10 for piece in pieces]

    coalescer = Coalescer(run, most=3)
    asked = [eventlet.spawn(coalescer.do, number) for number in range(6)]
    eventlet.sleep(0)
    gate.send()
    assert [each.wait() for each in asked] == [0, 10, 20, 30, 40, 50]
    assert [piece for group in groups for piece in group] == [0, 1, 2, 3, 4, 5]
    assert max(len(group) for group in groups) <= 3


def test_groups_run_side_by_side_up_to_their_number() -> None:
    running: list[int] = []
    most_seen: list[int] = []
    gate = Signal()

    def run(pieces: Sequence[int]) -> Sequence[int]:
        running.extend(pieces)
        most_seen.append(len(running))
        gate.wait()
        for piece in pieces:
            running.remove(piece)
        return pieces

    coalescer = Coalescer(run, most=1, at_once=2)
    asked = [eventlet.spawn(coalescer.do, number) for number in range(5)]
    while len(most_seen) < 2:
        eventlet.sleep(0)
    gate.send()
    assert [each.wait() for each in asked] == [0, 1, 2, 3, 4]
    assert max(most_seen) == 2


def test_a_failure_reaches_all_of_its_group_and_the_next_goes_on() -> None:
    def run(pieces: Sequence[int]) -> Sequence[int]:
        if 1 in pieces:
            raise ValueError("one is wrong")
        return pieces

    coalescer = Coalescer(run, most=10)
    with pytest.raises(ValueError, match="one is wrong"):
        coalescer.do(1)
    assert coalescer.do(2) == 2
