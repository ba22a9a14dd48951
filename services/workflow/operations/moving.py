"""Moving an instance on: what its flow asks for becomes tasks, copies, timers and steps, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.duties import APPROVE_OWN
from services.common.expressions import ExpressionError
from services.common.ids import new_id
from services.workflow import events, store
from services.workflow.engine import (
    Ask,
    Copy,
    Flow,
    Run,
    Skip,
    State,
    Wait,
    World,
    carry_on,
    tokens,
)
from services.workflow.engine.votes import Vote, turns
from services.workflow.operations import ending, waits
from services.workflow.operations.facts import data_of, facts_of
from services.workflow.operations.notes import note
from services.workflow.operations.versions import flow_of
from services.workflow.operations.written_forms import NothingToWrite
from services.workflow.people import Case, Company, Seat


def world_of(work: UnitOfWork, flow: Flow, data: Mapping[str, Any], company: Company) -> World:
    """What the engine reads of an instance with such data."""
    case = Case(
        initiator=str(data["initiator"]),
        facts=facts_of(work, flow.graph, data),
        chosen=data.get("chosen") or {},
        own_allowed=store.is_allowed(work, APPROVE_OWN),
        gone_to=flow.gone_to,
        surroundings=waits.surroundings(work),
    )
    return World(company, case, store.authorities_by_role(work))


def world_of_instance(work: UnitOfWork, flow: Flow, instance: Mapping[str, Any]) -> World:
    """The same for an instance."""
    return world_of(work, flow, data_of(instance), store.company(work, instance["flow_key"]))


def group_of(instance: Mapping[str, Any], node: str, visit: int) -> str:
    """The group of the tasks of one visit."""
    return f"{instance['id']}:{node}:{visit}"


def leave(
    work: UnitOfWork, instance: dict[str, Any], visit: int, on: str = "", skipped: set[str] | None = None
) -> None:
    """Let the token of a visit go on from where it rests."""
    flow = flow_of(work, instance)
    world = world_of_instance(work, flow, instance)
    state = State.from_json(instance["tokens"])
    if flow.keeps_time(state.tokens[visit]):
        store.drop_timers(work, instance["id"], visit)
    apply(
        work,
        instance,
        flow,
        carry_on(flow, tokens.leave(flow, state, visit, world.facts, on, world.at), world, skipped),
    )


def apply(work: UnitOfWork, instance: dict[str, Any], flow: Flow, run: Run) -> None:
    """Keep where an instance stands now and do what the run asks for; ends it where the run did."""
    instance["tokens"] = run.state.to_json()
    instance["visit"] = run.state.visits
    standing = [run.state.tokens[visit] for visit in sorted(run.state.tokens)]
    instance["node"] = run.end["key"] if run.end is not None else (standing or [instance["node"]])[0]
    names = ("tokens", "node", "visit", "data")
    store.change_instance(work, instance["id"], {name: instance[name] for name in names})
    waiting: list[Wait] = []
    for effect in run.effects:
        if isinstance(effect, Ask):
            ask(work, instance, effect)
        elif isinstance(effect, Copy):
            copy(work, instance, effect.node, effect.visit, effect.seats)
        elif isinstance(effect, Skip):
            for text in effect.notes:
                note(
                    work, instance, "skipped", actor="system", node=effect.node["key"], detail={"note": text}
                )
        else:
            waiting.append(effect)
    for wait in waiting:
        # What is done at once moves its token on: to the end, perhaps.
        if instance["state"] == "running":
            _begin(work, instance, wait, run.skipped)
    if run.end is not None:
        ending.approved(work, instance)


def _begin(work: UnitOfWork, instance: dict[str, Any], wait: Wait, skipped: set[str]) -> None:
    try:
        port = waits.begin(work, instance, wait.node, wait.visit)
    except (ExpressionError, NothingToWrite) as problem:
        failed(work, instance, wait.visit, str(problem), skipped)
        return
    if port is not None:
        leave(work, instance, wait.visit, port, skipped)


def failed(
    work: UnitOfWork, instance: dict[str, Any], visit: int, problem: str, skipped: set[str] | None = None
) -> None:
    """Something that a node does has failed for good: its error branch, else the instance ends so."""
    flow = flow_of(work, instance)
    key = instance["tokens"]["tokens"][str(visit)]
    note(work, instance, "action_failed", actor="system", node=key, detail={"problem": problem})
    if flow.leaving(key, "error"):
        leave(work, instance, visit, "error", skipped)
        return
    ending.tell_application(work, instance, "fail", problem=problem)
    ending.failed(work, instance, problem)


def ask(work: UnitOfWork, instance: dict[str, Any], effect: Ask) -> None:
    """Make the tasks of a visit, those open whose turn it is, and its deadline."""
    for text in effect.assigned.notes:
        note(work, instance, "reassigned", actor="system", node=effect.node["key"], detail={"note": text})
    made = [
        new_task(instance, effect.node, effect.visit, seat, place=place)
        for place, seat in enumerate(effect.assigned.seats)
    ]
    due_at = waits.set_deadline(work, instance, effect.node, effect.visit)
    awake = turns(effect.node, [vote_of(task) for task in made])
    for task in made:
        task["state"] = "open" if task["id"] in awake else "waiting"
        task["due_at"] = due_at
        add(work, instance, task)


def copy(
    work: UnitOfWork,
    instance: dict[str, Any],
    node: Mapping[str, Any],
    visit: int,
    seats: Sequence[Seat],
    actor: str = "system",
) -> None:
    """Give people a copy to read (抄送)."""
    for seat in seats:
        # Somebody who got a copy of the same visit before keeps it.
        task = new_task(instance, node, visit, seat, kind="cc")
        task["group_key"] += ":cc"
        add(work, instance, {**task, "state": "open"})
    if seats:
        names = [seat.username for seat in seats]
        note(work, instance, "cc", actor=actor, node=node["key"], detail={"to": names})


def new_task(
    instance: Mapping[str, Any],
    node: Mapping[str, Any],
    visit: int,
    seat: Seat,
    *,
    kind: str = "approval",
    place: int = 0,
    sign: str = "main",
    by: UUID | None = None,
    turn: int = 0,
) -> dict[str, Any]:
    """A task of an instance, waiting."""
    title = node.get("title") or node["key"]
    return {
        "id": new_id(),
        "instance_id": instance["id"],
        "node": node["key"],
        "visit": visit,
        "kind": kind,
        "title": f"{title}: {instance['data'].get('customer_name') or instance['subject_key']}",
        "assignee": seat.username,
        "stands_for": seat.stands_for,
        "place": place,
        "sign": sign,
        "by": by,
        "turn": turn,
        "state": "waiting",
        "action": None,
        "opinion": None,
        "urged": 0,
        "urged_at": None,
        "due_at": None,
        "subject": events.subject_of(instance),
        "customer_id": instance["customer_id"],
        "group_key": group_of(instance, node["key"], visit),
        "created_at": None,
        "closed_at": None,
    }


def add(work: UnitOfWork, instance: Mapping[str, Any], task: dict[str, Any]) -> None:
    """Keep a task; whoever can act on it hears of it."""
    task["created_at"] = work.now
    if store.add_task(work, task) and task["state"] == "open":
        events.task_event(work, "task_created", task, short_of(instance))


def vote_of(task: Mapping[str, Any]) -> Vote:
    """A task as the engine counts it."""
    return Vote(task["id"], task["place"], task["state"], task["action"], task["sign"], task["by"])


def close_open_tasks(
    work: UnitOfWork, instance: Mapping[str, Any], state: str, group: str | None = None
) -> None:
    """Close what is still open of an instance, or of one of its visits."""
    for task in store.close_tasks(work, instance["id"], group, state):
        events.task_event(work, "task_closed", task)


def short_of(instance: Mapping[str, Any]) -> dict[str, Any]:
    """What a message about a task says of its instance."""
    names = ("customer_name", "amount", "currency", "term_days", "reason")
    return {name: instance["data"].get(name) for name in names}
