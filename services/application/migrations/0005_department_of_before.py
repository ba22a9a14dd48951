"""The department of applications that were filed before it was kept, as far as it can be known.

It is that of the initiator when they next filed something, an application or a record of a form. Of whoever
filed nothing since, nothing here knows it: theirs stay without one, and no scope of departments reaches them.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fill in what is known."""
    op.execute(
        """
        WITH filed AS (
            SELECT initiator AS who, created_at, id, department FROM applications
            UNION ALL
            SELECT created_by, created_at, id, department FROM form_records
        ), known AS (
            SELECT DISTINCT ON (old.id) old.id, filed.department
            FROM applications AS old
            JOIN filed ON filed.who = old.initiator AND filed.created_at >= old.created_at
            WHERE old.department IS NULL AND filed.department IS NOT NULL
            ORDER BY old.id, filed.created_at, filed.id
        )
        UPDATE applications SET department = known.department
        FROM known WHERE known.id = applications.id
        """
    )


def downgrade() -> None:
    """Keep what was filled in: what was filed without a department is not known any more."""
