"""What Alembic runs for every service: one transaction under a lock, over the connection it was handed."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

_MIGRATION_LOCK = 7_230_001
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    # Several replicas may start at once: the first migrates, the others find nothing left to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    context.run_migrations()
