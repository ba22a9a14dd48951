"""Who acts: from a node's approvers and the company's people to usernames. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.expressions import World as Surroundings
from services.common.expressions import evaluate

ADMIN_ROLE = "admin"
_LEVELS_MAX = 50
_DEPUTIES_MAX = 5


@dataclass(frozen=True)
class Person:
    """A user as flows know them."""

    username: str
    department: str | None
    roles: tuple[str, ...]
    active: bool = True


@dataclass(frozen=True)
class Department:
    """A department and its head."""

    code: str
    parent: str | None
    head: str | None


@dataclass(frozen=True)
class Company:
    """Everybody and how they are organised; `deputies` stand in for those who are away now."""

    people: Mapping[str, Person]
    departments: Mapping[str, Department]
    deputies: Mapping[str, str] = field(default_factory=dict)

    def with_role(self, role: str) -> list[str]:
        """Active users with a role, by name."""
        return sorted(p.username for p in self.people.values() if p.active and role in p.roles)

    def is_active(self, username: Any) -> bool:
        """Whether somebody of this name works here."""
        return isinstance(username, str) and username in self.people and self.people[username].active

    def heads_above(self, department: str | None) -> list[str]:
        """The active heads from a department upwards, the nearest first."""
        found: list[str] = []
        code = department
        for _ in range(_LEVELS_MAX):
            unit = self.departments.get(code) if code else None
            if unit is None:
                break
            if unit.head is not None and self.is_active(unit.head):
                found.append(unit.head)
            code = unit.parent
        return found

    def managers_of(self, username: str) -> list[str]:
        """Those above somebody, the nearest first, each once."""
        person = self.people.get(username)
        heads = self.heads_above(person.department if person else None)
        return [head for head in dict.fromkeys(heads) if head != username]

    def deputy_of(self, username: str, never: str) -> str:
        """Who acts for somebody who is away, themselves if nobody does; `never` is the one who asked."""
        found = username
        for _ in range(_DEPUTIES_MAX):
            following = self.deputies.get(found)
            if following is None:
                return found
            if following in (never, username) or not self.is_active(following):
                return username
            found = following
        return username


@dataclass(frozen=True)
class Case:
    """What an assignment reads of an instance.

    `own_allowed` says whether the installation lets people approve what they asked for; `chosen` the people
    whom the initiator or an approver chose, by node; `gone_to` who takes the work of those who have left
    (None: the administrators); `surroundings` the time at which expressions are computed.
    """

    initiator: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own_allowed: bool = False
    gone_to: str | None = None
    surroundings: Surroundings = Surroundings()  # noqa: RUF009 - it never changes


@dataclass(frozen=True)
class Seat:
    """Somebody who is asked; `stands_for` is who they act for, if it is not themselves."""

    username: str
    stands_for: str | None = None


@dataclass(frozen=True)
class Assigned:
    """Who is to act at a node, in their order, and why somebody else than the node says, if so.

    Nobody, with `passes`, where the node says that it is passed then.
    """

    seats: tuple[Seat, ...]
    notes: tuple[str, ...] = ()
    passes: bool = False

    @property
    def usernames(self) -> tuple[str, ...]:
        """The names of those who are asked."""
        return tuple(seat.username for seat in self.seats)


def assign(node: Mapping[str, Any], case: Case, company: Company, settings: Mapping[str, Any]) -> Assigned:
    """The people of a node.

    Nobody approves their own application unless the installation and the node let them: it goes to the next
    head above them. A node that finds nobody goes to the administrators, or where it says; never silently on.
    """
    notes: list[str] = []
    wanted = named(node["approvers"], node["key"], case, company)
    present = [name for name in wanted if company.is_active(name)]
    gone = [name for name in wanted if not company.is_active(name)]
    if gone and case.gone_to is not None and company.is_active(case.gone_to):
        present = list(dict.fromkeys([*present, case.gone_to]))
        notes.append(f"{', '.join(gone)} 已离职或停用, 转由 {case.gone_to} 处理")
    elif gone and present:
        notes.append(f"{', '.join(gone)} 已离职或停用, 由其余审批人处理")
    others = [name for name in present if name != case.initiator]
    if len(others) < len(present):
        own = node.get("own") or settings.get("own") or ("self" if case.own_allowed else "manager")
        if not case.own_allowed and own in ("self", "skip"):
            own = "manager"
        if own == "self":
            return _seated(present, case, company, notes)
        if own == "skip" and not others:
            return Assigned((), (*notes, "审批人是申请人本人, 按设置跳过"), passes=True)
        if own == "manager" and not others:
            higher = company.managers_of(case.initiator)
            if higher:
                return _seated(higher[:1], case, company, [*notes, "审批人是申请人本人, 转由上级审批"])
    if others:
        return _seated(others, case, company, notes)
    return _empty(node, case, company, settings, notes)


def named(approvers: Sequence[Mapping[str, Any]], key: str, case: Case, company: Company) -> list[str]:
    """Everybody whom rules name, each once, also those who have left."""
    found: list[str] = []
    for approver in approvers:
        found += _NAMES[approver["kind"]](approver, key, case, company)
    return list(dict.fromkeys(found))


def _empty(
    node: Mapping[str, Any], case: Case, company: Company, settings: Mapping[str, Any], notes: list[str]
) -> Assigned:
    empty = node.get("empty") or settings.get("empty") or "admin"
    if empty == "pass":
        return Assigned((), (*notes, "节点没有可用的审批人, 按设置跳过"), passes=True)
    name = node.get("empty_user") or settings.get("empty_user")
    if empty == "user" and company.is_active(name) and name != case.initiator:
        return _seated([str(name)], case, company, [*notes, f"节点没有可用的审批人, 转由 {name} 处理"])
    others = [one for one in company.with_role(ADMIN_ROLE) if case.own_allowed or one != case.initiator]
    return _seated(others, case, company, [*notes, "节点没有可用的审批人, 转由管理员处理"])


def _seated(names: Sequence[str], case: Case, company: Company, notes: list[str]) -> Assigned:
    seats: dict[str, Seat] = {}
    for name in names:
        deputy = company.deputy_of(name, case.initiator)
        if deputy != name and deputy not in names:
            seats.setdefault(deputy, Seat(deputy, name))
            notes = [*notes, f"{name} 不在, 由 {deputy} 代为处理"]
        else:
            seats[name] = Seat(name)
    return Assigned(tuple(seats.values()), tuple(notes))


# --- whom a rule names -----------------------------------------------------------------------------------


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in values if isinstance(one, str) and one]


def _department_of(approver: Mapping[str, Any], case: Case, company: Company) -> str | None:
    if approver.get("of") not in (None, "initiator"):
        found = case.facts.get(approver["of"])
        return found if isinstance(found, str) else None
    person = company.people.get(case.initiator)
    return person.department if person else None


def _heads(approver: Mapping[str, Any], case: Case, company: Company) -> list[str]:
    heads = company.heads_above(_department_of(approver, case, company))
    # One's own manager is never oneself; of another department, its head is its first level.
    return heads if approver.get("of") not in (None, "initiator") else company.managers_of(case.initiator)


def _level(approver: Mapping[str, Any]) -> int:
    return int(approver.get("level") or 1)


_Namer = Callable[[Mapping[str, Any], str, Case, Company], list[str]]
_NAMES: Mapping[str, _Namer] = {
    "user": lambda one, key, case, company: _texts(one["value"]),
    "role": lambda one, key, case, company: company.with_role(str(one["value"])),
    "department_head": lambda one, key, case, company: company.heads_above(
        _department_of(one, case, company)
    )[:1],
    "manager": lambda one, key, case, company: _heads(one, case, company)[_level(one) - 1 : _level(one)],
    "managers_up_to": lambda one, key, case, company: _heads(one, case, company)[: _level(one)],
    "initiator": lambda one, key, case, company: [case.initiator],
    "field": lambda one, key, case, company: _texts(case.facts.get(one["value"])),
    "chosen_by_initiator": lambda one, key, case, company: _texts(case.chosen.get(key)),
    "chosen_by_previous": lambda one, key, case, company: _texts(case.chosen.get(key)),
    "expression": lambda one, key, case, company: _texts(
        evaluate(one["tree"], case.facts, case.surroundings)
    ),
}
