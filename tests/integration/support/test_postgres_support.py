"""Tests of the database helpers and of the server from the wheel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from credit.embedded_postgres import EmbeddedPostgres
from credit.postgres_server import PostgresError, PostgresServer
from services.common.config import Settings
from tests.support.postgres import DatabaseServer, OwnPostgres


def _ask(url: str, query: str) -> object:
    connection = psycopg2.connect(url.replace("+psycopg2", "", 1))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[OwnPostgres]:
    server = OwnPostgres(tmp_path)
    server.start()
    yield server
    server.stop("immediate")


def test_each_request_gets_a_database_of_its_own(new_database: Callable[[str], str]) -> None:
    first, second = new_database("limits"), new_database("limits")
    _ask(first, "CREATE TABLE mark (x int)")
    assert _ask(second, "SELECT to_regclass('mark')") is None


def test_databases_are_gone_afterwards(database_server: DatabaseServer) -> None:
    with database_server.databases(["limits"]) as prefix:
        name = _ask(
            Settings(database_url=database_server.url, database_prefix=prefix).database("limits"),
            "SELECT current_database()",
        )
    assert _ask(database_server.url, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == 0


def test_settings_hold_a_database_for_every_service(settings: Settings) -> None:
    assert _ask(settings.database("gateway"), "SELECT 1") == 1


def test_a_crashed_server_comes_back_with_what_was_committed(own_postgres: OwnPostgres) -> None:
    _ask(own_postgres.url, "CREATE TABLE kept AS SELECT 42 AS x")
    own_postgres.restart()
    assert _ask(own_postgres.url, "SELECT x FROM kept") == 42


def test_the_second_user_joins_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first, second = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    assert first.start() == second.start()
    assert first.stop() is False
    assert _ask(second.url, "SELECT 1") == 1
    assert second.stop() is True
    assert not PostgresServer(tmp_path / "postgres").is_running()


def test_a_server_left_over_by_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    left_over = PostgresServer(tmp_path / "postgres")
    left_over.start()
    again = EmbeddedPostgres(tmp_path)
    again.start()
    assert PostgresServer(tmp_path / "postgres").pid() == left_over.pid()
    assert again.stop() is True


def test_a_pid_that_somebody_else_got_after_a_crash_does_not_matter(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    _ask(server.url, "CREATE TABLE kept AS SELECT 42 AS x")
    server.stop("kill")
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    _, _, rest = pid_file.read_text().partition("\n")
    pid_file.write_text(f"{os.getpid()}\n{rest}")
    server.start()
    assert _ask(server.url, "SELECT x FROM kept") == 42
    server.stop()


def test_an_interrupted_first_start_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18")
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    assert _ask(server.url, "SELECT 1") == 1
    server.stop()


def test_data_of_another_major_version_are_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresError, match="PostgreSQL 16"):
        PostgresServer(tmp_path / "postgres").start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", settings={"shared_buffers": "nonsense"})
    with pytest.raises(PostgresError, match="shared_buffers"):
        server.start()


def test_a_very_long_path_works(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / ("很长的目录" * 8) / "postgres")
    server.start()
    assert _ask(server.url, "SELECT 1") == 1
    server.stop()
