"""Graphs of tokens, people's actions, deadlines, bindings."""

from __future__ import annotations

from datetime import time

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


_FLOWS = "UPDATE instances SET flow_id = flows.id FROM flows WHERE flows.key = instances.flow_key"
# A running instance stands at one node with one token, known by its visit.
_TOKENS = """
    UPDATE instances SET tokens = jsonb_build_object(
        'tokens', CASE WHEN state = 'running' THEN jsonb_build_object(visit::text, node) ELSE '{}'::jsonb END,
        'joins', '{}'::jsonb,
        'visits', visit,
        'passed', coalesce(
            (
                SELECT jsonb_agg(node ORDER BY last)
                FROM (
                    SELECT tasks.node, max(tasks.visit) AS last
                    FROM tasks
                    WHERE tasks.instance_id = instances.id AND tasks.action = 'approve'
                    GROUP BY tasks.node
                ) AS done
            ),
            '[]'::jsonb
        ),
        'approved', '{}'::jsonb,
        'back', '{}'::jsonb
    )
"""
_STATES = (
    "'running', 'approved', 'rejected', 'returned', 'withdrawn', 'granting', 'effective', 'grant_failed'"
)
_CHECKS_BEFORE = (
    ("instances", "state", f"state IN ({_STATES})"),
    ("tasks", "kind", "kind IN ('approval', 'todo')"),
    ("tasks", "state", "state IN ('open', 'done', 'superseded', 'cancelled')"),
)
_CHECKS_NOW = (
    ("instances", "state", f"state IN ({_STATES}, 'terminated')"),
    ("tasks", "kind", "kind IN ('approval', 'todo', 'cc')"),
    ("tasks", "state", "state IN ('open', 'waiting', 'done', 'superseded', 'cancelled')"),
)


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("flow_key", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absences_span")),
        sa.CheckConstraint("username <> deputy", name=op.f("ck_absences_somebody_else")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_username"), "absences", ["username"], unique=False)
    op.create_table(
        "authorities",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_authorities_amount")),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_authorities")),
    )
    op.create_table(
        "bindings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("flow_key", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("event", "type", name=op.f("uq_bindings_event_type")),
    )
    op.create_table(
        "calendar_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_days")),
    )
    op.create_table(
        "calendar_hours",
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.CheckConstraint("starts < ends", name=op.f("ck_calendar_hours_span")),
        sa.PrimaryKeyConstraint("starts", name=op.f("pk_calendar_hours")),
    )
    op.create_table(
        "duties",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_duties")),
    )
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('deadline', 'reminder', 'delay', 'subflow', 'webhook')", name=op.f("ck_timers_kind")
        ),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], name=op.f("fk_timers_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timers")),
    )
    op.create_index(op.f("ix_timers_due_at"), "timers", ["due_at"], unique=False)
    op.create_index("ix_timers_visit", "timers", ["instance_id", "visit"], unique=False)
    op.add_column("instances", sa.Column("flow_id", sa.Uuid(), nullable=True))
    op.add_column("instances", sa.Column("tokens", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("instances", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("instances", sa.Column("parent_visit", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_instances_parent_id"), "instances", "instances", ["parent_id"], ["id"])
    op.create_foreign_key(op.f("fk_instances_flow_id"), "instances", "flows", ["flow_id"], ["id"])
    op.add_column("tasks", sa.Column("stands_for", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("sign", sa.Text(), nullable=False, server_default="main"))
    op.add_column("tasks", sa.Column("by", sa.Uuid(), nullable=True))
    op.add_column("tasks", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("urged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tasks", sa.Column("urged", sa.Integer(), nullable=False, server_default="0"))
    op.drop_constraint(op.f("uq_tasks_group_key_assignee"), "tasks", type_="unique")
    op.create_unique_constraint(
        op.f("uq_tasks_group_key_assignee_turn"), "tasks", ["group_key", "assignee", "turn"]
    )
    for name in ("place", "sign", "turn", "urged"):
        op.alter_column("tasks", name, server_default=None)
    op.create_index("ix_instances_subject_key", "instances", ["subject_type", "subject_key"])
    op.execute(_FLOWS)
    op.execute(_TOKENS)
    for name in ("flow_id", "tokens"):
        op.alter_column("instances", name, nullable=False)
    for table, name, condition in _CHECKS_NOW:
        _replace_check(table, name, condition)
    op.create_check_constraint(
        op.f("ck_tasks_sign"), "tasks", "sign IN ('main', 'beside', 'before', 'after', 'delegate')"
    )
    op.bulk_insert(
        sa.table("calendar_hours", sa.column("starts", sa.Time()), sa.column("ends", sa.Time())),
        [{"starts": time(9), "ends": time(12)}, {"starts": time(13), "ends": time(18)}],
    )


def downgrade() -> None:
    op.drop_index("ix_instances_subject_key", table_name="instances")
    op.drop_constraint(op.f("ck_tasks_sign"), "tasks", type_="check")
    for table, name, condition in _CHECKS_BEFORE:
        _replace_check(table, name, condition)
    op.drop_constraint(op.f("uq_tasks_group_key_assignee_turn"), "tasks", type_="unique")
    op.create_unique_constraint(
        op.f("uq_tasks_group_key_assignee"),
        "tasks",
        ["group_key", "assignee"],
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("tasks", "urged")
    op.drop_column("tasks", "urged_at")
    op.drop_column("tasks", "turn")
    op.drop_column("tasks", "by")
    op.drop_column("tasks", "sign")
    op.drop_column("tasks", "place")
    op.drop_column("tasks", "stands_for")
    op.drop_constraint(op.f("fk_instances_flow_id"), "instances", type_="foreignkey")
    op.drop_constraint(op.f("fk_instances_parent_id"), "instances", type_="foreignkey")
    op.drop_column("instances", "parent_visit")
    op.drop_column("instances", "parent_id")
    op.drop_column("instances", "tokens")
    op.drop_column("instances", "flow_id")
    op.drop_index("ix_timers_visit", table_name="timers")
    op.drop_index(op.f("ix_timers_due_at"), table_name="timers")
    op.drop_table("timers")
    op.drop_table("duties")
    op.drop_table("calendar_hours")
    op.drop_table("calendar_days")
    op.drop_table("bindings")
    op.drop_table("authorities")
    op.drop_index(op.f("ix_absences_username"), table_name="absences")
    op.drop_table("absences")
