"""The embedded PostgreSQL of one data folder: its first user starts it, the last to leave stops it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from credit.postgres_server import PostgresError, PostgresServer

_LOCK_SECONDS_MAX = 150
_POLL_SECONDS = 0.05


class EmbeddedPostgres:
    """Shares one server between the processes that work on a data folder.

    Whoever uses it holds a shared lock that the kernel drops when the process dies, so a server left over by
    a killed process is found, used, and stopped in its turn.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._server = PostgresServer(data_dir / "postgres")
        self._users: int | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the server."""
        return self._server.url

    def start(self) -> str:
        """Start the server, or join it; answers its SQLAlchemy URL. Raises `PostgresError`."""
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            self._server.start()
            users = os.open(self._data_dir / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            self._users = users
        return self._server.url

    def stop(self) -> bool:
        """Leave the server; stops it, and answers true, when nobody else uses it."""
        if self._users is None:
            return False
        with self._alone():
            users, self._users = self._users, None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(users)
            self._server.stop()
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        lock = os.open(self._data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock_exclusively(lock)
            yield
        finally:
            os.close(lock)


def _lock_exclusively(lock: int) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise PostgresError("另一个进程正在启动或停止内置数据库, 请稍后重试") from None
            time.sleep(_POLL_SECONDS)
