"""Tests of making the suite's databases on a server."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator

import psycopg2
import pytest

from credit import databases
from credit.databases import DatabaseProblem
from credit.suite import environment_of, migrate
from services.common.config import ALL_SERVICES, Settings
from tests.support.postgres import DatabaseServer


@pytest.fixture
def empty_place(database_server: DatabaseServer) -> Iterator[Settings]:
    """Settings for databases that do not exist yet."""
    prefix = f"credit_test_{secrets.token_hex(4)}_"
    settings = Settings(database_url=database_server.url, database_prefix=prefix)
    yield settings
    for name in ALL_SERVICES:
        database_server.drop(prefix + name)


@pytest.fixture
def humble_role(database_server: DatabaseServer, empty_place: Settings) -> Iterator[str]:
    """The URL of the same server for a role that may not make databases."""
    role = f"credit_test_{secrets.token_hex(4)}"
    with databases.server(empty_place) as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'humble'")
    address = database_server.url.partition("://")[2]
    yield f"postgresql://{role}:humble@{address.partition('@')[2]}"
    with databases.server(empty_place) as cursor:
        cursor.execute(f"DROP ROLE {role}")


def test_missing_databases_are_made_once(empty_place: Settings) -> None:
    assert len(databases.create_missing(empty_place, ALL_SERVICES)) == len(ALL_SERVICES)
    assert databases.create_missing(empty_place, ALL_SERVICES) == []


def test_a_role_that_may_not_make_them_is_told_what_to_ask_for(
    empty_place: Settings, humble_role: str
) -> None:
    humble = Settings(database_url=humble_role, database_prefix=empty_place.database_prefix)
    with pytest.raises(DatabaseProblem, match=f'CREATE DATABASE "{humble.database_prefix}limits"'):
        databases.create_missing(humble, ("limits",))


def test_a_server_that_is_away_is_told_in_one_line() -> None:
    away = Settings(database_url="postgresql://nobody@127.0.0.1:1/")
    with pytest.raises(DatabaseProblem, match="无法连接数据库服务器"):
        databases.create_missing(away, ("limits",))


def test_two_that_migrate_at_once_do_it_once(empty_place: Settings) -> None:
    """Replicas and jobs may start together: one does the work, the other finds it done."""
    command = [sys.executable, "-m", "credit.cli", "migrate", "customer"]
    both = [subprocess.Popen(command, env=environment_of(empty_place)) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    connection = psycopg2.connect(databases.dsn(empty_place, "customer"))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM alembic_version")
            assert cursor.fetchone() == (1,)
    finally:
        connection.close()


def test_databases_with_tables_are_not_empty(empty_place: Settings) -> None:
    databases.create_missing(empty_place, ("customer", "limits"))
    assert databases.not_empty(empty_place, ALL_SERVICES) == []
    migrate(empty_place, ("customer",))
    assert databases.not_empty(empty_place, ALL_SERVICES) == [databases.name_of(empty_place, "customer")]
