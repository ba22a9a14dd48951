"""The tables of flows, instances and tasks."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, service_metadata

metadata = service_metadata()

flows = Table(
    "flows",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("draft", JSONB, nullable=False),
    Column("published_version", Integer),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)

# Published versions never change: a running instance stays on its own.
flow_versions = Table(
    "flow_versions",
    metadata,
    Column("flow_id", Uuid, ForeignKey("flows.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("graph", JSONB, nullable=False),
    Column("published_at", INSTANT, nullable=False),
    Column("published_by", Text, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("flow_id", Uuid, ForeignKey("flows.id"), nullable=False),
    Column("flow_key", Text, nullable=False),
    Column("flow_version", Integer, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("submission", Integer, nullable=False),
    Column("customer_id", Uuid),
    Column("initiator", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("node", Text),
    Column("visit", Integer, nullable=False),
    # Where its tokens stand, see `engine.State`; `node` and `visit` are what lists show of it.
    Column("tokens", JSONB, nullable=False),
    Column("data", JSONB, nullable=False),
    # The instance whose sub-flow this is, and the visit that waits for it.
    Column("parent_id", Uuid, ForeignKey("instances.id")),
    Column("parent_visit", Integer),
    Column("started_at", INSTANT, nullable=False),
    Column("ended_at", INSTANT),
    UniqueConstraint("subject_type", "subject_id", "submission"),
    CheckConstraint(
        "state IN ('running', 'approved', 'rejected', 'returned', 'withdrawn', 'granting', 'effective', "
        "'grant_failed', 'terminated')",
        name="state",
    ),
)

Index("ix_instances_subject_key", instances.c.subject_type, instances.c.subject_key)

# People's work. A to-do is a task without an instance.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, ForeignKey("instances.id"), index=True),
    Column("node", Text, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    # Who is away, and has this done by the assignee.
    Column("stands_for", Text),
    # Its turn among those of its group, how it came to be (see `engine.votes`), and which task asked for it.
    Column("place", Integer, nullable=False),
    Column("sign", Text, nullable=False),
    Column("by", Uuid),
    # Counts what one person got of one group anew: taken away and asked again.
    Column("turn", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("action", Text),
    Column("opinion", Text),
    Column("urged_at", INSTANT),
    Column("urged", Integer, nullable=False),
    Column("due_at", INSTANT),
    Column("subject", JSONB, nullable=False),
    Column("customer_id", Uuid),
    # What this task was made for, once: tasks of one group are one piece of work for several people.
    Column("group_key", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("closed_at", INSTANT),
    UniqueConstraint("group_key", "assignee", "turn"),
    CheckConstraint("kind IN ('approval', 'todo', 'cc')", name="kind"),
    CheckConstraint("state IN ('open', 'waiting', 'done', 'superseded', 'cancelled')", name="state"),
    CheckConstraint("sign IN ('main', 'beside', 'before', 'after', 'delegate')", name="sign"),
)
Index("ix_tasks_inbox", tasks.c.assignee, tasks.c.state, tasks.c.id)

# What is due at a time: deadlines, reminders, delays, webhooks to be sent. A row goes when it has fired.
timers = Table(
    "timers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, ForeignKey("instances.id"), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_at", INSTANT, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("detail", JSONB, nullable=False),
    CheckConstraint("kind IN ('deadline', 'reminder', 'delay', 'subflow', 'webhook')", name="kind"),
)
Index("ix_timers_visit", timers.c.instance_id, timers.c.visit)

timeline = Table(
    "timeline",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("instance_id", Uuid, ForeignKey("instances.id"), nullable=False, index=True),
    Column("node", Text),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("opinion", Text),
    Column("detail", JSONB, nullable=False),
    Column("at", INSTANT, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("department", Text),
    Column("roles", JSONB, nullable=False),
    Column("active", Boolean, nullable=False),
    # `{"from", "until", "stand_in"}` as the directory says, days inclusive.
    Column("leave", JSONB(none_as_null=True)),
)

departments = Table(
    "departments",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("parent", Text),
    Column("head", Text),
)

# What an approver needs to decide on a phone: copies of the account and the grade.
customers = Table(
    "customers",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("name", Text),
    Column("salesperson", Text),
    Column("grade", Text),
    Column("account", JSONB),
)

# Copies of the exchange rates to the base currency by date, and of the date whose rates count.
exchange_rates = Table(
    "exchange_rates",
    metadata,
    Column("base", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("rate", Numeric, nullable=False),
)
business_date = Table(
    "business_date",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("date", Date, nullable=False),
    CheckConstraint("singleton", name="only_one"),
)

# Changed by triggers with users, departments, absences, authorities, duties and the calendar.
ground_version = Table(
    "ground_version",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("version", Uuid, nullable=False),
    CheckConstraint("singleton", name="only_one"),
)

# Who acts for somebody who is away, in one flow or in all.
absences = Table(
    "absences",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False, index=True),
    Column("deputy", Text, nullable=False),
    Column("flow_key", Text),
    Column("starts_at", INSTANT, nullable=False),
    Column("ends_at", INSTANT, nullable=False),
    Column("reason", Text),
    CheckConstraint("starts_at < ends_at", name="span"),
    CheckConstraint("username <> deputy", name="somebody_else"),
)

# Up to which amount in the base currency a role may approve; without an amount, any.
authorities = Table(
    "authorities",
    metadata,
    Column("role", Text, primary_key=True),
    Column("amount", Numeric),
    CheckConstraint("amount >= 0", name="amount"),
)

# Days that are not as the week says (holidays, and weekend days that are worked), and the hours of a day.
calendar_days = Table(
    "calendar_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("works", Boolean, nullable=False),
    Column("name", Text),
)
calendar_hours = Table(
    "calendar_hours",
    metadata,
    Column("starts", Time, primary_key=True),
    Column("ends", Time, nullable=False),
    CheckConstraint("starts < ends", name="span"),
)

# Which flow an event starts: of a type of application, of a form's records, of a customer.
bindings = Table(
    "bindings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("flow_key", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("event", "type"),
)

# A copy of what the installation allows beyond its rights, see `services.common.duties`.
duties = Table(
    "duties",
    metadata,
    Column("key", Text, primary_key=True),
    Column("allowed", Boolean, nullable=False),
)
