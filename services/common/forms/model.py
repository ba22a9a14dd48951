"""The tables of definitions, which every service that keeps forms has."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text
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
