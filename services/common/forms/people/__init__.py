"""Whom fields may name: users, departments and roles that there are, as identity tells of them.

Nobody who was known is ever forgotten, as records go on naming them; so a name that was found once is there
for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from services.common.db import UnitOfWork
from services.common.errors import Invalid, Unavailable
from services.common.events import Event
from services.common.forms.definition import FormDefinition
from services.common.forms.people import store
from services.common.forms.texts import Fault, fault, refuse
from services.common.forms.types import FormField, type_of
from services.common.forms.types.choices import split_items

if TYPE_CHECKING:
    # A door calls this; the layer of doors stands above.
    from services.common.messaging import Call, Service

LATE = "people_unknown"
# In an input: whoever is not known may have been made a moment ago, of which nobody has read yet.
_MAY_COME = "people_may_come"
_found: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()


def knowing(service: Service, call: Call, run: Callable[[Call], dict[str, Any]]) -> dict[str, Any]:
    """What `run` answers; where it meets somebody unknown, once more after identity's news are read."""
    try:
        return run(replace(call, input={**call.input, _MAY_COME: True}))
    except Unavailable as late:
        if late.code != LATE:
            raise
    service.catch_up("gateway")
    return run(call)


def require_known(
    work: UnitOfWork,
    definition: FormDefinition,
    given: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    asked: Mapping[str, Any],
) -> None:
    """`Invalid` for values that name nobody: each field by its name; what was there before may stay.

    `asked` is the input: where it says that people may come (see `knowing`), they are waited for instead.
    """
    named = dict(_named(definition, given, before or {}))
    known = known_among(work, {one for ones in named.values() for one in ones})
    faults = [
        fault("nobody", f"fields.{key}", what=", ".join(sorted(name for _, name in ones - known)))
        for key, ones in named.items()
        if ones - known
    ]
    if faults and asked.get(_MAY_COME):
        raise Unavailable("人员、部门或角色尚未同步, 请稍后重试", code=LATE)
    if faults:
        raise Invalid(_said(faults), code="invalid", errors=[one.as_error() for one in faults])


def known_among(work: UnitOfWork, named: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of (type, key) that there are."""
    known = _found.setdefault(work.connection.engine, set())
    new = named - known
    if new:
        known |= store.known(work, new)
    return named & known


def known_in_cells(
    work: UnitOfWork, definition: FormDefinition, rows: Iterable[Mapping[str, str]]
) -> set[tuple[str, str]]:
    """Those of whom the rows of a table name, in cells `fields.<key>`, that there are: (type, key)."""
    named: set[tuple[str, str]] = set()
    for top, columns in definition.people_fields.items():
        kind = columns.get("")
        texts = {row.get(f"fields.{top}") for row in rows} if kind else set()
        named |= {(kind or "", key) for text in texts if text for key in split_items(text)}
    return known_among(work, named) if named else named


def require_in_cell(field: FormField, value: Any, known: set[tuple[str, str]]) -> None:
    """`Refused` for what a cell says of a field when it names somebody who is not known."""
    if type_of(field).family == "people":
        keys = value if isinstance(value, list) else [value]
        nobody = [str(key) for key in keys if (field.type, key) not in known]
        if nobody:
            raise refuse("nobody", what=", ".join(nobody))


def _said(faults: list[Fault]) -> str:
    return f"表单填写有误: {'; '.join(one.zh for one in faults[:5])}"


def _named(
    definition: FormDefinition, given: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """By field, whom new values name: (kind, key)."""
    for top, columns in definition.people_fields.items():
        value = given.get(top)
        if value is None or value == before.get(top):
            continue
        found: set[tuple[str, str]] = set()
        for column, kind in columns.items():
            rows = value if column and isinstance(value, list) else [value]
            cells = [row.get(column) for row in rows if isinstance(row, Mapping)] if column else rows
            keys = (key for cell in cells for key in (cell if isinstance(cell, list) else [cell]))
            found |= {(kind, key) for key in keys if isinstance(key, str)}
        if found:
            yield top, found


def user_changed(work: UnitOfWork, event: Event) -> None:
    """There is a user."""
    store.keep(work, "user", str(event.data["user"]["username"]))


def department_changed(work: UnitOfWork, event: Event) -> None:
    """There is a department."""
    store.keep(work, "department", str(event.data["department"]["code"]))


def role_changed(work: UnitOfWork, event: Event) -> None:
    """There is a role."""
    store.keep(work, "role", str(event.data["role"]["key"]))


# What a service that keeps forms listens to of identity.
SUBSCRIPTIONS = {
    "user_changed": user_changed,
    "department_changed": department_changed,
    "role_changed": role_changed,
}
