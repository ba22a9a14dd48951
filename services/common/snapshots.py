"""Rows of which only the last state counts: put in memory while events are applied, written set by set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from services.common.db import UnitOfWork
from services.common.journal import Journalled

Key = tuple[Any, ...]


class Snapshots(Journalled):
    """What one unit of work puts into tables that it does not read back.

    Rows are told apart by the primary key of their table; what is put later wins, column by column.
    """

    def __init__(self, work: UnitOfWork) -> None:
        super().__init__()
        self._work = work
        self._rows: dict[Table, dict[Key, dict[str, Any]]] = {}
        self._replaced: dict[tuple[Table, str], dict[Any, list[Mapping[str, Any]]]] = {}

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert a row, or set these columns of the one with its primary key."""
        key = tuple(row[column.name] for column in table.primary_key.columns)
        rows = self._rows.setdefault(table, {})
        before = rows.get(key)
        rows[key] = {**(before or {}), **row}
        self._journal.append(lambda: _put_back(rows, key, before))

    def replace(self, table: Table, column: str, value: Any, rows: list[Mapping[str, Any]]) -> None:
        """Let the rows with this value in a column be these, and no others."""
        sets = self._replaced.setdefault((table, column), {})
        before = sets.get(value)
        sets[value] = rows
        self._journal.append(lambda: _put_back(sets, value, before))

    def forget(self) -> None:
        """Drop what was put: nothing of it is wanted any more."""
        self._journal.clear()
        self._rows.clear()
        self._replaced.clear()

    def flush(self) -> None:
        """Write everything, in the order of tables in which it first came."""
        for table, rows in self._rows.items():
            alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
            for row in rows.values():
                alike.setdefault(tuple(sorted(row)), []).append(row)
            for same_columns in alike.values():
                self._work.rows.upsert(table, same_columns)
        for (table, column), sets in self._replaced.items():
            self._work.rows.delete_where(table, column, list(sets))
            self._work.rows.insert(table, [row for found in sets.values() for row in found])
        self.forget()


def _put_back(held: dict[Any, Any], key: Any, before: Any) -> None:
    if before is None:
        del held[key]
    else:
        held[key] = before
