"""Documented decisions, and the rules they followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import (
    decisions,
    order_check_rules,
)
from services.limits.store.rows import Row, all_rows, one_row


def add_decision(work: UnitOfWork, decision: Mapping[str, Any]) -> None:
    """Insert a documented credit decision."""
    work.execute(insert(decisions).values(**decision))


def find_decision(work: UnitOfWork, decision_id: UUID | None) -> Row | None:
    """A documented credit decision."""
    return (
        None if decision_id is None else one_row(work, select(decisions).where(decisions.c.id == decision_id))
    )


def decisions_with(where: Mapping[str, Any]) -> Select[Any]:
    """Decisions with these column values, as a statement to be paged."""
    return select(decisions).where(*(decisions.c[name] == value for name, value in where.items()))


def save_rule(work: UnitOfWork, key: str, version: int, active: bool, definition: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a published order-check rule."""
    values = {"version": version, "active": active, "definition": dict(definition)}
    statement = upsert(order_check_rules).values(key=key, **values)
    work.execute(statement.on_conflict_do_update(index_elements=[order_check_rules.c.key], set_=values))


def active_rules(work: UnitOfWork) -> list[Row]:
    """The published order-check rules in force, by key."""
    statement = select(order_check_rules).where(order_check_rules.c.active)
    return all_rows(work, statement.order_by(order_check_rules.c.key))
