"""Saving the whole suite in one file and bringing it back: databases of one moment, files and keys."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from credit import databases, postgres_server
from credit.databases import DatabaseProblem, dsn, name_of
from services.common.config import ALL_SERVICES, Settings

FORMAT = 1
_LOCK_TIMEOUT_MS = 10_000
_RESTORING = "_restoring"
_REPLACED = "_replaced"


class BackupProblem(Exception):
    """The backup or restore cannot go on; the text says why. The target is as it was."""


def back_up(settings: Settings, target: Path) -> dict[str, Any]:
    """Write everything to `target` (a `.tar.gz`); returns its manifest.

    The databases are saved as of one moment: no service has read further than another has written.
    """
    dump = _program("pg_dump", databases.server_major(settings))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder, ExitStack() as stack:
        work = Path(folder)
        for name, snapshot in stack.enter_context(_one_moment(settings)).items():
            _run(
                [dump, "--format=custom", "--compress=0", "--no-owner", f"--snapshot={snapshot}"],
                [f"--file={work / name}.dump", dsn(settings, name)],
            )
        stack.close()
        manifest = _manifest(settings)
        partial = work / "backup.tar.gz"
        with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
            _add_text(archive, "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))
            for name in ALL_SERVICES:
                archive.add(work / f"{name}.dump", f"databases/{name}.dump")
            for name, path in _folders(settings).items():
                if path.is_dir():
                    archive.add(path, name)
        # It holds private keys and everybody's data.
        partial.chmod(0o600)
        partial.replace(target)
    return manifest


def restore(settings: Settings, source: Path, *, force: bool = False) -> dict[str, Any]:
    """Bring everything back from `source`; returns its manifest.

    Raises `BackupProblem` when services are running on the target, when it holds data and `force` is not
    given, or when the file is no such backup. The old databases stay until the new ones are complete.
    """
    running = databases.users_of(settings, ALL_SERVICES)
    if running:
        raise BackupProblem(f"请先停止服务再恢复 / still running: {', '.join(running)}")
    full = databases.not_empty(settings, ALL_SERVICES)
    if full and not force:
        raise BackupProblem(f"目标中已有数据 ({', '.join(full)}); 确定要覆盖请加 --force")
    with tempfile.TemporaryDirectory(prefix="credit-restore-") as folder:
        work = Path(folder)
        manifest = _unpack(source, work)
        _restore_databases(settings, work / "databases")
        for name, path in _folders(settings).items():
            if (work / name).is_dir():
                _replace_folder(work / name, path)
    return manifest


@contextmanager
def _one_moment(settings: Settings) -> Iterator[dict[str, str]]:
    """A snapshot of each database, all taken while nobody could add an event or move a position."""
    with ExitStack() as stack:
        snapshots = {}
        with ExitStack() as locks:
            for name in ALL_SERVICES:
                cursor = locks.enter_context(_transaction(settings, name))
                cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
                cursor.execute("LOCK TABLE events, event_head, positions IN SHARE MODE")
            for name in ALL_SERVICES:
                cursor = stack.enter_context(_transaction(settings, name))
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SELECT pg_export_snapshot()")
                snapshots[name] = cursor.fetchone()[0]
        yield snapshots


@contextmanager
def _transaction(settings: Settings, name: str) -> Iterator[Any]:
    try:
        connection = psycopg2.connect(dsn(settings, name))
    except psycopg2.OperationalError as problem:
        raise DatabaseProblem(f"无法连接数据库 {name}: {problem}") from problem
    try:
        with connection.cursor() as cursor:
            yield cursor
    except psycopg2.errors.LockNotAvailable as problem:
        raise BackupProblem(f"数据库 {name} 正忙, 未能取得一致的时间点, 请稍后重试") from problem
    finally:
        connection.close()


def _manifest(settings: Settings) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "services": list(ALL_SERVICES),
        "postgres": databases.server_major(settings),
        # Files in a store of their own (S3 and the like) have their own backup.
        "files": "included" if "files" in _folders(settings) else settings.storage_url,
    }


def _folders(settings: Settings) -> dict[str, Path]:
    folders = {"keys": settings.keys_dir}
    if not settings.storage_url:
        folders["files"] = Path(settings.files_url)
    elif "://" not in settings.storage_url:
        folders["files"] = Path(settings.storage_url)
    return folders


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, tarfile.TarError, ValueError, EOFError) as problem:
        raise BackupProblem(f"{source} 不是完整的备份文件: {problem}") from problem
    if manifest.get("format") != FORMAT:
        raise BackupProblem(f"{source} 的格式是 {manifest.get('format')}, 本程序只认识 {FORMAT}")
    missing = [name for name in ALL_SERVICES if not (folder / "databases" / f"{name}.dump").exists()]
    if missing:
        raise BackupProblem(f"备份文件缺少数据库: {', '.join(missing)}")
    return manifest


def _restore_databases(settings: Settings, dumps: Path) -> None:
    program = _program("pg_restore", databases.server_major(settings))
    names = {service: name_of(settings, service) for service in ALL_SERVICES}
    with databases.server(settings) as cursor:
        try:
            for service, name in names.items():
                databases.drop(cursor, name + _RESTORING)
                databases.create(cursor, name + _RESTORING)
                arguments = [f"--dbname={dsn(settings, service + _RESTORING)}", f"{dumps / service}.dump"]
                _run([program, "--no-owner", "--exit-on-error"], arguments)
        except BaseException:
            for name in names.values():
                databases.drop(cursor, name + _RESTORING)
            raise
        for name in names.values():
            databases.drop(cursor, name)
            databases.rename(cursor, name + _RESTORING, name)


def _replace_folder(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(target.name + _REPLACED)
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    shutil.copytree(source, target)
    shutil.rmtree(old, ignore_errors=True)


def _program(name: str, server_major: int) -> str:
    """The installed program where it is new enough for the server, else the embedded PostgreSQL's."""
    installed = shutil.which(name)
    if installed is not None:
        version = subprocess.run([installed, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"(\d+)", version)
        if found and int(found[1]) >= server_major:
            return installed
    return str(postgres_server.binary(name))


def _run(command: list[str], arguments: list[str]) -> None:
    environment = os.environ | {"PGCONNECT_TIMEOUT": "10", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupProblem(f"{Path(command[0]).name} 失败 / failed:\n{done.stderr.strip()}")


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))
