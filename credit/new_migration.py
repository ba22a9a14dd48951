"""`python -m credit.new_migration SERVICE MESSAGE`: write a migration from the tables in code.

Compares with a throw-away database on the server at `DATABASE_URL`, else on an embedded one.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

from sqlalchemy import create_engine, text

from credit.embedded_postgres import EmbeddedPostgres
from services.common.config import GATEWAY, load_settings
from services.common.migrations import make_revision, upgrade


def main(service: str, message: str) -> None:
    """Make the revision."""
    room = "gateway.identity" if service == GATEWAY else f"services.{service}"
    metadata = importlib.import_module(f"{room}.model").metadata
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings()
        server = None
        if not settings.database_url:
            server = EmbeddedPostgres(Path(folder))
            settings = settings.with_database(server.start())
        settings = replace(settings, database_prefix=f"revision_{uuid.uuid4().hex[:8]}_")
        url = settings.database(service)
        server_url, _, name = url.rpartition("/")
        admin = create_engine(f"{server_url}/postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        try:
            upgrade(service, url)
            make_revision(service, url, metadata, message)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            admin.dispose()
            if server is not None:
                server.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
