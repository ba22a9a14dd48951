"""Why somebody may, or may not, do something: role by role, grant by grant, down to what a condition read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.identity.callers import Directory
from gateway.identity.grants import Role, clauses_of_grant
from services.common.caller import Caller
from services.common.expressions import ExpressionError, Fields, World, to_json
from services.common.rights import Resource, resource_of
from services.common.scopes.clauses import Facts, check_clause, is_in_scope, my_values, value_of

# What a role says of a right.
_NONE, _ALL, _SOME = "no_right", "every_record", "some_records"


def explain(
    directory: Directory,
    user: Mapping[str, Any],
    caller: Caller,
    right: str,
    facts: Facts | None,
    world: World,
) -> dict[str, Any]:
    """Whether a user may do something, and why: `{"allowed", "why", "roles", "fields"}`.

    Without facts of a record it is about the right alone.
    """
    resource = directory.catalogue.resources[resource_of(right)]
    roles = directory.roles_of(user)
    told = [_of_role(role, right, caller, directory, resource, facts, world) for role in roles]
    held = [one for one in told if one["has"] != _NONE]
    if not user["active"]:
        why = "user_disabled"
    elif not held:
        why = "no_role_with_the_right"
    elif facts is None:
        why = "reaches_every_record" if any(one["has"] == _ALL for one in held) else "reaches_some_records"
    else:
        why = "reached" if any(one["allowed"] for one in held) else "not_reached"
    return {
        "username": user["username"],
        "right": right,
        "allowed": why.startswith("reache"),
        "why": why,
        "roles": told,
        "fields": _fields(caller, roles, resource),
    }


def facts_from(answer: Mapping[str, Any], fields: Fields) -> Facts:
    """The facts of a record as its service has told them."""
    values = {}
    for name, value in answer["values"].items():
        kind = fields.fields[name].type.kind
        values[name] = Decimal(value) if kind == "number" and value is not None else value
    return Facts(tuple(answer["owners"]), tuple(answer["departments"]), tuple(answer["ids"]), values)


def _of_role(
    role: Role,
    right: str,
    caller: Caller,
    directory: Directory,
    resource: Resource,
    facts: Facts | None,
    world: World,
) -> dict[str, Any]:
    if right not in role.permissions:
        return {"role": role.key, "has": _NONE, "allowed": False, "grants": []}
    grant = role.grants.get(right)
    if grant is None or right not in directory.catalogue.scoped:
        return {"role": role.key, "has": _ALL, "allowed": True, "grants": []}
    clauses = clauses_of_grant(grant, caller.department, directory.tree)
    told = []
    for scope, clause in zip(grant["scopes"], clauses, strict=True):
        one: dict[str, Any] = {"scope": scope, "means": list(clause.values), "condition": grant["condition"]}
        if facts is not None:
            fields = resource.scope_of_records
            in_scope = is_in_scope(clause, caller, right, facts, fields, world)
            condition = clause.condition
            holds = not condition or value_of(condition, caller, facts, fields, world)
            one |= {"in_scope": in_scope, "condition_holds": holds, "allowed": in_scope and holds}
            one["reads"] = _reads(
                [*(clause.values if clause.kind == "expression" else ()), condition], caller, facts, fields
            )
            one["record"] = {"owners": list(facts.owners), "departments": list(facts.departments)}
        told.append(one)
    allowed = facts is None or any(one["allowed"] for one in told)
    return {"role": role.key, "has": _SOME, "allowed": allowed, "grants": told}


def _reads(texts: Sequence[str], caller: Caller, facts: Facts, fields: Fields) -> dict[str, Any]:
    """What the expressions read, with the values that it has for this record."""
    values = {**facts.values, **my_values(caller)}
    found: dict[str, Any] = {}
    for text in filter(None, texts):
        try:
            names = check_clause(text, fields).reads
        except ExpressionError as problem:
            found[text] = str(problem)
            continue
        found |= {name: to_json(values.get(name)) for name in names}
    return found


def _fields(caller: Caller, roles: Sequence[Role], resource: Resource) -> list[dict[str, Any]]:
    """The fields of the resource that the user does not have freely, and what each role says of them."""
    restricted = caller.fields.get(resource.key) or {}
    return [
        {
            "field": path,
            "level": right.level,
            "mask": right.mask,
            "roles": {role.key: _level(role, resource, path) for role in roles},
        }
        for path, right in sorted(restricted.items())
    ]


def _level(role: Role, resource: Resource, path: str) -> str | None:
    level: str | None = role.fields.get(resource.key, {}).get(path, {}).get("level")
    return level
