"""The databases of a suite on one PostgreSQL server: made, listed, swapped and dropped, never read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import errors, sql

from services.common.config import Settings

_CONNECT_SECONDS_MAX = 10


class DatabaseProblem(Exception):
    """The server cannot be used as asked; the text says what to do."""


def dsn(settings: Settings, service: str) -> str:
    """A service's database as a URL that psycopg2 and PostgreSQL's own programs take."""
    return settings.database(service).replace("+psycopg2", "", 1)


def name_of(settings: Settings, service: str) -> str:
    """The name of a service's database."""
    return f"{settings.database_prefix}{service}"


def create_missing(settings: Settings, services: tuple[str, ...]) -> list[str]:
    """Make the databases that are not there; returns their names."""
    made = []
    with server(settings) as cursor:
        there = _existing(cursor)
        for service in services:
            name = name_of(settings, service)
            if name in there:
                continue
            create(cursor, name)
            made.append(name)
    return made


def create(cursor: Any, name: str) -> None:
    """Make one database; `DatabaseProblem` where the role may not."""
    try:
        cursor.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name))
        )
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        return  # Another process made it in the meantime.
    except errors.InsufficientPrivilege as problem:
        raise DatabaseProblem(
            f'数据库 {name} 不存在, 当前用户无权创建。请管理员执行: CREATE DATABASE "{name}" ENCODING UTF8'
        ) from problem


def drop(cursor: Any, name: str) -> None:
    """Drop one database and end its connections."""
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(settings: Settings, service: str) -> None:
    """Take everything out of a service's database: its tables are gone, and the next migration makes them."""
    with _connected(dsn(settings, service)) as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def rename(cursor: Any, name: str, new_name: str) -> None:
    """Give a database another name; nobody may be connected to it."""
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(new_name)))


def not_empty(settings: Settings, services: tuple[str, ...]) -> list[str]:
    """The names of those databases that exist and hold a table."""
    with server(settings) as cursor:
        there = _existing(cursor)
    full = []
    for service in services:
        if name_of(settings, service) not in there:
            continue
        with _connected(dsn(settings, service)) as cursor:
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            if cursor.fetchone()[0]:
                full.append(name_of(settings, service))
    return full


def users_of(settings: Settings, services: tuple[str, ...]) -> list[str]:
    """Which service processes are connected to the suite's databases just now."""
    with server(settings) as cursor:
        cursor.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = ANY(%s) AND application_name LIKE 'credit-%%' ORDER BY 1",
            ([name_of(settings, service) for service in services],),
        )
        return [row[0] for row in cursor.fetchall()]


def server_major(settings: Settings) -> int:
    """The major version of the server."""
    with server(settings) as cursor:
        return int(cursor.connection.server_version) // 10_000


@contextmanager
def server(settings: Settings) -> Iterator[Any]:
    """An autocommitting cursor on the server's own database."""
    url = Settings(database_url=settings.database_url, database_prefix="").database("postgres")
    with _connected(url.replace("+psycopg2", "", 1)) as cursor:
        yield cursor


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    try:
        connection = psycopg2.connect(url, connect_timeout=_CONNECT_SECONDS_MAX)
    except psycopg2.OperationalError as problem:
        raise DatabaseProblem(f"无法连接数据库服务器 / cannot reach PostgreSQL: {problem}") from problem
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _existing(cursor: Any) -> set[str]:
    cursor.execute("SELECT datname FROM pg_database")
    return {row[0] for row in cursor.fetchall()}
