"""The queries of files in forms; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, update

from services.common.db import UnitOfWork

Row = dict[str, Any]


def add(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """A new file."""
    work.execute(insert(work.table("form_files")).values(**row))


def find(work: UnitOfWork, form: str, ids: Collection[UUID]) -> list[Row]:
    """Those of the files that belong to a form."""
    files = work.table("form_files")
    statement = select(files).where(files.c.form == form, files.c.id.in_(list(ids)))
    return [dict(row) for row in work.execute(statement).mappings()]


def attach(work: UnitOfWork, form: str, record_id: UUID, ids: Collection[UUID]) -> int:
    """Let a record hold these files; how many it holds of them now. Locks their rows."""
    files = work.table("form_files")
    free = or_(files.c.record_id.is_(None), files.c.record_id == record_id)
    which = (files.c.form == form) & files.c.id.in_(list(ids)) & free & files.c.removed_at.is_(None)
    taken = update(files).where(which).values(record_id=record_id, released_at=None)
    return int(work.execute(taken).rowcount)


def release(work: UnitOfWork, form: str, record_id: UUID, but: Collection[UUID]) -> None:
    """Let a record hold none of its files but these. Locks their rows."""
    files = work.table("form_files")
    held = (files.c.form == form) & (files.c.record_id == record_id) & files.c.released_at.is_(None)
    work.execute(update(files).where(held, files.c.id.not_in(list(but))).values(released_at=work.now))


def take_removable(work: UnitOfWork, before: datetime, most: int) -> list[Row]:
    """Files that nobody holds since before, marked as removed, and those marked whose bytes are still there.

    Locks their rows; skips those that somebody else has locked.
    """
    files = work.table("form_files")
    ended = or_(files.c.released_at < before, files.c.removed_at.isnot(None))
    due = select(files.c.id).where(files.c.storage_key.isnot(None), ended)
    due = due.order_by(files.c.released_at).limit(most).with_for_update(skip_locked=True)
    marked = update(files).where(files.c.id.in_(due.scalar_subquery())).values(removed_at=work.now)
    rows = work.execute(marked.returning(files.c.id, files.c.storage_key)).mappings()
    return [dict(row) for row in rows]


def forget(work: UnitOfWork, ids: Collection[UUID]) -> int:
    """Note that the bytes of removed files are gone. Locks their rows."""
    files = work.table("form_files")
    gone = files.c.id.in_(list(ids)) & files.c.removed_at.isnot(None)
    return int(work.execute(update(files).where(gone).values(storage_key=None)).rowcount)
