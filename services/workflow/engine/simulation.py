"""Trying a flow out: the path and the people for sample data, as if everybody approved. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.common.errors import Invalid
from services.workflow.engine import tokens
from services.workflow.engine.definition import NODES_MAX, PERSON_TYPES, Flow
from services.workflow.engine.machine import Ask, Copy, Run, Skip, World, begin, carry_on


def simulate(flow: Flow, world: World) -> dict[str, Any]:
    """`{"path": [{"node", "kind", "approvers", "notes"?}], "end"}`; nothing outside happens.

    Actions, delays and sub-flows are passed as if they had gone well; their writing is not simulated.
    """
    run = begin(flow, world)
    path: list[dict[str, Any]] = []
    for _ in range(2 * NODES_MAX):
        path += _shown(run)
        if run.end is not None:
            return {"path": path, "end": run.end["key"]}
        visit = min(run.state.tokens)
        state = _approved(flow, run, visit)
        run = carry_on(flow, tokens.leave(flow, state, visit, world.facts, at=world.at), world)
    raise Invalid("流程没有走到结束", code="flow_loops")


def _approved(flow: Flow, run: Run, visit: int) -> tokens.State:
    node = flow.nodes[run.state.tokens[visit]]
    if node["type"] not in PERSON_TYPES:
        return run.state
    names = [
        name
        for one in run.effects
        if isinstance(one, Ask) and one.visit == visit
        for name in one.assigned.usernames
    ]
    approved = dict.fromkeys(names, str(node["key"]))
    return replace(run.state, approved={**run.state.approved, **approved})


def _shown(run: Run) -> list[dict[str, Any]]:
    people: dict[str, tuple[str, ...]] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for effect in run.effects:
        key = effect.node["key"]
        if isinstance(effect, Ask):
            people[key], notes[key] = effect.assigned.usernames, effect.assigned.notes
        elif isinstance(effect, Copy):
            people[key] = tuple(seat.username for seat in effect.seats)
        elif isinstance(effect, Skip):
            notes[key] = effect.notes
    shown = []
    for node in run.path:
        key = node["key"]
        step = {"node": key, "kind": node["type"], "approvers": list(people.get(key, ()))}
        shown.append({**step, "notes": list(notes[key])} if notes.get(key) else step)
    return shown
