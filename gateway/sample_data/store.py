"""The one row that says how the sample company stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.identity.model import departments, metadata, sample_data, users
from services.common.db import UnitOfWork

# What the gateway has read of others, who begin anew: told again, it would count as told before.
_READ = ("positions", "parked_events", "commands", "events", "notifications", "mails", "form_resources")
_OWN = ("idempotency_keys", "record_shares", "live_changes", "audit_states")
MAKING, MADE, FAILED, REMOVING = "making", "made", "failed", "removing"


def find(work: UnitOfWork, *, lock: bool = False) -> dict[str, Any] | None:
    """The row, or None where there is no sample. Locks it when asked to."""
    statement = select(sample_data)
    row = work.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else dict(row)


def begin(work: UnitOfWork, contents: Mapping[str, Any]) -> bool:
    """Note that it is being made; False where somebody else was faster."""
    values = {"singleton": True, "state": MAKING, "done": 0, "whole": 0, "problem": None}
    values |= {"contents": dict(contents), "made_by": work.caller.actor, "updated_at": work.now}
    return bool(work.execute(upsert(sample_data).values(**values).on_conflict_do_nothing()).rowcount)


def change(work: UnitOfWork, **values: Any) -> None:
    """Note how it stands now."""
    work.execute(update(sample_data).values(**values, updated_at=work.now))


def forget(work: UnitOfWork) -> None:
    """There is no sample any more."""
    work.execute(delete(sample_data))


def prune(work: UnitOfWork, gone: Mapping[str, Sequence[str]]) -> None:
    """Take these `people` and `departments` out, and begin the log anew; the audit trail stays as it is."""
    for name in (*_READ, *_OWN):
        work.execute(delete(work.table(name)))
    work.execute(update(work.table("event_head")).values(sequence=0, published=0))
    work.execute(update(users).where(users.c.department.in_(gone["departments"])).values(department=None))
    work.execute(update(users).where(users.c.stand_in.in_(gone["people"])).values(stand_in=None))
    ids = select(users.c.id).where(users.c.username.in_(gone["people"])).scalar_subquery()
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table is users:
                work.execute(delete(table).where(key.parent.in_(ids)))
    work.execute(delete(users).where(users.c.username.in_(gone["people"])))
    work.execute(update(departments).where(departments.c.head.in_(gone["people"])).values(head=None))
    work.execute(update(departments).where(departments.c.parent.in_(gone["departments"])).values(parent=None))
    work.execute(delete(departments).where(departments.c.code.in_(gone["departments"])))


def everybody(work: UnitOfWork) -> list[dict[str, Any]]:
    """Every user there is."""
    return _rows(work, users)


def every_department(work: UnitOfWork) -> list[dict[str, Any]]:
    """Every department there is."""
    return _rows(work, departments)


def _rows(work: UnitOfWork, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in work.execute(select(table)).mappings()]
