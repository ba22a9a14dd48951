"""How the people at one visit decide together, and whose turn it is. Pure.

Everybody who was asked by the node, or added beside somebody (并加签), has a seat. Those who are asked
before (前加签) or after (后加签) belong to the seat that asked them; somebody it was delegated to (委托)
gives advice and the work comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Node = Mapping[str, Any]
PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"
SEATED = ("main", "beside")
SIGNS = ("before", "after", "beside")
LIVE = ("open", "waiting")
_NO_VOTE = ("transfer", "removed")


@dataclass(frozen=True)
class Vote:
    """One person's task at a visit; `by` is the task that asked for it, `place` its turn."""

    id: Any
    place: int
    state: str
    action: str | None = None
    sign: str = "main"
    by: Any = None

    @property
    def counts(self) -> bool:
        """Whether it takes part at all: not handed on, not taken away."""
        return self.state in LIVE or (self.state == "done" and self.action not in _NO_VOTE)


def tally(node: Node, votes: Sequence[Vote]) -> str:
    """What the votes make of a visit: `PENDING`, `APPROVED` or `REJECTED`."""
    seats = [_seat(vote, votes) for vote in _seats(votes)]
    yes, no, all_of_them = seats.count(APPROVED), seats.count(REJECTED), len(seats)
    mode = mode_of(node)
    if no and (node.get("veto", mode != "ratio") or mode in ("all", "order")):
        return REJECTED
    if not all_of_them:
        return PENDING
    needed = _needed(node, mode, all_of_them)
    if yes >= needed:
        return APPROVED
    return REJECTED if all_of_them - no < needed else PENDING


def mode_of(node: Node) -> str:
    """How a node's people decide; a chain of managers in order unless it says otherwise."""
    if node.get("mode"):
        return str(node["mode"])
    chain = [one for one in node.get("approvers") or () if one.get("kind") == "managers_up_to"]
    return "order" if chain else "any"


def turns(node: Node, votes: Sequence[Vote]) -> set[Any]:
    """The ids of the live tasks whose turn it is; the others wait."""
    found: set[Any] = set()
    in_order = mode_of(node) == "order"
    for vote in _seats(votes):
        if _seat(vote, votes) != PENDING:
            continue
        found |= _turns_of_seat(vote, votes)
        if in_order:
            break
    return found


def removable(vote: Vote, votes: Sequence[Vote]) -> bool:
    """Whether a live task may be taken away: somebody must be left to decide."""
    if vote.state not in LIVE:
        return False
    return vote.sign not in SEATED or len(_seats(votes)) > 1


def _needed(node: Node, mode: str, seats: int) -> int:
    if mode == "any":
        return 1
    if mode != "ratio":
        return seats
    share = Fraction(int(node["ratio"]), 100) * seats
    return max(1, -(-share.numerator // share.denominator))


def _seats(votes: Sequence[Vote]) -> list[Vote]:
    seated = [vote for vote in votes if vote.counts and vote.sign in SEATED]
    return sorted(seated, key=lambda vote: (vote.place, str(vote.id)))


def _asked_by(vote: Vote, votes: Sequence[Vote], *signs: str) -> list[Vote]:
    return [one for one in votes if one.by == vote.id and one.sign in signs and one.counts]


def _seat(vote: Vote, votes: Sequence[Vote]) -> str:
    """The verdict of somebody and of those whom they asked before and after."""
    if vote.state == "done" and vote.action == "reject":
        return REJECTED
    helpers = [_seat(one, votes) for one in _asked_by(vote, votes, "before", "after")]
    if REJECTED in helpers:
        return REJECTED
    mine = vote.state == "done" and vote.action == "approve"
    return APPROVED if mine and all(one == APPROVED for one in helpers) else PENDING


def _turns_of_seat(vote: Vote, votes: Sequence[Vote]) -> set[Any]:
    if vote.state == "done":
        return _turns_of_all(_asked_by(vote, votes, "after"), votes)
    first = [one for one in _asked_by(vote, votes, "before") if _seat(one, votes) == PENDING]
    first += [one for one in _asked_by(vote, votes, "delegate") if one.state in LIVE]
    return _turns_of_all(first, votes) if first else {vote.id}


def _turns_of_all(asked: Sequence[Vote], votes: Sequence[Vote]) -> set[Any]:
    found: set[Any] = set()
    for one in asked:
        found |= _turns_of_seat(one, votes)
    return found
