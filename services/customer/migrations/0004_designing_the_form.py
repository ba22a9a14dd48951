"""Drafts of the customer form; texts of many lines, which a text was before, say so in what is published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Of the fields of a definition, those of this type with this key; the order stays.
_RETYPE = sa.text(
    "UPDATE form_versions SET definition = jsonb_set(definition, '{fields}', ("
    " SELECT coalesce(jsonb_agg(CASE WHEN field ->> 'type' = :before AND (:key = '' OR field ->> 'key' = :key)"
    " THEN field || jsonb_build_object('type', CAST(:after AS text)) ELSE field END ORDER BY place), '[]')"
    " FROM jsonb_array_elements(definition -> 'fields') WITH ORDINALITY AS listed (field, place)))"
)


def upgrade() -> None:
    """Make the table, and name the types as they are called now."""
    op.create_table(
        "form_drafts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_form_drafts_revision")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_form_drafts")),
    )
    op.execute(_RETYPE.bindparams(before="bool", after="switch", key=""))
    op.execute(_RETYPE.bindparams(before="text", after="textarea", key="remark"))


def downgrade() -> None:
    """Take it back."""
    op.execute(_RETYPE.bindparams(before="switch", after="bool", key=""))
    op.execute(_RETYPE.bindparams(before="textarea", after="text", key="remark"))
    op.drop_table("form_drafts")
