"""Bringing each service's database to the shape that its code expects (Alembic, one history per service)."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine

from services.common.config import GATEWAY

_ROOT = Path(__file__).resolve().parents[3]


def versions_folder(service: str) -> Path:
    """Where a service's migrations lie."""
    if service == GATEWAY:
        return _ROOT / "gateway" / "identity" / "migrations"
    return _ROOT / "services" / service / "migrations"


def upgrade(service: str, url: str) -> None:
    """Run the migrations that a service's database lacks; safe to run from several places at once."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            command.upgrade(_config(service, connection), "head")
    finally:
        engine.dispose()


def downgrade(service: str, url: str, revision: str) -> None:
    """Take back the migrations after `revision`, for a release that is withdrawn."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            command.downgrade(_config(service, connection), revision)
    finally:
        engine.dispose()


def is_current(service: str, connection: Connection) -> bool:
    """Whether a database has every migration that the code knows."""
    heads = set(ScriptDirectory.from_config(_config(service, connection)).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def make_revision(service: str, url: str, metadata: MetaData, message: str) -> None:
    """Write a new migration from the difference between the tables in code and the database at `url`."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            config = _config(service, connection)
            config.attributes["metadata"] = metadata
            command.revision(config, message, autogenerate=True, version_path=str(versions_folder(service)))
    finally:
        engine.dispose()


def _config(service: str, connection: Connection) -> Config:
    config = Config(stdout=sys.stderr)
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("version_locations", str(versions_folder(service)))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
