"""The segment of an invoice and of a credit note is its order's, where that has one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = ("invoices", "payments")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("segment", sa.Text(), nullable=True))
        # What was posted until now stays where it was posted.
        op.execute(f"UPDATE {table} SET segment = company")  # noqa: S608 - names of our own
        op.alter_column(table, "segment", nullable=False)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "segment")
