"""Tests of `credit backup` and `credit restore`, on the embedded PostgreSQL and on a server."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from credit.backup import BackupProblem, back_up, restore
from credit.databases import dsn
from credit.suite import migrate, with_server
from services.common.config import ALL_SERVICES, Settings
from services.common.keys import make_missing_keys
from tests.support.postgres import DatabaseServer


@pytest.fixture(params=["embedded", "server"])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, database_server: DatabaseServer
) -> Iterator[Settings]:
    """A migrated suite with keys and an attachment, not running."""
    data_dir = tmp_path / "var"
    settings = Settings(data_dir=data_dir, keys_dir=data_dir / "keys")
    with ExitStack() as stack:
        if request.param == "server":
            prefix = stack.enter_context(database_server.databases())
            settings = replace(settings, database_url=database_server.url, database_prefix=prefix)
        reached = stack.enter_context(with_server(settings))
        migrate(reached)
        make_missing_keys(settings.keys_dir)
        (data_dir / "files" / "attachments").mkdir(parents=True)
        (data_dir / "files" / "attachments" / "contract").write_text("合同")
        yield reached


def _execute(settings: Settings, service: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(dsn(settings, service))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _mark(settings: Settings, value: int) -> None:
    for service in ALL_SERVICES:
        _execute(
            settings, service, f"CREATE TABLE IF NOT EXISTS mark (x int); INSERT INTO mark VALUES ({value})"
        )


def _marks(settings: Settings) -> list[list[tuple[object, ...]]]:
    return [_execute(settings, service, "SELECT x FROM mark ORDER BY x") for service in ALL_SERVICES]


def test_everything_comes_back_as_it_was(installation: Settings, tmp_path: Path) -> None:
    _mark(installation, 1)
    key = (installation.keys_dir / "private" / "gateway.pem").read_bytes()
    back_up(installation, tmp_path / "saved.tar.gz")
    _mark(installation, 2)
    (installation.data_dir / "files" / "attachments" / "contract").write_text("改过")
    (installation.keys_dir / "private" / "gateway.pem").write_text("lost")
    restore(installation, tmp_path / "saved.tar.gz", force=True)
    assert _marks(installation) == [[(1,)]] * len(ALL_SERVICES)
    assert (installation.data_dir / "files" / "attachments" / "contract").read_text() == "合同"
    assert (installation.keys_dir / "private" / "gateway.pem").read_bytes() == key
    assert (installation.keys_dir / "private" / "gateway.pem").stat().st_mode & 0o077 == 0


def test_a_target_with_data_is_refused_without_force(installation: Settings, tmp_path: Path) -> None:
    _mark(installation, 1)
    back_up(installation, tmp_path / "saved.tar.gz")
    _mark(installation, 2)
    with pytest.raises(BackupProblem, match="--force"):
        restore(installation, tmp_path / "saved.tar.gz")
    assert _marks(installation) == [[(1,), (2,)]] * len(ALL_SERVICES)


def test_a_damaged_file_changes_nothing(installation: Settings, tmp_path: Path) -> None:
    _mark(installation, 1)
    saved = tmp_path / "saved.tar.gz"
    back_up(installation, saved)
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(BackupProblem, match="不是完整的备份文件"):
        restore(installation, saved, force=True)
    assert _marks(installation) == [[(1,)]] * len(ALL_SERVICES)


def test_a_dump_that_cannot_be_read_leaves_the_present_data(installation: Settings, tmp_path: Path) -> None:
    _mark(installation, 1)
    saved, altered, folder = tmp_path / "saved.tar.gz", tmp_path / "altered.tar.gz", tmp_path / "unpacked"
    back_up(installation, saved)
    with tarfile.open(saved) as archive:
        archive.extractall(folder, filter="data")
    (folder / "databases" / "workflow.dump").write_bytes(b"nonsense")
    with tarfile.open(altered, "w:gz") as archive:
        archive.add(folder, ".")
    with pytest.raises(BackupProblem, match="pg_restore"):
        restore(installation, altered, force=True)
    assert _marks(installation) == [[(1,)]] * len(ALL_SERVICES)


def test_a_running_service_stops_a_restore(installation: Settings, tmp_path: Path) -> None:
    back_up(installation, tmp_path / "saved.tar.gz")
    connection = psycopg2.connect(dsn(installation, "limits"), application_name="credit-limits")
    try:
        with pytest.raises(BackupProblem, match="credit-limits"):
            restore(installation, tmp_path / "saved.tar.gz", force=True)
    finally:
        connection.close()


def test_all_databases_are_saved_as_of_one_moment(installation: Settings, tmp_path: Path) -> None:
    """A position moved by one service during the backup is never ahead of the log that it was read from."""
    holder = psycopg2.connect(dsn(installation, "reporting"))
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("credit.backup._LOCK_TIMEOUT_MS", 200)
            with pytest.raises(BackupProblem, match="正忙"):
                back_up(installation, tmp_path / "saved.tar.gz")
    finally:
        holder.close()
    assert not (tmp_path / "saved.tar.gz").exists()


def test_the_file_is_for_its_owner_only(installation: Settings, tmp_path: Path) -> None:
    back_up(installation, tmp_path / "saved.tar.gz")
    assert (tmp_path / "saved.tar.gz").stat().st_mode & 0o077 == 0
