"""The tables of imports, which every service that takes tables in has."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT

STATES = ("uploaded", "checking", "checked", "running", "done", "failed", "cancelled")
# What the worker has in hand, or will have.
ACTIVE = ("checking", "running")


def import_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Every import with how far it is, and the rows of each that cannot be taken."""
    imports = Table(
        "imports",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("form", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("file_name", Text, nullable=False),
        # The plain lines that were made of the upload, see `imports.reading`.
        Column("lines_key", Text, nullable=False),
        Column("headings", JSONB, nullable=False),
        Column("preview", JSONB, nullable=False),
        Column("encoding", Text, nullable=False),
        Column("separator", Text, nullable=False),
        Column("rows", Integer, nullable=False),
        # By heading: the path of what it fills, null for a column that is to be left out.
        Column("mapping", JSONB, nullable=False),
        Column("existing", Text, nullable=False),
        Column("mode", Text, nullable=False),
        Column("state", Text, nullable=False),
        # Whose rights it works with, as they were when it was started.
        Column("caller", JSONB),
        Column("right", Text, nullable=False),
        Column("trace_id", Text, nullable=False),
        # The byte of the lines from which it goes on, and what came of those before it.
        Column("position", BigInteger, nullable=False),
        Column("phase", Text, nullable=False),
        Column("done", Integer, nullable=False),
        Column("created", Integer, nullable=False),
        Column("updated", Integer, nullable=False),
        Column("skipped", Integer, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("problem", JSONB),
        Column("cancelling", Boolean, nullable=False),
        Column("attempts", Integer, nullable=False),
        # Which worker has it in hand, and until when nobody else may take it.
        Column("lease", Uuid),
        Column("leased_until", INSTANT),
        Column("version", Integer, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        Column("started_at", INSTANT),
        Column("ended_at", INSTANT),
        CheckConstraint(f"state IN ({', '.join(repr(one) for one in STATES)})", name="state"),
        CheckConstraint("mode IN ('valid_rows', 'all_or_nothing')", name="mode"),
        CheckConstraint("existing IN ('refuse', 'skip', 'update')", name="existing"),
        CheckConstraint("phase IN ('check', 'write')", name="phase"),
    )
    Index("ix_imports_owner", imports.c.owner, imports.c.created_at)
    Index("ix_imports_active", imports.c.started_at, postgresql_where=imports.c.state.in_(ACTIVE))
    errors = Table(
        "import_errors",
        metadata,
        Column("import_id", Uuid, ForeignKey("imports.id"), primary_key=True),
        Column("line", Integer, primary_key=True),
        Column("errors", JSONB, nullable=False),
    )
    return imports, errors
