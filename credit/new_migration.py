"""`python -m credit.new_migration SERVICE MESSAGE`: write a migration from the tables in code.

Compares them with a throw-away database on the server at `DATABASE_URL`, else on an embedded one.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

from credit import databases
from credit.suite import with_server
from services.common.config import GATEWAY, load_settings
from services.common.migrations import make_revision, upgrade, versions_folder


def main(service: str, message: str) -> None:
    """Make the revision."""
    room = "gateway.identity" if service == GATEWAY else f"services.{service}"
    metadata = importlib.import_module(f"{room}.model").metadata
    versions_folder(service).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"revision_{uuid.uuid4().hex[:8]}_"
        settings = replace(load_settings(), data_dir=Path(folder), database_prefix=prefix)
        with with_server(settings) as served:
            databases.create_missing(served, (service,))
            try:
                upgrade(service, served.database(service))
                make_revision(service, served.database(service), metadata, message)
            finally:
                with databases.server(served) as cursor:
                    databases.drop(cursor, databases.name_of(served, service))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
