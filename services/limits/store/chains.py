"""Checking what pools say against their entries, piece by piece, inside PostgreSQL.

The database recomputes the hashes, so a check costs the service no time of its own while orders go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, tuple_

from services.common.db import UnitOfWork
from services.limits.chain import AMOUNTS, ROOT, TEXTS
from services.limits.model import business_dates, closings, entries, pools
from services.limits.store.closings import root_on
from services.limits.store.rows import Row, all_rows

Place = tuple[UUID, int]
_NOWHERE: Place = (UUID(int=0), 0)
_EVERYWHERE: Place = (UUID(int=2**128 - 1), 2**63 - 1)
_POOLS_AT_ONCE = 5_000
_place = tuple_(entries.c.pool_id, entries.c.place)
_END = (
    select(entries.c.pool_id, entries.c.place)
    .where(_place > tuple_(bindparam("pool"), bindparam("place")))
    .order_by(entries.c.pool_id, entries.c.place)
    .limit(1)
)
_COUNT = (
    select(func.count())
    .select_from(entries)
    .where(
        _place > tuple_(bindparam("pool"), bindparam("place")),
        _place <= tuple_(bindparam("last_pool"), bindparam("last_place")),
    )
)
# The text that `chain.entry_hash` hashes: amounts have the four decimals of their columns.
_HASHED = ", ".join(
    [
        *TEXTS,
        *AMOUNTS,
        "effective_date",
        """to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'""",
        # Left out of the text where it is empty.
        "trim_scale(rate)::text",
    ]
)
_BROKEN = text(
    f"""
    SELECT pool_id, min(place) AS place FROM (
        SELECT pool_id, place, hash, lag(place, 1, 0::bigint) OVER chain AS place_before,
            concat_ws(E'\\n', lag(hash, 1, :root) OVER chain, {_HASHED}) AS hashed
        FROM entries
        WHERE (pool_id, place) >= (:pool, :place) AND (pool_id, place) <= (:last_pool, :last_place)
        WINDOW chain AS (PARTITION BY pool_id ORDER BY place)
    ) AS linked
    WHERE (pool_id, place) <> (:pool, :place)
    AND (place <> place_before + 1 OR hash <> encode(sha256(convert_to(hashed, 'UTF8')), 'hex'))
    GROUP BY pool_id ORDER BY pool_id
    """  # noqa: S608 - names of columns
)
_POOL_DIFFERENCES = text(
    """
    SELECT pools.id, pools.kind, pools.key, pools.currency, pools.entries,
        pools.reserved, pools.delivered, pools.receivable,
        coalesce(summed.reserved, 0) AS entries_reserved, coalesce(summed.delivered, 0) AS entries_delivered,
        coalesce(summed.receivable, 0) AS entries_receivable,
        coalesce(summed.place, 0) = pools.entries AND coalesce(last.hash, :root) = pools.head AS ends_well,
        pools.kind <> 'customer' OR customers.id IS NOT NULL AS has_owner
    FROM pools
    LEFT JOIN (
        SELECT pool_id, max(place) AS place, sum(reserved) AS reserved, sum(delivered) AS delivered,
            sum(receivable) AS receivable
        FROM entries WHERE pool_id > :after AND pool_id <= :last GROUP BY pool_id
    ) AS summed ON summed.pool_id = pools.id
    LEFT JOIN entries AS last ON last.pool_id = pools.id AND last.place = pools.entries
    LEFT JOIN customers ON pools.kind = 'customer' AND customers.id::text = pools.key
    WHERE pools.id > :after AND pools.id <= :last
    ORDER BY pools.id
    """
)
_CLOSING_DIFFERENCES = text(
    """
    WITH moved AS (
        SELECT pool_id, date, sum(reserved) AS reserved, sum(delivered) AS delivered,
            sum(receivable) AS receivable
        FROM (
            SELECT pool_id, effective_date AS date, reserved, delivered, receivable FROM entries
            WHERE pool_id > :after AND pool_id <= :last
            UNION ALL
            SELECT pool_id, date, 0, 0, 0 FROM closings WHERE pool_id > :after AND pool_id <= :last
        ) AS moves GROUP BY pool_id, date
    ), by_date AS (
        SELECT pool_id, date, sum(reserved) OVER dates AS reserved, sum(delivered) OVER dates AS delivered,
            sum(receivable) OVER dates AS receivable
        FROM moved WINDOW dates AS (PARTITION BY pool_id ORDER BY date)
    ), by_place AS (
        SELECT pool_id, place, hash, recorded_at, sum(reserved) OVER places AS reserved,
            sum(delivered) OVER places AS delivered, sum(receivable) OVER places AS receivable
        FROM entries WHERE pool_id > :after AND pool_id <= :last
        WINDOW places AS (PARTITION BY pool_id ORDER BY place)
    )
    SELECT closings.pool_id, closings.date FROM closings
    LEFT JOIN by_date ON by_date.pool_id = closings.pool_id AND by_date.date = closings.date
    LEFT JOIN by_place ON by_place.pool_id = closings.pool_id AND by_place.place = closings.entries
    WHERE closings.pool_id > :after AND closings.pool_id <= :last
    AND (closings.reserved, closings.delivered, closings.receivable, closings.head, closings.recorded_at,
        closings.first_reserved, closings.first_delivered, closings.first_receivable)
    IS DISTINCT FROM (by_date.reserved, by_date.delivered, by_date.receivable, by_place.hash,
        by_place.recorded_at, by_place.reserved, by_place.delivered, by_place.receivable)
    ORDER BY closings.pool_id, closings.date
    """
)


def take_time(work: UnitOfWork) -> None:
    """Let the statements of this unit of work take longer than those that somebody waits for."""
    work.execute(text("SET LOCAL statement_timeout = '10min'"))


def broken_chains(work: UnitOfWork, after: Place | None, most: int) -> tuple[list[Row], int, Place | None]:
    """The breaks in the chains of the next entries, the first of each pool; how many, and where to go on.

    An entry breaks its chain where its place or its hash does not follow from the one before it.
    """
    first = after or _NOWHERE
    asked: dict[str, Any] = {"pool": first[0], "place": first[1]}
    end = work.execute(_END.offset(most - 1), asked).first()
    last = (end.pool_id, end.place) if end else _EVERYWHERE
    ends = {"last_pool": last[0], "last_place": last[1]}
    found = all_rows(work, _BROKEN, {**asked, **ends, "root": ROOT})
    count = most if end else int(work.execute(_COUNT, {**asked, **ends}).scalar_one())
    return found, count, last if end else None


def next_pools(work: UnitOfWork, after: UUID | None, entries_most: int) -> tuple[UUID | None, int]:
    """Up to which pool, by id, to go on with about so many entries, and how many pools and entries these are.

    None when there is none left.
    """
    statement = select(pools.c.id, pools.c.entries).order_by(pools.c.id).limit(_POOLS_AT_ONCE)
    total, last = 0, None
    for row in work.execute(statement if after is None else statement.where(pools.c.id > after)):
        if last is not None and total + row.entries > entries_most:
            break
        total, last = total + row.entries + 1, row.id
    return last, total


def pool_differences(work: UnitOfWork, after: UUID | None, last: UUID) -> Iterator[Row]:
    """Pools that are not the sum of their entries, do not end where their chain ends, or are nobody's."""
    stages = ("reserved", "delivered", "receivable")
    asked = {"after": after or UUID(int=0), "last": last, "root": ROOT}
    for row in work.execute(_POOL_DIFFERENCES, asked).mappings():
        if any(row[name] != row[f"entries_{name}"] for name in stages):
            shown = ("id", "key", "currency", *stages, *(f"entries_{name}" for name in stages))
            yield {"check": "pool_equals_entries", **{name: row[name] for name in shown}}
        if not row["ends_well"]:
            yield {"check": "hash_chain", "pool_id": row["id"], "place": row["entries"]}
        if not row["has_owner"]:
            yield {"check": "pool_has_owner", "pool_id": row["id"], "key": row["key"]}


def closing_differences(work: UnitOfWork, after: UUID | None, last: UUID) -> list[Row]:
    """Closings that are not what the entries by their date, or by their place, sum up to."""
    return all_rows(work, _CLOSING_DIFFERENCES, {"after": after or UUID(int=0), "last": last})


def roots(work: UnitOfWork) -> list[Row]:
    """The root that was told of each closed date, the oldest first: `date` and `root`."""
    closed = select(business_dates.c.date, business_dates.c.root).where(business_dates.c.root.is_not(None))
    return all_rows(work, closed.order_by(business_dates.c.date))


def root_differences(work: UnitOfWork, days: Sequence[Row], before: str) -> list[Row]:
    """Those of these closed dates whose root does not follow from their closings and the root before."""
    wrong = []
    for row in days:
        if root_on(work, row["date"], before)[0] != row["root"]:
            wrong.append({"date": row["date"]})
        before = row["root"]
    return wrong


def closings_of_no_date(work: UnitOfWork) -> list[Row]:
    """Dates that have closings and were never opened."""
    of_a_date = select(business_dates.c.date).where(business_dates.c.date == closings.c.date).exists()
    return all_rows(work, select(closings.c.date).where(~of_a_date).distinct().order_by(closings.c.date))
