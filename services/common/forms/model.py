"""The tables of definitions and of files, which every service that keeps forms has."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT


def definition_tables(metadata: MetaData) -> tuple[Table, Table]:
    """What is published for ever, and the drafts: `form_versions` and `form_drafts`."""
    versions = Table(
        "form_versions",
        metadata,
        Column("key", Text, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("definition", JSONB, nullable=False),
        Column("published_at", INSTANT, nullable=False),
        Column("published_by", Text, nullable=False),
        CheckConstraint("version > 0", name="version"),
    )
    drafts = Table(
        "form_drafts",
        metadata,
        Column("key", Text, primary_key=True),
        Column("definition", JSONB, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("author", Text, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        CheckConstraint("revision > 0", name="revision"),
    )
    return versions, drafts


def file_table(metadata: MetaData) -> Table:
    """Files of the fields of forms: `released_at` since when no record holds one, `removed_at` its end.

    `storage_key` is null once the bytes are gone.
    """
    files = Table(
        "form_files",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("form", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("record_id", Uuid),
        Column("name", Text, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("storage_key", Text, unique=True),
        Column("uploaded_at", INSTANT, nullable=False),
        Column("uploaded_by", Text, nullable=False),
        Column("released_at", INSTANT),
        Column("removed_at", INSTANT),
        CheckConstraint("size_bytes > 0", name="size"),
        CheckConstraint("removed_at IS NULL OR released_at IS NOT NULL", name="released_first"),
    )
    Index("ix_form_files_record", files.c.record_id)
    Index("ix_form_files_released", files.c.released_at, postgresql_where=files.c.storage_key.isnot(None))
    return files


def people_table(metadata: MetaData) -> Table:
    """The users, departments and roles that fields may name, by username, code and key."""
    return Table(
        "form_people",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        CheckConstraint("kind IN ('user', 'department', 'role')", name="kind"),
    )
