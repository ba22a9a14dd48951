"""PostgreSQL for tests: databases with random names, and a server of our own that may be killed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

from credit.postgres_server import PostgresServer
from services.common.config import ALL_SERVICES, Settings
from services.common.migrations import upgrade, versions_folder
from tests.support.ports import free_port


class OwnPostgres(PostgresServer):
    """A durable server on a free loopback port, for tests in which it dies."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder / "postgres", port=port or free_port(), settings={"shared_buffers": "32MB"})

    def crash(self) -> None:
        """End it as a power cut does: no clean-up, every connection is lost."""
        self.stop("immediate")

    def restart(self) -> None:
        """Crash it and start it again, on the same port."""
        self.crash()
        self.start()


class DatabaseServer:
    """The server on which a test run makes its databases; each service is migrated once and then copied."""

    def __init__(self, url: str, own: PostgresServer | None = None, folder: Path | None = None) -> None:
        self.url = Settings(database_url=url, database_prefix="").database("postgres")
        self._own = own
        self._folder = folder
        self._run = f"credit_test_{secrets.token_hex(4)}_"
        self._templates: dict[str, str] = {}

    @classmethod
    def find(cls) -> DatabaseServer:
        """The server named by DATABASE_URL, else one started for this run."""
        given = os.environ.get("DATABASE_URL", "")
        if given:
            return cls(given)
        folder = Path(tempfile.mkdtemp(prefix="credit-test-"))
        # Nothing here outlives the run, so nothing needs to reach the disk.
        own = PostgresServer(folder / "postgres", settings={"fsync": "off", "full_page_writes": "off"})
        own.start()
        return cls(own.url, own, folder)

    @contextmanager
    def databases(self, services: Iterable[str] = ALL_SERVICES) -> Iterator[str]:
        """One fresh, migrated database per service; yields their prefix and drops them afterwards."""
        prefix = f"{self._run}{secrets.token_hex(3)}_"
        made = []
        try:
            for service in services:
                self.create(prefix + service, template=self._template(service))
                made.append(prefix + service)
            yield prefix
        finally:
            for name in made:
                self.drop(name)

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, a copy of `template`; answers its URL."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return Settings(database_url=self.url, database_prefix="").database(name)

    def drop(self, name: str) -> None:
        """Drop a database, and whoever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Drop the templates; end the server if it is ours."""
        if self._own is not None:
            self._own.stop("immediate")
            if self._folder is not None:
                shutil.rmtree(self._folder)
            return
        for name in self._templates.values():
            self.drop(name)

    def _template(self, service: str) -> str:
        if service not in self._templates:
            name = f"{self._run}template_{service}"
            url = self.create(name)
            if versions_folder(service).is_dir():
                upgrade(service, url)
            self._templates[service] = name
        return self._templates[service]

    def _execute(self, statement: sql.Composable) -> None:
        connection = psycopg2.connect(self.url.replace("+psycopg2", "", 1))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()
