"""The grants of a right over the facts of one record. Pure; `owned` says the same in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from services.common import expressions, rights
from services.common.caller import Caller, Clause
from services.common.errors import CreditError
from services.common.expressions import Checked, Compiled, ExpressionError, Fields, World

_COMPILED_MAX = 2_000


@dataclass(frozen=True)
class Facts:
    """Whose a record is: usernames, department codes, the ids under which it is shared, and its values."""

    owners: tuple[str | None, ...]
    departments: tuple[str | None, ...]
    ids: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


def check_clause(text: str, fields: Fields) -> Checked:
    """An expression of a scope or a condition, checked; `ExpressionError` unless it answers yes or no."""
    checked = expressions.check(expressions.parse(text), fields)
    if checked.type not in ("bool", "null"):
        problem = {
            "position": 0,
            "code": "not_a_condition",
            "message": f"范围和条件应为是或否, 这里是 {checked.type}",
            "suggestion": '写成比较, 例如 region = "华东"',
        }
        raise ExpressionError([problem])
    return checked


@lru_cache(maxsize=_COMPILED_MAX)
def _compiled(text: str, fields: Fields) -> Compiled | None:
    """A clause's expression as a function; None for one that the catalogue does not know any more."""
    try:
        return expressions.compile_tree(check_clause(text, fields).tree)
    except ExpressionError:
        return None


def my_values(caller: Caller) -> dict[str, Any]:
    """What an expression may read of who asks."""
    return {
        "my_username": caller.actor,
        "my_department": caller.department,
        "my_departments": list(caller.departments),
    }


def value_of(text: str, caller: Caller, facts: Facts, fields: Fields, world: World) -> bool:
    """Whether an expression holds for a record; one that cannot be computed does not."""
    compiled = _compiled(text, fields)
    if compiled is None:
        return False
    try:
        found = compiled({**dict.fromkeys(fields.fields), **facts.values, **my_values(caller)}, world)
    except ExpressionError:
        return False
    return found is True


def is_in_scope(
    clause: Clause, caller: Caller, permission: str, facts: Facts, fields: Fields, world: World
) -> bool:
    """Whether a record is one of those that a clause's scope means."""
    if clause.kind == "own":
        return caller.actor in facts.owners
    if clause.kind == "departments":
        return any(department in clause.values for department in facts.departments)
    if clause.kind == "shared":
        return any(shared_far_enough(caller, permission, one) for one in facts.ids)
    if clause.kind == "expression":
        return value_of(clause.values[0], caller, facts, fields, world)
    return clause.kind == "all"


def shared_far_enough(caller: Caller, permission: str, record_id: str) -> bool:
    """Whether a record was shared with a caller so far that this right reaches it."""
    level = caller.shared.get(record_id)
    return level == "write" or (level == "read" and rights.leaves_as_it_is(permission))


def holds(
    clause: Clause, caller: Caller, permission: str, facts: Facts, fields: Fields, world: World
) -> bool:
    """Whether a clause reaches a record: it is in its scope, and its condition holds."""
    return is_in_scope(clause, caller, permission, facts, fields, world) and (
        not clause.condition or value_of(clause.condition, caller, facts, fields, world)
    )


def reaches(caller: Caller, permission: str, facts: Facts, fields: Fields, world: World) -> bool:
    """Whether a caller's right reaches a record."""
    clauses = caller.clauses_of(permission)
    return clauses is None or any(
        holds(clause, caller, permission, facts, fields, world) for clause in clauses
    )


def require_reach(
    caller: Caller, permission: str, facts: Facts, fields: Fields, world: World, missing: CreditError
) -> None:
    """Raise `missing`, as for a record that is not there, unless the caller's right reaches it."""
    if not reaches(caller, permission, facts, fields, world):
        raise missing
