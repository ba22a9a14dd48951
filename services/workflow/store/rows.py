"""Rows as plain mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork

Row = dict[str, Any]


def one(work: UnitOfWork, statement: Any) -> Row | None:
    """The first row of a statement."""
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def rows(work: UnitOfWork, statement: Any, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """All rows of a statement."""
    return [dict(row) for row in work.execute(statement, parameters).mappings()]
