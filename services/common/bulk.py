"""Writing many rows of one table in one statement: arrays that the database unfolds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects.postgresql import JSONB

from services.common import strict_json

Rows = Sequence[Mapping[str, Any]]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all have the columns of the first."""
    if rows:
        _run(connection, _insertion, table, tuple(rows[0]), rows)


def insert_new_rows(connection: Connection, table: Table, rows: Rows) -> int:
    """Insert those rows that are not there yet, by any unique key; returns how many that were."""
    return _run(connection, _insertion_of_new, table, tuple(rows[0]), rows) if rows else 0


def update_rows(connection: Connection, table: Table, rows: Rows, columns: Collection[str]) -> None:
    """Set these columns of existing rows, each found by its primary key (one column, part of each row)."""
    if rows:
        key = table.primary_key.columns[0].name
        _run(connection, _change, table, (key, *sorted(columns)), rows)


def upsert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all have the columns of the first, or set those columns where the key is there.

    The primary key is part of each row; no two rows have the same.
    """
    if rows:
        _run(connection, _insertion_or_change, table, tuple(rows[0]), rows)


def delete_rows(connection: Connection, table: Table, keys: Collection[Any]) -> None:
    """Delete rows by their primary key (one column)."""
    delete_where(connection, table, table.primary_key.columns[0].name, keys)


def delete_where(connection: Connection, table: Table, column: str, values: Collection[Any]) -> None:
    """Delete the rows with one of these values in a column."""
    if values:
        _run(connection, _deletion, table, (column,), [{column: value} for value in values])


def _run(connection: Connection, statement_of: Any, table: Table, names: tuple[str, ...], rows: Rows) -> int:
    statement = statement_of(connection.dialect, table, names)
    arrays = {name: [row[name] for row in rows] for name in names}
    for name in names:
        if isinstance(table.c[name].type, JSONB):
            arrays[name] = [None if value is None else strict_json.dumps(value) for value in arrays[name]]
    return int(connection.exec_driver_sql(statement, arrays).rowcount)


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
    quote = dialect.identifier_preparer.quote
    keys = [column.name for column in table.primary_key.columns]
    settings = [f"{quote(name)} = excluded.{quote(name)}" for name in names if name not in keys]
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
