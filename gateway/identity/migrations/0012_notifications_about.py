"""What a notification is about is kept instead of its text, which is made of it when it is read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = "[0-9a-f]{8}-[0-9a-f-]{27}"


def upgrade() -> None:
    """Find what was told of by the key; what does not show in it is dropped: the tasks themselves are there."""
    op.alter_column("notifications", "title", nullable=True)
    op.alter_column("notifications", "body", nullable=True)
    op.add_column("notifications", sa.Column("about", postgresql.JSONB(), nullable=True))
    for kind, name, pattern in (
        ("rule", "customer_id", f"^rule:.*:({_ID}):[^:]*$"),
        ("flow", "instance_id", f"^flow:({_ID}):"),
    ):
        found = sa.text(
            "UPDATE notifications SET about = jsonb_build_object('kind', CAST(:kind AS text),"
            " CAST(:name AS text), substring(key from :pattern)) WHERE key ~ :pattern"
        )
        op.get_bind().execute(found, {"kind": kind, "name": name, "pattern": pattern})
    op.execute("DELETE FROM notifications WHERE about IS NULL")
    op.alter_column("notifications", "about", nullable=False)


def downgrade() -> None:
    """Notifications without a text of their own cannot be shown by an older release."""
    op.execute("DELETE FROM notifications WHERE title IS NULL")
    op.drop_column("notifications", "about")
    op.alter_column("notifications", "body", nullable=False)
    op.alter_column("notifications", "title", nullable=False)
