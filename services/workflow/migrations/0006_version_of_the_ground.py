"""A version of all that every move of a flow reads of the company, so that processes need not read it anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    *("users", "departments", "absences", "duties", "authorities"),
    *("calendar_days", "calendar_hours"),
)


def upgrade() -> None:
    op.create_table(
        "ground_version",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_ground_version_only_one")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_ground_version")),
    )
    op.execute("INSERT INTO ground_version VALUES (true, gen_random_uuid())")
    # Never the same twice, also where a transaction was rolled back or a database copied.
    op.execute(
        "CREATE FUNCTION change_ground_version() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN UPDATE ground_version SET version = gen_random_uuid(); RETURN NULL; END $$"
    )
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER change_ground_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION change_ground_version()"
        )


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP TRIGGER change_ground_version ON {table}")
    op.execute("DROP FUNCTION change_ground_version()")
    op.drop_table("ground_version")
