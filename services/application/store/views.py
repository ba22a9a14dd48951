"""The queries of saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.application.model import form_views
from services.common.db import UnitOfWork
from services.common.forms.rights import CORE as _CORE_FIELDS

CORE = frozenset(one.key for one in _CORE_FIELDS)


def find_own(work: UnitOfWork, form: str, name: str) -> dict[str, Any] | None:
    """One's own view of this name. Locks its row."""
    here = (form_views.c.form == form, form_views.c.name == name, form_views.c.owner == work.caller.actor)
    row = work.execute(select(form_views).where(*here).with_for_update()).mappings().first()
    return dict(row) if row else None


def save(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Insert a view, or replace the one with its id."""
    statement = upsert(form_views).values(**row)
    kept = {name: statement.excluded[name] for name in row if name != "id"}
    work.execute(statement.on_conflict_do_update(index_elements=["id"], set_=kept))


def listed(work: UnitOfWork, form: str) -> list[dict[str, Any]]:
    """One's own views and those that are shared, by name."""
    mine = or_(form_views.c.owner == work.caller.actor, form_views.c.shared)
    statement = select(form_views).where(form_views.c.form == form, mine).order_by(form_views.c.name)
    return [dict(row) for row in work.execute(statement).mappings()]


def delete_own(work: UnitOfWork, form: str, view_id: UUID) -> bool:
    """Remove one's own view; false when there is none."""
    here = (form_views.c.form == form, form_views.c.id == view_id, form_views.c.owner == work.caller.actor)
    return bool(work.execute(delete(form_views).where(*here)).rowcount)
