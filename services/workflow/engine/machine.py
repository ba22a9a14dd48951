"""Running a flow until every token waits for somebody or something: tokens, people and what is to be done.

Pure: what a run asks for comes back as effects, in their order; a simulation runs the same and drops them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from services.common.expressions import World as Surroundings
from services.workflow.engine import tokens
from services.workflow.engine.definition import PERSON_TYPES, Flow, Node
from services.workflow.engine.tokens import Arrival, Progress, State
from services.workflow.people import ADMIN_ROLE, Assigned, Case, Company, Seat, assign, named


@dataclass(frozen=True)
class World:
    """What a run reads besides the flow: the people, the case, and what conditions may read.

    `authority` is up to which amount in the base currency a role may approve; None is without limit.
    """

    company: Company
    case: Case
    authority: Mapping[str, Decimal | None] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What conditions read."""
        return self.case.facts

    @property
    def at(self) -> Surroundings:
        """The time at which they are computed."""
        return self.case.surroundings


@dataclass(frozen=True)
class Ask:
    """Somebody is asked at a visit."""

    visit: int
    node: Node
    assigned: Assigned


@dataclass(frozen=True)
class Copy:
    """Somebody gets a copy."""

    visit: int
    node: Node
    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class Wait:
    """A token rests until time, another service or another flow moves it on."""

    visit: int
    node: Node


@dataclass(frozen=True)
class Skip:
    """A node of people was passed without asking anybody, and why."""

    visit: int
    node: Node
    notes: tuple[str, ...]


Effect = Ask | Copy | Wait | Skip


@dataclass
class Run:
    """Where an instance stands now, what is to be done, the nodes passed, and the end if it was reached."""

    state: State
    effects: list[Effect] = field(default_factory=list)
    path: list[Node] = field(default_factory=list)
    end: Node | None = None
    # Nodes of people that were passed without asking since somebody last acted: none is passed twice.
    skipped: set[str] = field(default_factory=set)


def begin(flow: Flow, world: World, resume: Mapping[str, Any] | None = None) -> Run:
    """From the start, or from where an earlier instance of the same version stood."""
    progress = tokens.begin(flow, world.facts, world.at) if resume is None else tokens.resume(flow, resume)
    return carry_on(flow, progress, world)


def carry_on(flow: Flow, progress: Progress, world: World, skipped: set[str] | None = None) -> Run:
    """Settle the arrivals of a move: ask people, pass those who need not be asked, until all rest.

    `skipped` is that of the run before, where nobody has acted in between.
    """
    run = Run(progress.state, skipped=set() if skipped is None else skipped)
    while True:
        run.state, run.end = progress.state, progress.end
        run.path += progress.path
        waiting = list(progress.arrivals)
        gone_on = False
        for place, arrival in enumerate(waiting):
            effect = _settle(flow, run.state, arrival, world, may_skip=arrival.node["key"] not in run.skipped)
            run.effects.append(effect)
            if isinstance(effect, Skip):
                run.skipped.add(arrival.node["key"])
                progress = tokens.leave(flow, run.state, arrival.visit, world.facts, at=world.at)
                progress.arrivals[:0] = waiting[place + 1 :]
                gone_on = True
                break
        if not gone_on:
            return run


def higher_authority(
    flow: Flow, state: State, visit: int, approvers: list[str], world: World
) -> Assigned | None:
    """Who must approve as well, as the amount is beyond the authority of those who have; None: nobody.

    The next manager above the initiator who has not approved here; above the highest, the administrators.
    """
    node = flow.nodes[state.tokens[visit]]
    if not flow.setting(node, "authority", False) or not world.authority:
        return None
    amount = world.facts.get("approved_amount_base")
    if any(_may(world, name, amount) for name in approvers):
        return None
    chain, admins = world.company.managers_of(world.case.initiator), world.company.with_role(ADMIN_ROLE)
    passed = max((place for place, name in enumerate(chain) if name in approvers), default=-1)
    asks = chain[passed + 1 : passed + 2] or ([] if set(admins) & set(approvers) else admins)
    if not asks:
        return None
    rules = [{"kind": "user", "value": name} for name in asks]
    asked = assign({**node, "approvers": rules}, world.case, world.company, flow.settings)
    return replace(asked, notes=(*asked.notes, "批准金额超出审批权限, 转由上级审批"))


def _may(world: World, username: str, amount: Decimal | None) -> bool:
    person = world.company.people.get(username)
    limits = [world.authority[role] for role in (person.roles if person else ()) if role in world.authority]
    return any(limit is None or (amount is not None and amount <= limit) for limit in limits)


def _settle(flow: Flow, state: State, arrival: Arrival, world: World, *, may_skip: bool) -> Effect:
    node = arrival.node
    if node["type"] == "cc":
        asked = named(node["to"], node["key"], world.case, world.company)
        return Copy(arrival.visit, node, tuple(Seat(n) for n in asked if world.company.is_active(n)))
    if node["type"] not in PERSON_TYPES:
        return Wait(arrival.visit, node)
    assigned = assign(node, world.case, world.company, flow.settings)
    if assigned.passes and may_skip:
        return Skip(arrival.visit, node, assigned.notes)
    if assigned.passes:
        # Passed once in this very run: a circle that nobody interrupts stops at the administrators.
        assigned = assign({**node, "empty": "admin", "own": "admin"}, world.case, world.company, {})
    return _without_the_same(flow, state, arrival, world, assigned, may_skip=may_skip)


def _without_the_same(
    flow: Flow, state: State, arrival: Arrival, world: World, assigned: Assigned, *, may_skip: bool
) -> Effect:
    """Pass a node whose people have all approved before, where it says so (去重)."""
    node = arrival.node
    same = flow.setting(node, "same_approver", "ask")
    if same == "ask" or not may_skip or not assigned.seats:
        return Ask(arrival.visit, node, assigned)
    before = state.passed[-1] if state.passed else None

    def known(name: str) -> bool:
        return name in state.approved and (same == "skip" or state.approved[name] == before)

    if all(known(seat.username) for seat in assigned.seats):
        names = ", ".join(assigned.usernames)
        return Skip(arrival.visit, node, (*assigned.notes, f"{names} 已审批过, 按设置不再重复审批"))
    return Ask(arrival.visit, node, assigned)
