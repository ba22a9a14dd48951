"""How far the ledger has come in following what was set: in short steps, whoever ends the process."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("disputes_after", sa.Uuid()),
    sa.Column("horizon_after", sa.Uuid()),
    sa.Column("horizon_since", sa.Date()),
)


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("ledger_settings", column)


def downgrade() -> None:
    for column in _COLUMNS:
        op.drop_column("ledger_settings", str(column.name))
