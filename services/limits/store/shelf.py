"""The rows of one table that a unit of work holds in memory: read once, changed there, written together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Table

from services.common.db import UnitOfWork
from services.common.journal import Undo
from services.limits.store.rows import Row

Index = tuple[str, ...]


class Shelf:
    """Rows by their primary key, found through indexes.

    What is handed out are copies: a change counts once it is put back with `change`, and can be taken back
    through the journal that all shelves of a book share.
    """

    def __init__(self, table: Table, journal: list[Undo], *indexes: Index) -> None:
        self._table = table
        self._journal = journal
        self._key = table.primary_key.columns[0].name
        self._columns = [column.name for column in table.columns]
        self._indexes: dict[Index, dict[tuple[Any, ...], dict[Any, None]]] = {index: {} for index in indexes}
        self.forget()

    def forget(self) -> None:
        """Hold nothing any more."""
        self._rows: dict[Any, Row] = {}
        self._read: dict[Any, Row] = {}
        self._new: dict[Any, None] = {}
        self._changed: dict[Any, set[str]] = {}
        self._gone: dict[Any, Row] = {}
        # The keys of rows that were once found under other values of an index.
        self._left: dict[tuple[Index, tuple[Any, ...]], dict[Any, None]] = {}
        for found in self._indexes.values():
            found.clear()

    def hold(self, rows: Iterable[Row]) -> None:
        """Hold rows that were read; those that are held already stay as they are here."""
        for row in rows:
            key = row[self._key]
            if key not in self._rows and key not in self._gone:
                self._place(key, row)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Any) -> Row | None:
        """A copy of one row that is held."""
        row = self._rows.get(key)
        return None if row is None else dict(row)

    def find(self, index: Index, *values: Any) -> list[Row]:
        """Copies of the rows that are held under these values, in the order in which they came."""
        return [dict(self._rows[key]) for key in self._indexes[index].get(values, ())]

    def changes_of(self, index: Index, *values: Any) -> Iterator[tuple[Row, int]]:
        """The held rows under these values as they are here (1), and as the database has them (−1)."""
        keys = (*self._indexes[index].get(values, ()), *self._left.get((index, values), ()))
        for key in dict.fromkeys(keys):
            for row, sign in ((self._rows.get(key), 1), (self.as_read(key), -1)):
                if row is not None and _under(row, index) == values:
                    yield dict(row), sign

    def add(self, row: Mapping[str, Any]) -> None:
        """Hold a row that is to be inserted; columns that it leaves out are empty."""
        key = row[self._key]
        self._place(key, {name: row.get(name) for name in self._columns})
        self._new[key] = None
        self._journal.append(lambda: self._take_away(key))

    def change(self, key: Any, values: Mapping[str, Any]) -> None:
        """Set columns of a row that is held."""
        row = self._rows[key]
        changed = {name: value for name, value in values.items() if row[name] != value}
        if not changed:
            return
        before = {name: row[name] for name in changed}
        marked = None if key not in self._changed else set(self._changed[key])
        if key not in self._new:
            self._read.setdefault(key, dict(row))
            self._changed.setdefault(key, set()).update(changed)
        self._set(key, changed)
        self._journal.append(lambda: self._change_back(key, before, marked))

    def replace(self, row: Row) -> None:
        """Hold what has just been written by itself instead of what was read before."""
        self._rows[row[self._key]].update(row)

    def remove(self, key: Any) -> None:
        """Hold a row no more, and delete it."""
        row, was_new, marked = self._rows[key], key in self._new, self._changed.get(key)
        self._take_away(key)
        self._changed.pop(key, None)
        if not was_new:
            self._gone[key] = row
        self._journal.append(lambda: self._bring_back(key, row, was_new, marked))

    def as_read(self, key: Any) -> Row | None:
        """The row as the database has it; None for one that is not there yet."""
        if key in self._new:
            return None
        return self._read.get(key) or self._rows.get(key)

    def changes(self) -> list[tuple[Row | None, Row]]:
        """The rows that are to be written: each as the database has it (None: not yet), and as it is here."""
        return [(self.as_read(key), dict(self._rows[key])) for key in (*self._new, *self._changed)]

    def removed(self) -> list[Row]:
        """The rows that are to be deleted."""
        return list(self._gone.values())

    def delete(self, work: UnitOfWork) -> None:
        """Write what was removed."""
        work.rows.delete(self._table, list(self._gone))
        self._gone.clear()

    def write(self, work: UnitOfWork, *, without: Index = ()) -> None:
        """Write what was added and changed; `without` names columns that the database fills."""
        new = [self._rows[key] for key in self._new]
        if without:
            new = [{name: value for name, value in row.items() if name not in without} for row in new]
        work.rows.insert(self._table, new)
        columns = set().union(*self._changed.values())
        work.rows.update(self._table, [self._rows[key] for key in self._changed], columns)
        self._new.clear()
        self._changed.clear()
        self._read.clear()

    def _place(self, key: Any, row: Row) -> None:
        self._rows[key] = row
        for index, found in self._indexes.items():
            found.setdefault(_under(row, index), {})[key] = None

    def _set(self, key: Any, values: Row) -> None:
        """Set columns of a row, and find it under them from now on."""
        row = self._rows[key]
        moved = [index for index in self._indexes if not values.keys().isdisjoint(index)]
        for index in moved:
            under = _under(row, index)
            del self._indexes[index][under][key]
            self._left.setdefault((index, under), {})[key] = None
        row.update(values)
        for index in moved:
            self._indexes[index].setdefault(_under(row, index), {})[key] = None

    def _take_away(self, key: Any) -> None:
        row = self._rows.pop(key)
        self._new.pop(key, None)
        for index, found in self._indexes.items():
            del found[_under(row, index)][key]

    def _change_back(self, key: Any, before: Row, marked: set[str] | None) -> None:
        self._set(key, before)
        if marked is None:
            self._changed.pop(key, None)
        else:
            self._changed[key] = marked

    def _bring_back(self, key: Any, row: Row, was_new: bool, marked: set[str] | None) -> None:
        self._gone.pop(key, None)
        self._place(key, row)
        if was_new:
            self._new[key] = None
        if marked is not None:
            self._changed[key] = marked


def _under(row: Mapping[str, Any], index: Index) -> tuple[Any, ...]:
    return tuple(row[name] for name in index)


class Pile:
    """Rows that are only ever added: nobody reads them in the unit of work that writes them."""

    def __init__(self, table: Table, journal: list[Undo]) -> None:
        self._table = table
        self._journal = journal
        self._rows: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row that is to be inserted."""
        self._rows.append(row)
        self._journal.append(self._take_last)

    def rows(self) -> list[Mapping[str, Any]]:
        """What is to be inserted."""
        return list(self._rows)

    def write(self, work: UnitOfWork) -> None:
        """Insert what was added."""
        work.rows.insert(self._table, self._rows)
        self._rows = []

    def forget(self) -> None:
        """Keep nothing any more."""
        self._rows = []

    def _take_last(self) -> None:
        self._rows.pop()
