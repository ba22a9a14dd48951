"""A hash chain of the entries of each pool, made for those that are there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.limits.chain import ROOT, entry_hash

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROWS_AT_ONCE = 10_000
_READ = sa.text(
    "SELECT identity, pool_id, action, document_type, document_id, reserved, delivered, receivable,"
    " effective_date, recorded_at FROM entries WHERE identity > :after ORDER BY identity LIMIT :count"
)
_CHAIN = sa.text("UPDATE entries SET place = :place, hash = :hash WHERE identity = :identity")
_HEAD = sa.text("UPDATE pools SET entries = :place, head = :hash WHERE id = :pool_id")


def upgrade() -> None:
    op.add_column("pools", sa.Column("entries", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("pools", sa.Column("head", sa.Text(), nullable=False, server_default=ROOT))
    op.add_column("entries", sa.Column("place", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("hash", sa.Text(), nullable=True))
    op.execute("ALTER TABLE entries DISABLE TRIGGER entries_append_only")
    _make_chains()
    op.execute("ALTER TABLE entries ENABLE TRIGGER entries_append_only")
    op.alter_column("entries", "place", nullable=False)
    op.alter_column("entries", "hash", nullable=False)
    op.alter_column("pools", "entries", server_default=None)
    op.alter_column("pools", "head", server_default=None)
    op.drop_index("ix_entries_pool", table_name="entries")
    op.create_unique_constraint(op.f("uq_entries_pool_id_place"), "entries", ["pool_id", "place"])


def _make_chains() -> None:
    connection = op.get_bind()
    heads: dict[object, tuple[int, str]] = {}
    after = 0
    while True:
        rows = connection.execute(_READ, {"after": after, "count": _ROWS_AT_ONCE}).mappings().all()
        if not rows:
            break
        chained = []
        for row in rows:
            place, before = heads.get(row["pool_id"], (0, ROOT))
            found = entry_hash(before, {**row, "place": place + 1})
            heads[row["pool_id"]] = (place + 1, found)
            chained.append({"identity": row["identity"], "place": place + 1, "hash": found})
        connection.execute(_CHAIN, chained)
        after = rows[-1]["identity"]
    if heads:
        named = [{"pool_id": pool, "place": place, "hash": found} for pool, (place, found) in heads.items()]
        connection.execute(_HEAD, named)


def downgrade() -> None:
    op.drop_constraint(op.f("uq_entries_pool_id_place"), "entries", type_="unique")
    op.create_index("ix_entries_pool", "entries", ["pool_id", "identity"], unique=False)
    op.drop_column("entries", "hash")
    op.drop_column("entries", "place")
    op.drop_column("pools", "head")
    op.drop_column("pools", "entries")
