"""Whatever graph is drawn: it is refused with named mistakes, or it runs as a plain interpreter runs it.

And wherever it rests there is somebody to act, who is not the one who asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.errors import Invalid
from services.workflow.engine import (
    PERSON_TYPES,
    Ask,
    Flow,
    Run,
    State,
    World,
    begin,
    carry_on,
    checked_graph,
    compile_flow,
    tokens,
)
from services.workflow.engine.simulation import simulate
from services.workflow.people import Case, Company, assign
from tests.support.flow_graphs import INITIATOR, USERNAMES, companies, sound_graphs
from tests.support.flow_graphs import approvers as any_approver
from tests.support.reference_flow import Reference

_CONDITIONS = ("approved_amount_base < 50000", "term_days > 30", 'currency = "USD"', "true")
_KINDS = ("approval", "condition", "split", "join", "delay")
_facts = st.fixed_dictionaries(
    {
        "approved_amount_base": st.none() | st.decimals(0, 10**6, places=2),
        "term_days": st.none() | st.integers(0, 365).map(Decimal),
        "currency": st.sampled_from(["CNY", "USD", None]),
    }
)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Any graph of up to eight nodes in the middle, with any edges between them; few of them are sound."""
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}]
    edges: list[dict[str, Any]] = []
    middle = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    targets = st.sampled_from([*middle, "end"])
    for key in middle:
        kind = draw(st.sampled_from(_KINDS))
        node: dict[str, Any] = {"key": key, "type": kind}
        if kind == "approval":
            node["approvers"] = [{"kind": "role", "value": "cfo"}]
        elif kind == "delay":
            node["hours"] = 1
        elif kind == "condition":
            whens = draw(st.lists(st.sampled_from(_CONDITIONS), max_size=3))
            edges += [{"from": key, "to": draw(targets), "when": when} for when in whens]
        elif kind == "split":
            edges.append({"from": key, "to": draw(targets)})
        nodes.append(node)
        edges.append({"from": key, "to": draw(targets)})
    edges.append({"from": "start", "to": draw(targets)})
    reached = {edge["to"] for edge in edges} | {"start", "end"}
    if draw(st.booleans()):
        nodes = [node for node in nodes if node["key"] in reached]
        edges = [edge for edge in edges if edge["from"] in reached]
    return {"nodes": nodes, "edges": draw(st.permutations(edges))}


@given(graphs(), _facts, st.lists(st.integers(0, 20), max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_graph_is_refused_with_its_mistakes_or_runs(
    drawn: dict[str, Any], facts: dict[str, Any], choices: list[int]
) -> None:
    graph, mistakes = _checked(drawn)
    if graph is not None:
        _run_side_by_side(graph, facts, [Move(choice, "leave") for choice in choices])
        return
    known = {node["key"] for node in drawn["nodes"]}
    assert mistakes
    assert all(one["field"] in known and one["code"] and one["message"] for one in mistakes)


def _checked(drawn: dict[str, Any]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The graph ready to run, or its mistakes."""
    try:
        return checked_graph(drawn), []
    except Invalid as refusal:
        return None, refusal.errors


@dataclass(frozen=True)
class Move:
    """Something that happens to one of the tokens."""

    choice: int
    kind: str
    straight: bool = False


_moves = st.lists(
    st.builds(Move, st.integers(0, 50), st.sampled_from(["leave", "leave", "leave", "back"]), st.booleans()),
    max_size=25,
)


@given(sound_graphs(), _facts, _moves)
@settings(max_examples=150, deadline=None)
def test_tokens_move_as_the_plain_interpreter_moves_them(
    graph: dict[str, Any], facts: dict[str, Any], moves: list[Move]
) -> None:
    _run_side_by_side(checked_graph(graph), facts, moves)


@pytest.mark.big
@given(sound_graphs(most=40), _facts, _moves)
@settings(max_examples=1_000, deadline=None)
def test_a_thousand_random_flows_move_as_the_plain_interpreter_moves_them(
    graph: dict[str, Any], facts: dict[str, Any], moves: list[Move]
) -> None:
    _run_side_by_side(checked_graph(graph), facts, moves)


def _run_side_by_side(graph: dict[str, Any], facts: dict[str, Any], moves: list[Move]) -> None:
    """Let both make the same moves; after each, they stand at the same nodes and no token is lost."""
    flow, plain = compile_flow(graph), Reference(graph, facts)
    progress = tokens.begin(flow, facts)
    _same(flow, progress.state, plain, progress.end)
    for move in moves:
        state = State.from_json(progress.state.to_json())
        if progress.end is not None:
            return
        visit = sorted(state.tokens)[move.choice % len(state.tokens)]
        here = state.tokens[visit]
        back = tokens.passed_before(flow, state, visit)
        assert sorted(back) == sorted(plain.may_go_back(here))
        if move.kind == "back" and back:
            to = sorted(back)[move.choice % len(back)]
            progress = tokens.send_back(flow, state, visit, to, straight=move.straight)
            if move.straight:
                _comes_straight_back(flow, state, progress.state, facts)
                progress = tokens.send_back(flow, state, visit, to, straight=False)
            plain.send_back(here, to)
        else:
            progress = tokens.leave(flow, state, visit, facts)
            plain.leave(here)
        _same(flow, progress.state, plain, progress.end)
    assert len(set(plain.fired)) == len(plain.fired), "a join fires once for each entry of its split"


def _comes_straight_back(flow: Flow, before: State, sent: State, facts: dict[str, Any]) -> None:
    """Whoever it was sent back to decides, and everything stands where it stood."""
    visit = sent.visits
    after = tokens.leave(flow, sent, visit, facts).state
    assert sorted(after.tokens.values()) == sorted(before.tokens.values())
    assert after.joins == before.joins


def _same(flow: Flow, state: State, plain: Reference, end: Any) -> None:
    assert sorted(state.tokens.values()) == plain.places()
    assert (end is not None) == plain.ended
    assert bool(state.tokens) != plain.ended, "it ends, or a token waits"
    assert not plain.ended or not state.joins
    _conserved(flow, state)


def _conserved(flow: Flow, state: State) -> None:
    """Each branch of each split under way holds one token, or has arrived at the join, and not both."""
    stacks = [flow.stacks[key] for key in state.tokens.values()]
    under_way = {split for stack in stacks for split, _ in stack}
    for split in under_way:
        arrived = set(state.joins.get(flow.join_of[split], ()))
        inside = {number for stack in stacks for at, number in stack if at == split}
        assert arrived | inside == set(range(flow.width(split)))
        assert not arrived & inside
    assert set(state.joins) <= {flow.join_of[split] for split in under_way}
    assert len(set(stacks)) == len(stacks), "no branch holds two tokens"


# --- people ----------------------------------------------------------------------------------------------


@given(sound_graphs(), companies(), st.lists(_facts, min_size=1, max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_a_sound_flow_ends_or_waits_for_somebody_and_goes_the_same_way_again(
    drawn: dict[str, Any], company: Company, moves: list[dict[str, Any]], data: st.DataObject
) -> None:
    flow = compile_flow(checked_graph(drawn))
    choices = data.draw(st.lists(st.integers(0, 9), min_size=len(moves), max_size=len(moves)))
    assert _walk(flow, company, moves, choices) == _walk(flow, company, moves, choices)


def _walk(flow: Flow, company: Company, moves: list[dict[str, Any]], choices: list[int]) -> list[Any]:
    """Who is asked where, as if everybody approved; somebody who is active is asked wherever people act."""
    walked: list[Any] = []
    waiting: dict[int, str] = {}
    run: Run | None = None
    for facts, choice in zip(moves, choices, strict=True):
        world = World(company, Case(INITIATOR, facts))
        if run is None:
            run = begin(flow, world)
        else:
            visit = sorted(run.state.tokens)[choice % len(run.state.tokens)]
            run = carry_on(flow, tokens.leave(flow, run.state, visit, facts), world)
        for effect in run.effects:
            if isinstance(effect, Ask):
                assert effect.assigned.seats
                assert INITIATOR not in effect.assigned.usernames
                assert all(company.is_active(name) for name in effect.assigned.usernames)
                waiting[effect.visit] = effect.node["key"]
        for visit, key in run.state.tokens.items():
            assert flow.nodes[key]["type"] not in PERSON_TYPES or waiting[visit] == key
        walked.append((dict(run.state.tokens), run.effects))
        if run.end is not None:
            break
    return walked


@given(sound_graphs(), companies(), _facts)
@settings(max_examples=60, deadline=None)
def test_a_simulation_reaches_the_end_or_says_that_it_goes_round(
    drawn: dict[str, Any], company: Company, facts: dict[str, Any]
) -> None:
    flow = compile_flow(checked_graph(drawn))
    found = _simulated(flow, World(company, Case(INITIATOR, facts)))
    assert found == "flow_loops" or (found["end"], found["path"][-1]["node"]) == ("end", "end")


def _simulated(flow: Flow, world: World) -> Any:
    try:
        return simulate(flow, world)
    except Invalid as refusal:
        return refusal.code


@given(st.lists(any_approver, min_size=1, max_size=4), companies(), st.sampled_from([*USERNAMES, "stranger"]))
@settings(max_examples=300, deadline=None)
def test_a_node_finds_active_people_once_each_and_never_the_initiator(
    asked: list[dict[str, Any]], company: Company, initiator: str
) -> None:
    found = assign({"key": "n", "approvers": asked}, Case(initiator), company, {})
    assert initiator not in found.usernames
    assert len(set(found.usernames)) == len(found.usernames)
    assert all(company.people[name].active for name in found.usernames)
    others = [name for name in company.with_role("admin") if name != initiator]
    assert found.usernames or not others, "a task that finds nobody goes to the administrators"
    named = {str(one["value"]) for one in asked if one["kind"] == "user"} - {initiator}
    available = {name for name in named if name in company.people and company.people[name].active}
    assert available <= set(found.usernames)
