"""An index of the numbered events alone; what waits for its number has its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_events_ordering_key", table_name="events")
    op.drop_constraint(op.f("uq_events_sequence"), "events", type_="unique")
    numbered = sa.text("sequence IS NOT NULL")
    op.create_index("uq_events_sequence", "events", ["sequence"], unique=True, postgresql_where=numbered)


def downgrade() -> None:
    op.drop_index("uq_events_sequence", table_name="events")
    op.create_unique_constraint(op.f("uq_events_sequence"), "events", ["sequence"])
    op.create_index("ix_events_ordering_key", "events", ["ordering_key", "sequence"], unique=False)
