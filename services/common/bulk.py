"""Writing many rows of one table in one statement (arrays that the database unfolds), many statements in
one trip."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, cast

from psycopg2.extensions import cursor
from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from services.common import strict_json

Rows = Sequence[Mapping[str, Any]]
Arrays = dict[str, list[Any]]

_SHOWN_LENGTH_MAX = 500


class RowWriter:
    """What one transaction writes row by row: kept until something is read or the transaction ends.

    What the database refuses is therefore told by `send`, not by the call that wrote it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[str, Arrays]] = []

    def insert(self, table: Table, rows: Rows) -> None:
        """Insert rows that all have the columns of the first."""
        if rows:
            self._write(_insertion, table, tuple(rows[0]), rows)

    def insert_new(self, table: Table, rows: Rows) -> int:
        """Insert those rows that are not there yet, by any unique key; returns how many, at once."""
        if not rows:
            return 0
        self.send()
        return self._run(*self._statement(_insertion_of_new, table, tuple(rows[0]), rows))

    def insert_missing(self, table: Table, rows: Rows) -> None:
        """The same, when nobody needs to know how many."""
        if rows:
            self._write(_insertion_of_new, table, tuple(rows[0]), rows)

    def update(self, table: Table, rows: Rows, columns: Collection[str]) -> None:
        """Set these columns of existing rows, each found by its primary key (one column, in each row)."""
        if rows:
            key = table.primary_key.columns[0].name
            self._write(_change, table, (key, *sorted(columns)), rows)

    def upsert(self, table: Table, rows: Rows) -> None:
        """Insert rows that all have the columns of the first, or set those columns where the key is there.

        The primary key is part of each row; no two rows have the same.
        """
        if rows:
            self._write(_insertion_or_change, table, tuple(rows[0]), rows)

    def add_up(self, table: Table, rows: Rows) -> None:
        """Insert rows that all have the columns of the first, or add to those columns where the key is there.

        The primary key is part of each row; no two rows have the same.
        """
        if rows:
            self._write(_insertion_or_addition, table, tuple(rows[0]), rows)

    def delete(self, table: Table, keys: Collection[Any]) -> None:
        """Delete rows by their primary key (one column)."""
        self.delete_where(table, table.primary_key.columns[0].name, keys)

    def delete_where(self, table: Table, column: str, values: Collection[Any]) -> None:
        """Delete the rows with one of these values in a column."""
        if values:
            self._write(_deletion, table, (column,), [{column: value} for value in values])

    def send(self) -> None:
        """Have the database do what waits, in its order, in one trip."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1:
            self._run(*waiting[0])
        elif waiting:
            self._run_together(waiting)

    def forget(self) -> None:
        """Drop what waits: the part of the transaction that wrote it is rolled back."""
        self._waiting.clear()

    def _write(self, statement_of: Any, table: Table, names: tuple[str, ...], rows: Rows) -> None:
        self._waiting.append(self._statement(statement_of, table, names, rows))

    def _statement(
        self, statement_of: Any, table: Table, names: tuple[str, ...], rows: Rows
    ) -> tuple[str, Arrays]:
        arrays = {name: [row[name] for row in rows] for name in names}
        for name in names:
            if isinstance(table.c[name].type, JSONB):
                arrays[name] = [None if value is None else strict_json.dumps(value) for value in arrays[name]]
        return statement_of(self._connection.dialect, table, names), arrays

    def _run(self, statement: str, arrays: Arrays) -> int:
        return int(self._connection.exec_driver_sql(statement, arrays).rowcount)

    def _run_together(self, waiting: Sequence[tuple[str, Arrays]]) -> None:
        with closing(cast(cursor, self._connection.connection.cursor())) as driver:
            written = b";\n".join(driver.mogrify(statement, arrays) for statement, arrays in waiting)
        try:
            # Nothing is left to be filled in: a percent sign in it is one.
            self._connection.exec_driver_sql(written.decode(), execution_options={"no_parameters": True})
        except DBAPIError as problem:
            # It holds the values, which belong in no log.
            problem.statement = ";\n".join(statement for statement, _ in waiting)[:_SHOWN_LENGTH_MAX]
            raise


@cache
def _insertion(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    return f"INSERT INTO {quote(table.name)} ({columns}) SELECT * FROM {_unfolded(dialect, table, names)}"  # noqa: S608


@cache
def _insertion_of_new(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    return _insertion(dialect, table, names) + " ON CONFLICT DO NOTHING"


@cache
def _insertion_or_change(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    return _insertion_or(dialect, table, names, "excluded.{column}")


@cache
def _insertion_or_addition(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    return _insertion_or(dialect, table, names, "{table}.{column} + excluded.{column}")


def _insertion_or(dialect: Dialect, table: Table, names: tuple[str, ...], new: str) -> str:
    """Insert, or set each column to `new` (of the quoted `table` and `column`) where the key is there."""
    quote = dialect.identifier_preparer.quote
    keys = [column.name for column in table.primary_key.columns]
    settings = [
        f"{quote(name)} = {new.format(table=quote(table.name), column=quote(name))}"
        for name in names
        if name not in keys
    ]
    conflict = f" ON CONFLICT ({', '.join(quote(key) for key in keys)})"
    action = f" DO UPDATE SET {', '.join(settings)}" if settings else " DO NOTHING"
    return _insertion(dialect, table, names) + conflict + action


@cache
def _change(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    settings = ", ".join(f"{quote(name)} = new.{quote(name)}" for name in names[1:])
    unfolded = f"{_unfolded(dialect, table, names)} AS new ({columns})"
    here = f"{quote(table.name)}.{quote(names[0])} = new.{quote(names[0])}"
    return f"UPDATE {quote(table.name)} SET {settings} FROM {unfolded} WHERE {here}"  # noqa: S608


@cache
def _deletion(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    array = _array(dialect, table, names[0])
    return f"DELETE FROM {quote(table.name)} WHERE {quote(names[0])} = ANY ({array})"  # noqa: S608


def _unfolded(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    return f"unnest({', '.join(_array(dialect, table, name) for name in names)})"


def _array(dialect: Dialect, table: Table, name: str) -> str:
    return f"%({name})s::{table.c[name].type.compile(dialect)}[]"
