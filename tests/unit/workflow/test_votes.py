"""How people decide together: each mode, whose turn it is, and those who were asked besides."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.engine.votes import APPROVED, PENDING, REJECTED, Vote, removable, tally, turns


def votes(*said: str) -> list[Vote]:
    """Seats in their order: y approved, n rejected, anything else open."""
    kinds = {"y": ("done", "approve"), "n": ("done", "reject")}
    return [Vote(place, place, *kinds.get(one, ("open", None))) for place, one in enumerate(said)]


def test_each_mode_decides_by_its_rule() -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({}, "-y-", APPROVED),
        ({}, "---", PENDING),
        ({}, "n--", REJECTED),
        ({"veto": False}, "n--", PENDING),
        ({"veto": False}, "nnn", REJECTED),
        ({"mode": "all"}, "yy-", PENDING),
        ({"mode": "all"}, "yyy", APPROVED),
        ({"mode": "all"}, "yn-", REJECTED),
        ({"mode": "order"}, "yy", APPROVED),
        ({"mode": "ratio", "ratio": 67}, "yy-", PENDING),
        ({"mode": "ratio", "ratio": 66}, "yy-", APPROVED),
        ({"mode": "ratio", "ratio": 50}, "nn-", REJECTED),
        ({"mode": "ratio", "ratio": 50}, "n---", PENDING),
        ({"mode": "ratio", "ratio": 50, "veto": True}, "n---", REJECTED),
        ({"mode": "ratio", "ratio": 1}, "-", PENDING),
    ]
    for node, said, outcome in cases:
        assert tally(node, votes(*said)) == outcome, (node, said)


@given(
    st.sampled_from([{}, {"mode": "all"}, {"mode": "order"}, {"veto": False}])
    | st.builds(lambda ratio: {"mode": "ratio", "ratio": ratio}, st.integers(1, 100)),
    st.lists(st.sampled_from("yn-"), min_size=1, max_size=8),
)
@settings(max_examples=300)
def test_votes_are_counted_as_one_would_by_hand(node: dict[str, Any], said: list[str]) -> None:
    yes, no, left = said.count("y"), said.count("n"), said.count("-")
    mode = node.get("mode", "any")
    share = {"any": 0, "all": 100, "order": 100, "ratio": node.get("ratio", 0)}[mode]

    def enough(approvals: int) -> bool:
        return approvals >= 1 and approvals * 100 >= share * len(said)

    outcome = tally(node, votes(*said))
    if no and mode != "ratio" and node.get("veto", True):
        assert outcome == REJECTED
    elif enough(yes):
        assert outcome == APPROVED
    else:
        assert outcome == (PENDING if enough(yes + left) else REJECTED)
    awake = turns(node, votes(*said))
    assert awake <= {place for place, one in enumerate(said) if one == "-"}
    assert outcome != PENDING or awake, "while nothing is decided it is somebody's turn"
    assert mode != "order" or len(awake) <= 1


def test_those_asked_before_go_first_and_those_after_last() -> None:
    mine = Vote("a", 0, "open")
    before = Vote("b", 0, "open", None, "before", "a")
    after = Vote("c", 0, "waiting", None, "after", "a")
    assert turns({}, [mine, before, after]) == {"b"}
    agreed = Vote("b", 0, "done", "approve", "before", "a")
    assert turns({}, [mine, agreed, after]) == {"a"}
    done = Vote("a", 0, "done", "approve")
    assert (tally({}, [done, agreed, after]), turns({}, [done, agreed, after])) == (PENDING, {"c"})
    assert tally({}, [done, agreed, Vote("c", 0, "done", "approve", "after", "a")]) == APPROVED
    assert tally({}, [mine, Vote("b", 0, "done", "reject", "before", "a")]) == REJECTED


def test_what_was_delegated_comes_back_whatever_the_advice() -> None:
    mine, asked = Vote("a", 0, "waiting"), Vote("b", 0, "open", None, "delegate", "a")
    assert turns({}, [mine, asked]) == {"b"}
    for advice in ("advise_approve", "advise_reject"):
        advised = [mine, Vote("b", 0, "done", advice, "delegate", "a")]
        assert (tally({}, advised), turns({}, advised)) == (PENDING, {"a"})


def test_who_was_handed_on_or_taken_away_does_not_count() -> None:
    handed, new = Vote("a", 0, "done", "transfer"), Vote("b", 0, "open")
    assert turns({"mode": "all"}, [handed, new]) == {"b"}
    assert tally({"mode": "all"}, [handed, Vote("b", 0, "done", "approve")]) == APPROVED
    assert not removable(new, [handed, new])
    beside = Vote("c", 0, "open", None, "beside", "b")
    assert removable(beside, [handed, new, beside])
    assert not removable(Vote("c", 0, "done", "approve"), [new, beside])
