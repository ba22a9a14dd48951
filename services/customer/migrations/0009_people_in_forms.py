"""Whom fields of forms may name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; it is filled from what identity has told."""
    op.create_table(
        "form_people",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('user', 'department', 'role')", name=op.f("ck_form_people_kind")),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_form_people")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("form_people")
