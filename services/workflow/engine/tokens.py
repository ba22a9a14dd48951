"""Tokens: where an instance stands, and how they move between nodes. Pure.

A token is known by the number of its visit: every arrival at a node that rests is a new visit. Of each split
that is under way, every branch has exactly one token in it or has arrived at its join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.errors import Conflict, Invalid
from services.common.expressions import World as Surroundings
from services.workflow.engine.branches import Stack
from services.workflow.engine.definition import PERSON_TYPES, RESTING_TYPES, Edge, Flow, Node

NOWHERE = Surroundings()


@dataclass(frozen=True)
class State:
    """Where an instance stands.

    `tokens` are the nodes by visit, `joins` the branches that have arrived, `visits` the last visit's
    number, `passed` the nodes that people have decided, the last ones last, `approved` who approved and
    where, `back` where a visit goes straight back to.
    """

    tokens: Mapping[int, str] = field(default_factory=dict)
    joins: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    visits: int = 0
    passed: tuple[str, ...] = ()
    approved: Mapping[str, str] = field(default_factory=dict)
    back: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "tokens": {str(visit): node for visit, node in self.tokens.items()},
            "joins": {key: list(arrived) for key, arrived in self.joins.items()},
            "visits": self.visits,
            "passed": list(self.passed),
            "approved": dict(self.approved),
            "back": {str(visit): dict(kept) for visit, kept in self.back.items()},
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> State:
        """As it was kept."""
        return cls(
            {int(visit): node for visit, node in kept["tokens"].items()},
            {key: tuple(arrived) for key, arrived in kept["joins"].items()},
            int(kept["visits"]),
            tuple(kept["passed"]),
            dict(kept["approved"]),
            {int(visit): dict(one) for visit, one in kept["back"].items()},
        )


@dataclass(frozen=True)
class Arrival:
    """A token that came to a node which asks something of somebody."""

    visit: int
    node: Node


@dataclass
class Progress:
    """What moving has done: the state, the arrivals in their order, the nodes passed, whether it ended."""

    state: State
    arrivals: list[Arrival] = field(default_factory=list)
    path: list[Node] = field(default_factory=list)
    end: Node | None = None


def begin(flow: Flow, facts: Mapping[str, Any], at: Surroundings = NOWHERE) -> Progress:
    """From the start on."""
    progress = Progress(State())
    _take(flow, progress, flow.leaving(flow.start), facts, at)
    return progress


def leave(
    flow: Flow,
    state: State,
    visit: int,
    facts: Mapping[str, Any],
    on: str = "",
    at: Surroundings = NOWHERE,
) -> Progress:
    """Let the token of a visit go on, by a node's ordinary way out or by another one."""
    key = state.tokens[visit]
    node = flow.nodes[key]
    kept = state.back.get(visit)
    tokens = {number: place for number, place in state.tokens.items() if number != visit}
    back = {number: place for number, place in state.back.items() if number != visit}
    passed = (
        (*(one for one in state.passed if one != key), key) if node["type"] in PERSON_TYPES else state.passed
    )
    progress = Progress(replace(state, tokens=tokens, back=back, passed=passed))
    if kept is not None and not on:
        _forget_joins(flow, progress, flow.stacks[key][: kept["depth"]])
        _restore(flow, progress, kept)
    else:
        _take(flow, progress, flow.leaving(key, on), facts, at)
    return progress


def passed_before(flow: Flow, state: State, visit: int) -> list[str]:
    """The nodes that this token may be sent back to: passed on its own way, not in a parallel branch."""
    here = state.tokens[visit]
    return [key for key in state.passed if key != here and _reaches_back(flow.stacks[here], flow.stacks[key])]


def send_back(flow: Flow, state: State, visit: int, to: str, *, straight: bool) -> Progress:
    """Put a token back at a node that it passed; with `straight` it comes straight back from there.

    Whatever else runs in the branches that are left is taken away. `Invalid` for a node never passed.
    """
    if to not in passed_before(flow, state, visit):
        raise Invalid(f"节点 {to[:60]} 没有经过, 不能退回", code="node_not_passed")
    kept = _kept(flow, state, to) if straight else None
    progress = _put(flow, state, to)
    if kept is not None:
        arrival = progress.arrivals[0]
        progress.state = replace(progress.state, back={**progress.state.back, arrival.visit: kept})
    return progress


def jump(flow: Flow, state: State, to: str) -> Progress:
    """Put the instance at any node where it can rest; everything else that runs is taken away."""
    node = flow.nodes.get(to)
    if node is None or node["type"] not in RESTING_TYPES:
        raise Invalid(f"不能跳转到节点 {to[:60]}", code="node_unknown")
    return _put(flow, replace(state, tokens={}, joins={}, back={}), to)


def again(flow: Flow, state: State, visit: int) -> Progress:
    """Visit the node where a token rests once more: somebody else must decide there as well."""
    key = state.tokens[visit]
    tokens = {number: place for number, place in state.tokens.items() if number != visit}
    progress = Progress(replace(state, tokens=tokens))
    _rest(progress, flow.nodes[key])
    back = {
        progress.arrivals[0].visit if number == visit else number: kept for number, kept in state.back.items()
    }
    progress.state = replace(progress.state, back=back)
    return progress


def snapshot(state: State) -> dict[str, Any]:
    """What `resume` needs to let a new instance begin where this one stands."""
    return {"nodes": sorted(state.tokens.values()), "joins": {key: list(n) for key, n in state.joins.items()}}


def resume(flow: Flow, kept: Mapping[str, Any]) -> Progress:
    """Begin where another instance of the same version stood."""
    progress = Progress(State())
    _restore(flow, progress, kept)
    return progress


# --- moving ----------------------------------------------------------------------------------------------


def _take(flow: Flow, progress: Progress, edges: Any, facts: Mapping[str, Any], at: Surroundings) -> None:
    """Follow these edges, and all that comes after them until every token rests."""
    todo: list[Edge] = list(edges)
    # A checked graph has no circle without a person, so nothing is passed twice but by parallel branches.
    steps_left = 2 * len(flow.nodes) + 2
    while todo:
        edge = todo.pop(0)
        node = flow.nodes[edge.target]
        steps_left -= 1
        if steps_left < 0:
            raise Conflict("流程在没有人工的节点之间循环", code="flow_loops")
        kind = node["type"]
        if kind == "join" and not _arrive(flow, progress, edge):
            continue
        progress.path.append(node)
        if kind in RESTING_TYPES or kind == "cc":
            _rest(progress, node)
        if kind == "end":
            progress.end = node
        elif kind == "condition":
            todo.insert(0, _chosen(flow, node["key"], facts, at))
        elif kind not in RESTING_TYPES:
            todo[:0] = flow.leaving(node["key"])


def _chosen(flow: Flow, key: str, facts: Mapping[str, Any], at: Surroundings) -> Edge:
    edges = flow.leaving(key)
    for edge in edges:
        if edge.when is not None and edge.when(facts, at) is True:
            return edge
    return next(edge for edge in edges if edge.when is None)


def _arrive(flow: Flow, progress: Progress, edge: Edge) -> bool:
    """Count a branch at its join; True when it was the last one, which lets the join fire."""
    assert edge.branch is not None  # noqa: S101 - a checked graph reaches joins from branches only
    split, number = edge.branch
    joins = dict(progress.state.joins)
    arrived = tuple(sorted({*joins.pop(edge.target, ()), number}))
    complete = len(arrived) == flow.width(split)
    if not complete:
        joins[edge.target] = arrived
    progress.state = replace(progress.state, joins=joins)
    return complete


def _rest(progress: Progress, node: Node) -> None:
    state = progress.state
    visit = state.visits + 1
    tokens = dict(state.tokens)
    if node["type"] != "cc":
        tokens[visit] = node["key"]
    progress.state = replace(state, tokens=tokens, visits=visit)
    progress.arrivals.append(Arrival(visit, node))


# --- going back ------------------------------------------------------------------------------------------


def _reaches_back(here: Stack, there: Stack) -> bool:
    """Whether the way from there to here stayed out of branches beside this one."""
    for mine, theirs in zip(here, there, strict=False):
        if mine != theirs:
            return mine[0] != theirs[0]
    return True


def _within(stack: Stack, around: Stack) -> bool:
    return stack[: len(around)] == around


def _common(here: Stack, there: Stack) -> Stack:
    length = 0
    for mine, theirs in zip(here, there, strict=False):
        if mine != theirs:
            break
        length += 1
    return here[:length]


def _level(flow: Flow, state: State, to: str) -> Stack:
    """The innermost branches around a node that are under way: the others are entered anew."""
    around = flow.stacks[to]
    live = [flow.stacks[key] for key in state.tokens.values()]
    depth = max((len(_common(stack, around)) for stack in live), default=0)
    return around[:depth]


def _kept(flow: Flow, state: State, to: str) -> dict[str, Any]:
    level = _level(flow, state, to)
    nodes = sorted(key for key in state.tokens.values() if _within(flow.stacks[key], level))
    joins = {
        flow.join_of[split]: list(state.joins[flow.join_of[split]])
        for split in flow.join_of
        if flow.join_of[split] in state.joins and _within(flow.stacks[split], level)
    }
    return {"nodes": nodes, "joins": joins, "depth": len(level)}


def _put(flow: Flow, state: State, to: str) -> Progress:
    """One token at a node; those of the branches around it that are under way are taken away.

    Branches that are entered anew count as arrived but for the one that leads to the node.
    """
    level = _level(flow, state, to)
    tokens = {v: key for v, key in state.tokens.items() if not _within(flow.stacks[key], level)}
    progress = Progress(state)
    _forget_joins(flow, progress, level)
    joins = dict(progress.state.joins)
    for split, number in flow.stacks[to][len(level) :]:
        joins[flow.join_of[split]] = tuple(n for n in range(flow.width(split)) if n != number)
    back = {visit: kept for visit, kept in state.back.items() if visit in tokens}
    progress.state = replace(state, tokens=tokens, joins=joins, back=back)
    _rest(progress, flow.nodes[to])
    progress.path.append(flow.nodes[to])
    return progress


def _forget_joins(flow: Flow, progress: Progress, level: Stack) -> None:
    gone = {join for split, join in flow.join_of.items() if _within(flow.stacks[split], level)}
    joins = {key: arrived for key, arrived in progress.state.joins.items() if key not in gone}
    progress.state = replace(progress.state, joins=joins)


def _restore(flow: Flow, progress: Progress, kept: Mapping[str, Any]) -> None:
    joins = {key: tuple(arrived) for key, arrived in kept["joins"].items()}
    progress.state = replace(progress.state, joins={**progress.state.joins, **joins})
    for key in kept["nodes"]:
        _rest(progress, flow.nodes[key])
        progress.path.append(flow.nodes[key])
