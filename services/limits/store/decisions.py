"""Documented decisions, and the rules they followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import decisions, order_check_rules
from services.limits.store.book import book_of
from services.limits.store.owned import seen
from services.limits.store.rows import Row, all_rows, one_row

_BY_ID = select(decisions).where(decisions.c.id == bindparam("decision"))
_ACTIVE_RULES = select(order_check_rules).where(order_check_rules.c.active).order_by(order_check_rules.c.key)


def add_decision(work: UnitOfWork, decision: Mapping[str, Any]) -> None:
    """Insert a documented credit decision."""
    book_of(work).decisions.add(decision)


def find_decision(work: UnitOfWork, decision_id: UUID | None) -> Row | None:
    """A documented credit decision."""
    if decision_id is None:
        return None
    return book_of(work).decisions.get(decision_id) or one_row(work, _BY_ID, {"decision": decision_id})


def decisions_with(work: UnitOfWork, where: Mapping[str, Any]) -> Select[Any]:
    """Decisions with these column values, as a statement to be paged."""
    wanted = (decisions.c[name] == value for name, value in where.items())
    return select(decisions).where(seen(work, decisions), *wanted)


def save_rule(work: UnitOfWork, key: str, version: int, active: bool, definition: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a published order-check rule."""
    values = {"version": version, "active": active, "definition": dict(definition)}
    statement = upsert(order_check_rules).values(key=key, **values)
    work.execute(statement.on_conflict_do_update(index_elements=[order_check_rules.c.key], set_=values))


def active_rules(work: UnitOfWork) -> list[Row]:
    """The published order-check rules in force, by key."""
    return all_rows(work, _ACTIVE_RULES)
