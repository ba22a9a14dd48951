"""Record scopes in SQL: a service says which columns hold owner and department, the rest is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Text, Uuid, and_, cast, exists, false, literal, or_, true
from sqlalchemy.dialects.postgresql import JSONB

from services.common.caller import Caller, Clause
from services.common.db import UnitOfWork
from services.common.errors import CreditError
from services.common.expressions import ExpressionError, Fields, World
from services.common.expressions.sql import compile_condition
from services.common.scopes import clauses
from services.common.scopes.clauses import Facts, check_clause, my_values

Sql = ColumnElement[Any]


@dataclass(frozen=True)
class Owned:
    """Whose the rows of a table are. `owners`, `departments` and `ids` name some of its `columns`.

    `ids` are those under which a row may be shared; `fields` is what scopes may read, each of which is a
    column.
    """

    fields: Fields
    columns: Mapping[str, Sql]
    owners: tuple[str, ...]
    departments: tuple[str, ...]
    ids: tuple[str, ...]

    def facts(self, row: Mapping[str, Any], **more: Any) -> Facts:
        """The facts of a row as it was read; `more` are values that stand elsewhere."""
        names = {*self.owners, *self.departments, *self.ids, *self.fields.fields} & set(self.columns)
        values = {name: row.get(getattr(self.columns[name], "name", name)) for name in names} | more
        return Facts(
            owners=tuple(values.get(name) for name in self.owners),
            departments=tuple(values.get(name) for name in self.departments),
            ids=tuple(str(values[name]) for name in self.ids if values.get(name) is not None),
            values={name: value for name, value in values.items() if name in self.fields.fields},
        )


def of_customers(fields: Fields, customers: Table) -> Owned:
    """Whose records about customers are: those of the customer, as a service's copy of it says."""
    return Owned(
        fields=fields,
        columns={
            "id": customers.c.id,
            "customer_code": customers.c.code,
            "customer_name": customers.c.name,
            "salesperson": customers.c.salesperson,
            "department": customers.c.department,
        },
        owners=("salesperson",),
        departments=("department",),
        ids=("id",),
    )


def visible(
    work: UnitOfWork, owned: Owned, columns: Mapping[str, Sql] | None = None, *, right: str | None = None
) -> ColumnElement[bool]:
    """The rows that the right of this call (or another one) reaches, as a condition for WHERE.

    `columns` are further columns that scopes may read, where they stand in another table.
    """
    asked = work.right if right is None else right
    found = work.caller.clauses_of(asked)
    if found is None:
        return true()
    all_columns = {**owned.columns, **(columns or {})}
    parts = [_clause(one, work, asked, owned, all_columns) for one in found]
    return or_(false(), *parts)


def visible_through(
    work: UnitOfWork, owned: Owned, join: ColumnElement[bool], columns: Mapping[str, Sql] | None = None
) -> ColumnElement[bool]:
    """The rows of another table whose owner, found by `join`, is visible; `columns` are that table's own."""
    if work.caller.clauses_of(work.right) is None:
        return true()
    table = next(iter(owned.columns.values())).table
    return exists().select_from(table).where(join, visible(work, owned, columns))


def require_visible(
    work: UnitOfWork,
    owned: Owned,
    row: Mapping[str, Any],
    missing: CreditError,
    *,
    right: str | None = None,
    **more: Any,
) -> None:
    """Raise `missing` unless the right of this call (or another one) reaches a row that was read.

    `more` are values of what hangs on the row: the amount of an order of a customer, say.
    """
    asked = work.right if right is None else right
    if work.caller.clauses_of(asked) is None:
        return
    facts = owned.facts(row, **more)
    clauses.require_reach(work.caller, asked, facts, owned.fields, world_of(work), missing)


def is_visible(work: UnitOfWork, owned: Owned, row: Mapping[str, Any], **more: Any) -> bool:
    """Whether the right of this call reaches a row that was read; `more` as in `require_visible`."""
    if work.caller.clauses_of(work.right) is None:
        return True
    return clauses.reaches(work.caller, work.right, owned.facts(row, **more), owned.fields, world_of(work))


def world_of(work: UnitOfWork) -> World:
    """The time, for conditions that speak of it."""
    return World(now=work.now, zone=work.timezone)


def _clause(
    clause: Clause, work: UnitOfWork, right: str, owned: Owned, columns: Mapping[str, Sql]
) -> ColumnElement[bool]:
    scope = _scope(clause, work, right, owned, columns)
    if not clause.condition:
        return scope
    return and_(scope, _expression(clause.condition, work, owned, columns))


def _scope(
    clause: Clause, work: UnitOfWork, right: str, owned: Owned, columns: Mapping[str, Sql]
) -> ColumnElement[bool]:
    caller = work.caller
    if clause.kind == "own":
        return or_(false(), *(columns[name] == caller.actor for name in owned.owners))
    if clause.kind == "departments":
        return or_(false(), *(columns[name].in_(clause.values) for name in owned.departments))
    if clause.kind == "shared":
        ids = [one for one in caller.shared if clauses.shared_far_enough(caller, right, one)]
        return or_(false(), *(columns[name].in_(_typed(ids, columns[name])) for name in owned.ids))
    if clause.kind == "expression":
        return _expression(clause.values[0], work, owned, columns)
    return true() if clause.kind == "all" else false()


def _expression(text: str, work: UnitOfWork, owned: Owned, columns: Mapping[str, Sql]) -> ColumnElement[bool]:
    """A condition; one that the catalogue does not know any more, or SQL cannot say, reaches nothing."""
    known = {**columns, **my_columns(work.caller)}
    try:
        condition: ColumnElement[bool] = compile_condition(
            check_clause(text, owned.fields), known, world_of(work)
        )
    except ExpressionError:
        return false()
    return condition


def my_columns(caller: Caller) -> dict[str, Sql]:
    """What an expression may read of who asks, as SQL."""
    values = my_values(caller)
    return {
        "my_username": cast(literal(values["my_username"]), Text()),
        "my_department": cast(literal(values["my_department"], Text()), Text()),
        "my_departments": literal(values["my_departments"], JSONB()),
    }


def _typed(ids: list[str], column: Sql) -> list[Any]:
    if not isinstance(column.type, Uuid):
        return list(ids)
    return [UUID(one) for one in ids]
