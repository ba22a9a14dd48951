"""Reading rows as plain dictionaries."""

from __future__ import annotations

from typing import Any

from services.common.db import UnitOfWork

Row = dict[str, Any]


def one_row(work: UnitOfWork, statement: Any) -> Row | None:
    """The first row of a statement."""
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def all_rows(work: UnitOfWork, statement: Any) -> list[Row]:
    """Every row of a statement."""
    return [dict(row) for row in work.execute(statement).mappings()]
