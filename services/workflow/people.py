"""Who approves: from a node's approvers and the company's people to usernames. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADMIN_ROLE = "admin"
_LEVELS_MAX = 50


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
    """Everybody and how they are organised."""

    people: Mapping[str, Person]
    departments: Mapping[str, Department]

    def with_role(self, role: str) -> list[str]:
        """Active users with a role, by name."""
        return sorted(p.username for p in self.people.values() if p.active and role in p.roles)

    def heads_above(self, department: str | None) -> list[str]:
        """The active heads from a department upwards, the nearest first."""
        found: list[str] = []
        code = department
        for _ in range(_LEVELS_MAX):
            unit = self.departments.get(code) if code else None
            if unit is None:
                break
            head = self.people.get(unit.head) if unit.head else None
            if head is not None and head.active:
                found.append(head.username)
            code = unit.parent
        return found


@dataclass(frozen=True)
class Assigned:
    """Who is to act at a node, and why somebody else than the node says, if so."""

    usernames: tuple[str, ...]
    note: str | None = None


def assign(approvers: Sequence[Mapping[str, Any]], initiator: str, company: Company) -> Assigned:
    """The people of a node. Nobody approves their own application: it goes to the next head above them.

    A node that finds nobody goes to the administrators, never silently on.
    """
    person = company.people.get(initiator)
    department = person.department if person else None
    found: list[str] = []
    for approver in approvers:
        found += _of(approver, initiator, department, company)
    wanted = [name for name in dict.fromkeys(found) if company.people[name].active]
    others = tuple(name for name in wanted if name != initiator)
    if others:
        return Assigned(others)
    higher = [head for head in company.heads_above(department) if head != initiator]
    if wanted and higher:
        return Assigned((higher[0],), "审批人是申请人本人, 转由上级审批")
    admins = tuple(name for name in company.with_role(ADMIN_ROLE) if name != initiator)
    return Assigned(admins, "节点没有可用的审批人, 转由管理员处理")


def _of(approver: Mapping[str, Any], initiator: str, department: str | None, company: Company) -> list[str]:
    kind, value = approver["kind"], approver.get("value")
    if kind == "role":
        return company.with_role(str(value))
    if kind == "department_head":
        return company.heads_above(department)[:1]
    name = initiator if kind == "initiator" else str(value)
    return [name] if name in company.people else []
