"""The tables of identity and notifications."""

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
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, service_metadata

metadata = service_metadata()

roles = Table(
    "roles",
    metadata,
    Column("id", Uuid, nullable=False, unique=True),
    Column("key", Text, primary_key=True),
    Column("label", Text, nullable=False),
    # Every right that it gives; `grants` says of some of them how far they reach, by right.
    Column("permissions", JSONB, nullable=False),
    Column("grants", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # By resource and path: how far a field may be seen and written.
    Column("fields", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Which rights of the product it was given once: what an administrator took away is not given again.
    Column("offered", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("version", Integer, nullable=False),
)

departments = Table(
    "departments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("parent", Text, ForeignKey("departments.code")),
    Column("head", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("parent <> code", name="not_its_own_parent"),
)

# What people do (岗位); not to be taken for the positions of streams.
job_positions = Table(
    "job_positions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("department", Text, ForeignKey("departments.code")),
    Column("roles", JSONB, nullable=False),
    # None for somebody who signs in elsewhere, or has not chosen one yet.
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("position", Text, ForeignKey("job_positions.code")),
    # The first and the last day on which somebody is away, and who does their work meanwhile.
    Column("leave_from", Date),
    Column("leave_until", Date),
    Column("stand_in", Text),
    CheckConstraint(
        "(leave_from IS NULL) = (leave_until IS NULL) AND leave_from <= leave_until", name="leave"
    ),
    CheckConstraint("stand_in <> username", name="stand_in_is_another"),
)
Index("uq_users_username", func.lower(users.c.username), unique=True)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("refresh_hash", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("ended_at", INSTANT),
    Column("end_reason", Text),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("refreshed_at", INSTANT, nullable=False),
    # How the person has shown who they are, and whether that was with a second factor.
    Column("method", Text, nullable=False),
    Column("second_factor", Boolean, nullable=False),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    # Sealed (gateway/sign_in/sealing.py): it must be read again.
    Column("secret", Text, nullable=False),
    # The last time step whose code was used: a code counts once.
    Column("last_step", BigInteger, nullable=False),
    Column("confirmed_at", INSTANT),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
)

# Who was asked for, looked up afterwards: the answer to asking tells nothing.
reset_requests = Table(
    "reset_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("expires_at", INSTANT, nullable=False),
)

sign_in_settings = Table(
    "sign_in_settings",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("password_length_min", Integer, nullable=False),
    Column("second_factor_roles", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("singleton", name="only_one"),
)

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    # Sealed (gateway/sign_in/sealing.py).
    Column("client_secret", Text, nullable=False),
    Column("link_by", Text, nullable=False),
    # The roles of people who are made users when they first come; None: nobody is.
    Column("create_roles", JSONB(none_as_null=True)),
    Column("trusts_second_factor", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("link_by IN ('none', 'username', 'email')", name="link_by"),
)

user_identities = Table(
    "user_identities",
    metadata,
    Column("provider", Text, ForeignKey("identity_providers.key"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("linked_at", INSTANT, nullable=False),
    UniqueConstraint("provider", "user_id"),
)

# Who was sent to a provider and is not back yet; the browser is known by a cookie.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("state_hash", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("browser_hash", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)

# Who is back, and fetches tokens next.
sign_in_handovers = Table(
    "sign_in_handovers",
    metadata,
    Column("ticket_hash", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("provider", Text, nullable=False),
    Column("browser_hash", Text, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("permissions", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    # How the text begins, by which people know it again.
    Column("hint", Text, nullable=False),
    Column("last_used_at", INSTANT),
    Column("last_used_from", Text),
)

login_delays = Table(
    "login_delays",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", INSTANT, nullable=False),
    Column("last_failure", INSTANT, nullable=False),
)

# Records that somebody shared with somebody else, until it is taken back or runs out.
record_shares = Table(
    "record_shares",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("shared_by", Text, nullable=False),
    Column("shared_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    UniqueConstraint("record_id", "user_id"),
    CheckConstraint("level IN ('read', 'write')", name="level"),
)
Index("ix_record_shares_user", record_shares.c.user_id)

# What the installation allows beyond the rights of its roles (services.common.duties).
duties = Table(
    "duties",
    metadata,
    Column("key", Text, primary_key=True),
    Column("allowed", Boolean, nullable=False),
)

# Whose rights have changed, written by triggers: every gateway process reads it and forgets who it names.
identity_changes = Table(
    "identity_changes",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)
Index("ix_identity_changes_at", identity_changes.c.at)

# One chain of lines: `hash` covers the line and the hash of the one before it (gateway/audit/lines.py).
audit = Table(
    "audit",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("place", BigInteger, nullable=False, unique=True),
    Column("at", INSTANT, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    # The event of another service's log that the line tells of.
    Column("event_id", Uuid, unique=True),
    Column("hash", Text, nullable=False),
)
Index("ix_audit_actor", audit.c.actor, audit.c.place)
Index("ix_audit_subject", audit.c.subject, audit.c.place)
Index("ix_audit_action", audit.c.action, audit.c.place)
Index("ix_audit_at", audit.c.at)

audit_head = Table(
    "audit_head",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    # With it hidden values are remembered as fingerprints, so that a change of them shows.
    Column("salt", Text, nullable=False),
    CheckConstraint("singleton", name="only_one"),
)

# What was last told of a record, to say what a change has changed.
audit_states = Table(
    "audit_states",
    metadata,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("state", JSONB, nullable=False),
)

# From where a change was asked for; the event that tells of it comes a moment later.
request_origins = Table(
    "request_origins",
    metadata,
    Column("trace_id", Text, primary_key=True),
    Column("actor", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("at", INSTANT, nullable=False, index=True),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("username", Text, nullable=False),
    # Texts of an older release; today's are made of `about` when they are read.
    Column("title", Text),
    Column("body", Text),
    Column("about", JSONB, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("read_at", INSTANT),
    UniqueConstraint("key", "username"),
)
Index("ix_notifications_user", notifications.c.username, notifications.c.id)

mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    # A secret that the body gets when it is sent (gateway/sign_in/sealing.py), and which is kept no longer.
    Column("sealed", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", INSTANT, nullable=False),
    Column("problem", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("sent_at", INSTANT),
    UniqueConstraint("key", "recipient"),
    CheckConstraint("state IN ('waiting', 'sent', 'failed', 'not_configured')", name="state"),
)
Index("ix_mails_waiting", mails.c.next_attempt_at, postgresql_where=mails.c.state == "waiting")

# A copy of what the services that keep forms publish: rights are about their records.
form_resources = Table(
    "form_resources",
    metadata,
    Column("key", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition", JSONB, nullable=False),
)

# What has changed for whom, for those who watch: see gateway/notifications/live.py. Kept for minutes.
live_changes = Table(
    "live_changes",
    metadata,
    Column("identity", BigInteger, Identity(always=True), primary_key=True),
    Column("username", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", INSTANT, nullable=False, index=True),
)

# Whether the installation holds the sample company, see gateway/sample_data. No row: it does not.
sample_data = Table(
    "sample_data",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("state", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("whole", Integer, nullable=False),
    Column("problem", Text),
    Column("contents", JSONB, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    CheckConstraint("singleton", name="only_one"),
    CheckConstraint("state IN ('making', 'made', 'failed', 'removing')", name="state"),
)
