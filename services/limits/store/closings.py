"""What a pool held on any date, by what is known now or was known at an instant.

A closing keeps what a pool held at the end of a business date: as it was known then, which never changes,
and as it is known now. So a view of a date reads one closing and what was entered since, never the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, text

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO, Stages
from services.limits.model import closings, entries, pools
from services.limits.store.dates import today
from services.limits.store.rows import Row, all_rows, one_row

if TYPE_CHECKING:
    # A book writes what is derived here, so this cannot import it.
    from services.limits.store.book import Book

STAGES = ("reserved", "delivered", "receivable")

_SUM = select(*(func.coalesce(func.sum(entries.c[stage]), ZERO) for stage in STAGES)).where(
    entries.c.pool_id == bindparam("pool")
)
_BY_DATE = _SUM.where(
    entries.c.effective_date > bindparam("after"), entries.c.effective_date <= bindparam("until")
)
_UNTIL_DATE = _SUM.where(entries.c.effective_date <= bindparam("until"))
_BY_PLACE = _SUM.where(
    entries.c.place > bindparam("first"),
    entries.c.place <= bindparam("last"),
    entries.c.effective_date <= bindparam("until"),
)
_OF_POOL = select(closings).where(closings.c.pool_id == bindparam("pool"))
_LAST_CLOSING = (
    _OF_POOL.where(closings.c.date <= bindparam("until")).order_by(closings.c.date.desc()).limit(1)
)
_LAST_KNOWN_CLOSING = (
    _OF_POOL.where(closings.c.date <= bindparam("until"), closings.c.entries <= bindparam("place"))
    .order_by(closings.c.date.desc())
    .limit(1)
)
_CLOSED_BEFORE = (
    select(closings.c.entries)
    .where(closings.c.pool_id == bindparam("pool"), closings.c.recorded_at <= bindparam("moment"))
    .order_by(closings.c.date.desc())
    .limit(1)
)
_CLOSED_AFTER = (
    select(closings.c.entries)
    .where(closings.c.pool_id == bindparam("pool"), closings.c.recorded_at > bindparam("moment"))
    .order_by(closings.c.date)
    .limit(1)
)
_LAST_PLACE = select(func.max(entries.c.place)).where(
    entries.c.pool_id == bindparam("pool"),
    entries.c.place > bindparam("first"),
    entries.c.place <= bindparam("last"),
    entries.c.recorded_at <= bindparam("moment"),
)
_CORRECT = text(
    """
    UPDATE closings SET reserved = closings.reserved + late.reserved,
        delivered = closings.delivered + late.delivered, receivable = closings.receivable + late.receivable
    FROM (
        SELECT kept.pool_id, kept.date, sum(new.reserved) AS reserved, sum(new.delivered) AS delivered,
            sum(new.receivable) AS receivable
        FROM unnest(
            CAST(:pool_id AS uuid[]), CAST(:effective_date AS date[]), CAST(:reserved AS numeric[]),
            CAST(:delivered AS numeric[]), CAST(:receivable AS numeric[])
        ) AS new (pool_id, date, reserved, delivered, receivable)
        JOIN closings AS kept ON kept.pool_id = new.pool_id AND kept.date >= new.date
        GROUP BY kept.pool_id, kept.date
    ) AS late
    WHERE closings.pool_id = late.pool_id AND closings.date = late.date
    """
)
_OPEN = (
    select(pools.c.id, pools.c.kind, pools.c.key)
    .where(
        pools.c.entries > func.coalesce(pools.c.closed_entries, 0),
        func.coalesce(pools.c.closed_on, date.min) < bindparam("on"),
    )
    .order_by(pools.c.id)
    .limit(bindparam("most"))
)
_OPEN_AFTER = _OPEN.where(pools.c.id > bindparam("after"))
_LOCK = (
    select(pools.c.id)
    .where(pools.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(pools.c.id)
    .with_for_update()
)
_CLOSE = text(
    """
    WITH kept AS (
        INSERT INTO closings (
            pool_id, date, entries, head, recorded_at, first_reserved, first_delivered, first_receivable,
            reserved, delivered, receivable
        )
        SELECT id, :on, entries, head, recorded_at, reserved, delivered, receivable, reserved, delivered,
            receivable
        FROM pools WHERE id = ANY (:ids) AND coalesce(closed_on < :on, true)
        RETURNING pool_id, entries
    )
    UPDATE pools SET closed_on = :on, closed_entries = kept.entries FROM kept WHERE pools.id = kept.pool_id
    """
)
# What `chain.root_hash` says, without fetching every head.
_ROOT = text(
    """
    SELECT encode(sha256(convert_to(
        concat_ws(E'\n', :before, string_agg(line, E'\n' ORDER BY line COLLATE "C")), 'UTF8'
    )), 'hex') AS root, count(*) AS pools
    FROM (SELECT concat_ws(' ', pool_id, entries, head) AS line FROM closings WHERE date = :on) AS lines
    """
)


def stages_on(
    work: UnitOfWork, pool: Mapping[str, Any], on: date, known_at: datetime | None = None
) -> Stages:
    """What a pool (a row of `pools`) held at the end of a date, by the entries recorded until an instant."""
    if known_at is None:
        return _known_now(work, pool, on)
    last = _last_place(work, pool, known_at)
    asked = {"pool": pool["id"], "until": on}
    found = one_row(work, _LAST_KNOWN_CLOSING, {**asked, "place": last})
    first = found["entries"] if found else 0
    if last - first <= pool["entries"] - last:
        base = Stages(*(found[f"first_{stage}"] for stage in STAGES)) if found else Stages()
        return base + _summed(work, _BY_PLACE, {**asked, "first": first, "last": last})
    later = _summed(work, _BY_PLACE, {**asked, "first": last, "last": pool["entries"]})
    return _known_now(work, pool, on) - later


def _known_now(work: UnitOfWork, pool: Mapping[str, Any], on: date) -> Stages:
    if on >= today(work):
        return Stages(*(pool[stage] for stage in STAGES))
    asked = {"pool": pool["id"], "until": on}
    found = one_row(work, _LAST_CLOSING, asked)
    if found is None:
        return _summed(work, _UNTIL_DATE, asked)
    base = Stages(*(found[stage] for stage in STAGES))
    return base + _summed(work, _BY_DATE, {**asked, "after": found["date"]})


def _last_place(work: UnitOfWork, pool: Mapping[str, Any], moment: datetime) -> int:
    """The place of the last entry of a pool that was recorded by an instant; 0 where none was."""
    if pool["recorded_at"] is None or pool["recorded_at"] <= moment:
        return int(pool["entries"])
    asked = {"pool": pool["id"], "moment": moment}
    first = int(work.execute(_CLOSED_BEFORE, asked).scalar() or 0)
    last = int(work.execute(_CLOSED_AFTER, asked).scalar() or pool["entries"])
    found = work.execute(_LAST_PLACE, {**asked, "first": first, "last": last}).scalar()
    return int(found or first)


def _summed(work: UnitOfWork, statement: Any, asked: Mapping[str, Any]) -> Stages:
    return Stages(*work.execute(statement, asked).one())


def correct_closings(work: UnitOfWork, book: Book) -> None:
    """Bring the closings up to date with the entries of a unit of work that count from a closed date on.

    The pools of these entries are locked by whoever writes them.
    """
    late = [row for row in book.entries.rows() if _is_late(book.pools.get(row["pool_id"]), row)]
    if late:
        names = ("pool_id", "effective_date", *STAGES)
        work.execute(_CORRECT, {name: [row[name] for row in late] for name in names})


def _is_late(pool: Row | None, entry: Mapping[str, Any]) -> bool:
    return bool(pool and pool["closed_on"] and entry["effective_date"] <= pool["closed_on"])


def pools_to_close(work: UnitOfWork, on: date, after: UUID | None, most: int) -> list[Row]:
    """The next pools, by id, that have entries since they were closed last, and are not closed on a date."""
    if after is None:
        return all_rows(work, _OPEN, {"on": on, "most": most})
    return all_rows(work, _OPEN_AFTER, {"on": on, "most": most, "after": after})


def close_pools(work: UnitOfWork, on: date, ids: Iterable[UUID]) -> None:
    """Close a date for pools. Locks their rows; the customers whose pools they are are locked before."""
    wanted = list(ids)
    work.execute(_LOCK, {"ids": wanted})
    work.execute(_CLOSE, {"on": on, "ids": wanted})


def root_on(work: UnitOfWork, on: date, before: str) -> tuple[str, int]:
    """The root over the chains of all pools on a closed date, and how many pools had new entries.

    It covers the root `before` it, and the length and head of the chain of each pool that has grown.
    """
    row = work.execute(_ROOT, {"on": on, "before": before}).one()
    return str(row.root), int(row.pools)
