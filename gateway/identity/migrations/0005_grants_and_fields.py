"""How far rights reach, which fields roles may see, shared records, and whose rights have changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What the product gave its roles until now, so that only what is new reaches them.
_READ = (
    "customers.read applications.read tasks.read tasks.act todos.read todos.act instances.read credit.read "
    "orders.read orders.check invoices.read payments.read credit_notes.read write_offs.read disputes.read "
    "decisions.read ratings.read rules.read flows.read forms.read notifications.read reports.read "
    "dashboards.read expressions.use "
)
_GIVEN = {
    "salesperson": "customers.create customers.update applications.create applications.submit "
    "applications.withdraw orders.create orders.change deliveries.create disputes.open",
    "department_manager": "customers.create customers.update applications.create applications.submit "
    "applications.withdraw orders.create orders.change customers.export",
    "risk_analyst": "credit.freeze credit.unfreeze credit.verify orders.release rules.write rules.publish "
    "ratings.write flows.write customers.update customers.export dashboards.write",
    "cfo": "credit.grant credit.freeze credit.unfreeze credit.verify orders.release customers.export "
    "flows.publish rules.publish dashboards.write write_offs.create write_offs.reverse disputes.resolve",
    "finance": "invoices.create invoices.reverse payments.create payments.reverse payments.allocate "
    "credit_notes.create credit_notes.reverse deliveries.reverse disputes.open disputes.resolve "
    "orders.create orders.change deliveries.create credit.freeze credit.verify customers.export",
}
# A right that was split: whoever had the first keeps doing what it let them do.
_SPLIT = {
    "tasks.act": ("tasks.approve", "tasks.reject", "tasks.return"),
    "rules.read": ("rules.test", "firings.read"),
    "flows.read": ("flows.simulate",),
    "reports.read": ("reports.export",),
}
# Of each table: what says that rights have changed, and whom it concerns.
_WATCHED = {
    "users": (
        "INSERT OR DELETE OR UPDATE OF active, roles, department, username, name",
        "'user:' || coalesce(NEW.id, OLD.id)",
    ),
    "sessions": ("DELETE OR UPDATE OF ended_at, expires_at", "'session:' || coalesce(NEW.id, OLD.id)"),
    "api_keys": (
        "DELETE OR UPDATE OF permissions, revoked_at, expires_at",
        "'key:' || coalesce(NEW.id, OLD.id)",
    ),
    "record_shares": ("INSERT OR DELETE OR UPDATE", "'user:' || coalesce(NEW.user_id, OLD.user_id)"),
    "roles": ("INSERT OR DELETE OR UPDATE", "'everybody'"),
    "departments": ("INSERT OR DELETE OR UPDATE OF code, parent", "'everybody'"),
    "duties": ("INSERT OR DELETE OR UPDATE", "'everybody'"),
}


def upgrade() -> None:
    """Make the tables, the triggers, and what of the roles is new."""
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    for name, empty in (("grants", "{}"), ("fields", "{}"), ("offered", "[]")):
        default = sa.text(f"'{empty}'::jsonb")
        op.add_column("roles", sa.Column(name, jsonb, server_default=default, nullable=False))
    _make_tables()
    _watch()
    for role, given in _GIVEN.items():
        op.execute(
            sa.text(
                "UPDATE roles SET offered = to_jsonb(string_to_array(:given, ' ')) WHERE key = :role"
            ).bindparams(given=f"{_READ}{given}", role=role)
        )
    for table in ("roles", "api_keys"):
        for right, parts in _SPLIT.items():
            added = ", ".join(f"'{part}'" for part in parts)
            with_parts = f"permissions = permissions || jsonb_build_array({added})"
            op.execute(f"UPDATE {table} SET {with_parts} WHERE permissions ? '{right}'")  # noqa: S608 - our words


def _make_tables() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "record_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("shared_by", sa.Text(), nullable=False),
        sa.Column("shared_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=True),
        sa.CheckConstraint("level IN ('read', 'write')", name=op.f("ck_record_shares_level")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_record_shares_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_shares")),
        sa.UniqueConstraint("record_id", "user_id", name=op.f("uq_record_shares_record_id_user_id")),
    )
    op.create_index("ix_record_shares_user", "record_shares", ["user_id"])
    op.create_table(
        "duties",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_duties")),
    )
    op.create_table(
        "identity_changes",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", instant, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_identity_changes")),
    )
    op.create_index("ix_identity_changes_at", "identity_changes", ["at"])


def _watch() -> None:
    """Whatever changes the rights of somebody says so in the same transaction, also what is done by hand."""
    for table, (what, subject) in _WATCHED.items():
        body = f"BEGIN INSERT INTO identity_changes (subject) VALUES ({subject}); RETURN NULL; END"  # noqa: S608
        op.execute(
            f"CREATE FUNCTION note_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        )
        op.execute(
            f"CREATE TRIGGER note_change AFTER {what} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION note_change_of_{table}()"
        )


def downgrade() -> None:
    """Take back what is new; the rights that were split stay split."""
    for table in _WATCHED:
        op.execute(f"DROP TRIGGER note_change ON {table}")
        op.execute(f"DROP FUNCTION note_change_of_{table}()")
    for table in ("identity_changes", "duties", "record_shares"):
        op.drop_table(table)
    for column in ("offered", "fields", "grants"):
        op.drop_column("roles", column)
