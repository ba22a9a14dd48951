"""Files in the fields of forms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "form_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_form_files_size")),
        sa.CheckConstraint(
            "removed_at IS NULL OR released_at IS NOT NULL", name=op.f("ck_form_files_released_first")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_files")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_form_files_storage_key")),
    )
    op.create_index("ix_form_files_record", "form_files", ["record_id"])
    op.create_index(
        "ix_form_files_released",
        "form_files",
        ["released_at"],
        postgresql_where=sa.text("storage_key IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("form_files")
