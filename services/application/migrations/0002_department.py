"""The department that an application was filed in; that of those filed before is not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("applications", sa.Column("department", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("applications", "department")
