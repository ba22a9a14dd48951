"""Tell the services what the installation allows already: until now only callers carried it."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
_TELL = """
    INSERT INTO events (id, type, subject, ordering_key, time, actor, trace_id, data, dataversion)
    SELECT :id, 'duties_changed', 'duties', 'duties', clock_timestamp(), 'system', '',
        jsonb_build_object('duties', jsonb_object_agg(key, allowed)), 1
    FROM duties
    HAVING count(*) > 0
"""


def upgrade() -> None:
    op.execute(sa.text(_TELL).bindparams(sa.bindparam("id", uuid.uuid4(), sa.Uuid())))


def downgrade() -> None:
    """What was told stays told."""
