"""Which customers are on the white list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark; until the customer service tells of one, nobody is on the list."""
    op.add_column(
        "customers", sa.Column("whitelisted", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_column("customers", "whitelisted")
