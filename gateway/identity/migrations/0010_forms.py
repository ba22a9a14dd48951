"""The forms that people define, as resources that rights are about: a copy of what their services publish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, whose changes concern everybody's rights."""
    op.create_table(
        "form_resources",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_form_resources")),
    )
    op.execute(
        "CREATE FUNCTION note_change_of_form_resources() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN INSERT INTO identity_changes (subject) VALUES ('everybody'); RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE ON form_resources"
        " FOR EACH ROW EXECUTE FUNCTION note_change_of_form_resources()"
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("form_resources")
    op.execute("DROP FUNCTION note_change_of_form_resources()")
