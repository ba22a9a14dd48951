"""Departments above a customer's own, whose pools its orders draw on as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "departments",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_departments")),
    )
    # What is above a department is told by the gateway, whose log is read from its beginning.
    op.add_column("customers", sa.Column("departments", postgresql.ARRAY(sa.Text()), nullable=True))
    op.execute("UPDATE customers SET departments = array_remove(ARRAY[department], NULL)")
    op.create_index(
        "ix_customers_departments", "customers", ["departments"], unique=False, postgresql_using="gin"
    )


def downgrade() -> None:
    op.drop_index("ix_customers_departments", table_name="customers", postgresql_using="gin")
    op.drop_column("customers", "departments")
    op.drop_table("departments")
