"""The queries of definitions; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork

Row = dict[str, Any]


def published(work: UnitOfWork, key: str, version: int | None = None) -> Row | None:
    """A published version, the newest unless one is named: `{"key", "version", "definition", ...}`."""
    versions = work.table("form_versions")
    statement = select(versions).where(versions.c.key == key)
    if version is not None:
        statement = statement.where(versions.c.version == version)
    row = work.execute(statement.order_by(versions.c.version.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def newest_stamp(work: UnitOfWork, key: str) -> tuple[int, datetime] | None:
    """The number of the newest published version, and when it was published."""
    versions = work.table("form_versions")
    statement = select(versions.c.version, versions.c.published_at).where(versions.c.key == key)
    row = work.execute(statement.order_by(versions.c.version.desc()).limit(1)).first()
    return None if row is None else (row.version, row.published_at)


def all_published(work: UnitOfWork) -> list[Row]:
    """The newest version of every form, in the order of their keys."""
    versions = work.table("form_versions")
    newest = select(versions.c.key, func.max(versions.c.version)).group_by(versions.c.key)
    statement = select(versions).where(tuple_(versions.c.key, versions.c.version).in_(newest))
    statement = statement.order_by(versions.c.key)
    return [dict(row) for row in work.execute(statement).mappings()]


def versions_of(work: UnitOfWork, key: str) -> list[Row]:
    """Every version of a form, the newest first."""
    versions = work.table("form_versions")
    statement = select(versions).where(versions.c.key == key).order_by(versions.c.version.desc())
    return [dict(row) for row in work.execute(statement).mappings()]


def add_version(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    """Publish a version; nothing ever changes its row."""
    work.execute(insert(work.table("form_versions")).values(**row))


def draft(work: UnitOfWork, key: str, *, locked: bool = False) -> Row | None:
    """A form's draft. Locks its row when `locked`."""
    drafts = work.table("form_drafts")
    statement = select(drafts).where(drafts.c.key == key)
    row = work.execute(statement.with_for_update() if locked else statement).mappings().first()
    return dict(row) if row else None


def all_drafts(work: UnitOfWork) -> list[Row]:
    """Every draft, in the order of their keys."""
    drafts = work.table("form_drafts")
    return [dict(row) for row in work.execute(select(drafts).order_by(drafts.c.key)).mappings()]


def add_draft(work: UnitOfWork, row: Mapping[str, Any]) -> bool:
    """A form's first draft; false when it has one. Waits for whoever is just making it."""
    drafts = work.table("form_drafts")
    statement = upsert(drafts).values(**row).on_conflict_do_nothing().returning(drafts.c.key)
    return work.execute(statement).first() is not None


def change_draft(work: UnitOfWork, key: str, values: Mapping[str, Any]) -> None:
    """Change a draft that is locked."""
    drafts = work.table("form_drafts")
    work.execute(update(drafts).where(drafts.c.key == key).values(**values))
