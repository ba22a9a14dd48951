"""The queries of imports; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, text, update

from services.common.db import UnitOfWork
from services.common.imports.model import ACTIVE
from services.common.paging import page

Row = dict[str, Any]
LEASE_SECONDS = 20
_NOT_SHOWN = frozenset(
    {"lines_key", "caller", "right", "trace_id", "position", "lease", "leased_until", "attempts"}
)


def _imports(work: UnitOfWork) -> Table:
    return work.table("imports")


def _errors(work: UnitOfWork) -> Table:
    return work.table("import_errors")


def add(work: UnitOfWork, row: Row) -> None:
    """Keep a new import."""
    work.execute(insert(_imports(work)).values(**row))


def find(work: UnitOfWork, form: str, import_id: UUID, *, locked: bool = False) -> Row | None:
    """One of the caller's imports into a form. Locks its row when `locked`."""
    imports = _imports(work)
    statement = select(imports).where(
        imports.c.id == import_id, imports.c.form == form, imports.c.owner == work.caller.principal
    )
    row = work.execute(statement.with_for_update() if locked else statement).mappings().first()
    return dict(row) if row else None


def list_own(work: UnitOfWork, form: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the caller's imports into a form, the newest first."""
    imports = _imports(work)
    shown = [column for column in imports.c if column.name not in _NOT_SHOWN | {"preview"}]
    statement = select(*shown).where(imports.c.form == form, imports.c.owner == work.caller.principal)
    sort = {"created_at": imports.c.created_at}
    return page(work, statement, received, sort=sort, key=imports.c.id, default_sort="-created_at")


def recent_of(work: UnitOfWork, most: int) -> list[Row]:
    """The caller's newest imports, as those who watch are told of them."""
    imports = _imports(work)
    names = ("id", "form", "file_name", "state", "phase", "rows", "done", "created", "updated", "skipped")
    shown = [imports.c[name] for name in (*names, "failed", "version")]
    mine = select(*shown).where(imports.c.owner == work.caller.principal)
    rows = work.execute(mine.order_by(imports.c.created_at.desc()).limit(most)).mappings()
    return [dict(row) for row in rows]


def change(work: UnitOfWork, import_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an import that is locked."""
    imports = _imports(work)
    work.execute(update(imports).where(imports.c.id == import_id).values(**values, updated_at=work.now))


def forget_errors(work: UnitOfWork, import_id: UUID) -> None:
    """Drop what was wrong: it is looked at anew."""
    errors = _errors(work)
    work.execute(delete(errors).where(errors.c.import_id == import_id))


def add_errors(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Keep what is wrong with some rows."""
    work.rows.insert(_errors(work), rows)


def errors_between(work: UnitOfWork, import_id: UUID, first: int, last: int) -> dict[int, list[Any]]:
    """What is wrong, by line."""
    errors = _errors(work)
    found = select(errors.c.line, errors.c.errors).where(
        errors.c.import_id == import_id, errors.c.line.between(first, last)
    )
    return {row.line: row.errors for row in work.execute(found)}


def first_errors(work: UnitOfWork, import_id: UUID, after: int, most: int) -> list[Row]:
    """The rows with errors behind a line, in their order."""
    errors = _errors(work)
    found = select(errors.c.line, errors.c.errors).where(
        errors.c.import_id == import_id, errors.c.line > after
    )
    return [dict(row) for row in work.execute(found.order_by(errors.c.line).limit(most)).mappings()]


def claim(work: UnitOfWork, lease: UUID) -> Row | None:
    """The import that has waited longest and that nobody has in hand, for a while ours.

    By the database's own clock: workers on several machines need not agree on the time. Passes by the rows
    that others lock.
    """
    imports = _imports(work)
    free = imports.c.leased_until.is_(None) | (imports.c.leased_until < func.clock_timestamp())
    due = (
        select(imports.c.id)
        .where(imports.c.state.in_(ACTIVE), free)
        .order_by(imports.c.started_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(imports)
        .where(imports.c.id == due.scalar_subquery())
        .values(lease=lease, leased_until=_until(), attempts=imports.c.attempts + 1)
        .returning(imports)
    )
    row = work.execute(claimed).mappings().first()
    return dict(row) if row else None


def hold(work: UnitOfWork, import_id: UUID, lease: UUID) -> Row | None:
    """An import that is still ours, its lease made new; None for one that another worker has taken over.

    Locks its row until the transaction ends.
    """
    imports = _imports(work)
    ours = (imports.c.id == import_id) & (imports.c.lease == lease) & imports.c.state.in_(ACTIVE)
    held = update(imports).where(ours).values(leased_until=_until()).returning(imports)
    row = work.execute(held).mappings().first()
    return dict(row) if row else None


def release(work: UnitOfWork, import_id: UUID, lease: UUID, seconds: float) -> None:
    """Let anybody take it up again after so many seconds; it was not died of."""
    imports = _imports(work)
    later = func.clock_timestamp() + text("make_interval(secs => :seconds)").bindparams(seconds=seconds)
    ours = (imports.c.id == import_id) & (imports.c.lease == lease)
    work.execute(update(imports).where(ours).values(leased_until=later, attempts=0))


def older_than(work: UnitOfWork, moment: datetime, most: int) -> list[Row]:
    """Imports that were last touched before a moment and that no worker has in hand. Locks their rows."""
    imports = _imports(work)
    old = imports.c.state.not_in(ACTIVE) & (imports.c.updated_at < moment)
    statement = select(imports.c.id, imports.c.lines_key).where(old).limit(most)
    rows = work.execute(statement.with_for_update(skip_locked=True)).mappings()
    return [dict(row) for row in rows]


def remove(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Forget imports, with what was wrong in them."""
    work.rows.delete_where(_errors(work), "import_id", ids)
    work.rows.delete(_imports(work), ids)


def _until() -> Any:
    return func.clock_timestamp() + text(f"interval '{LEASE_SECONDS} seconds'")


def view(row: Mapping[str, Any]) -> Row:
    """An import as answers show it."""
    return {name: value for name, value in row.items() if name not in _NOT_SHOWN}
