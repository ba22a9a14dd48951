"""Grants, guarantees and freezes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select, union

from services.common.db import UnitOfWork
from services.limits.ledger import Grant, Guarantee, guarantee_of
from services.limits.model import freezes, grants, guarantees
from services.limits.pools import CUSTOMER, OVERALL, PoolKey
from services.limits.store.book import among_ids, book_of
from services.limits.store.pools import pools_of_key
from services.limits.store.rows import Row, all_rows, one_row

_OF_CUSTOMER = ("customer_id",)
_GRANTS = select(grants).where(among_ids(grants.c.customer_id))
_POOL_GRANTS = select(grants).where(
    grants.c.pool_kind == bindparam("kind"), grants.c.pool_key == bindparam("key")
)
_GRANT_OF_APPLICATION = select(grants).where(grants.c.application_id == bindparam("application"))
_GUARANTEES = select(guarantees).where(among_ids(guarantees.c.customer_id))
_POOL_GUARANTEES = select(guarantees).where(
    guarantees.c.pool_kind == bindparam("kind"), guarantees.c.pool_key == bindparam("key")
)
_OPEN_FREEZES = select(freezes).where(among_ids(freezes.c.customer_id), freezes.c.lifted_at.is_(None))

_OF_EPISODE = select(freezes.c.id).where(
    freezes.c.customer_id == bindparam("customer"),
    freezes.c.source == bindparam("of_source"),
    freezes.c.episode == bindparam("of_episode"),
)


def _limit_changes(*conditions: Callable[[Any], ColumnElement[bool]]) -> Select[Any]:
    """Whose grants or guarantees begin on `begins` or ended with `ended`; each part has its own index."""
    parts = [
        select(table.c.customer_id).where(
            table.c.customer_id.is_not(None),
            end.is_(None),
            column == bindparam(day),
            *(condition(table.c.customer_id) for condition in conditions),
        )
        for table, end in ((grants, grants.c.replaced_on), (guarantees, guarantees.c.released_on))
        for column, day in ((table.c.valid_from, "begins"), (table.c.valid_to, "ended"))
    ]
    found = union(*parts).subquery()
    return select(found.c.customer_id).order_by(found.c.customer_id).limit(bindparam("most"))


_LIMIT_CHANGES = _limit_changes()
_LIMIT_CHANGES_AFTER = _limit_changes(lambda customer_id: customer_id > bindparam("after"))


def read_grants(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold every grant of these customers."""
    book = book_of(work)
    book.fetch_ids("grants", customer_ids, _GRANTS, book.grants)


def grants_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every overall grant that a customer ever had, newest first."""
    return [row for row in grants_of_customer(work, customer_id) if row["segment"] == OVERALL]


def grants_of_customer(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """The same with those for a segment."""
    read_grants(work, [customer_id])
    return _newest_first(book_of(work).grants.find(_OF_CUSTOMER, customer_id))


def grants_of_pool(work: UnitOfWork, pool: PoolKey) -> list[Row]:
    """Every grant that a pool ever had, newest first."""
    book = book_of(work)
    if not pool.is_shared:
        return [row for row in grants_of_customer(work, UUID(pool.key)) if row["segment"] == pool.segment]
    asked = {"kind": pool.kind, "key": pool.key}
    book.fetch("pool-grants", [(pool.kind, pool.key)], _POOL_GRANTS, book.grants, lambda _: asked)
    found = book.grants.find(("pool_kind", "pool_key"), pool.kind, pool.key)
    return _newest_first(row for row in found if row["segment"] == pool.segment)


def _newest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["granted_at"], row["id"]), reverse=True)


def as_grants(rows: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Grants as the rules see them."""
    names = Grant.__dataclass_fields__
    return [Grant(**{name: row[name] for name in names}) for row in rows]


def replace_grants(work: UnitOfWork, pool: PoolKey, kind: str, on: date) -> None:
    """End the grants of a pool of a kind that are in force or to come, as from a date."""
    for row in grants_of_pool(work, pool):
        if row["kind"] == kind and row["replaced_on"] is None:
            ended = {"replaced_on": max(on, row["valid_from"]), "replaced_at": work.now}
            book_of(work).grants.change(row["id"], ended)


def add_grant(work: UnitOfWork, grant: Mapping[str, Any]) -> None:
    """Insert a grant."""
    book_of(work).grants.add(grant)


def grant_of_application(work: UnitOfWork, application_id: str) -> Row | None:
    """The grant that an application led to."""
    held = book_of(work).grants
    held.hold(all_rows(work, _GRANT_OF_APPLICATION, {"application": application_id}))
    found = held.find(("application_id",), application_id)
    return found[0] if found else None


def read_guarantees(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold every guarantee of these customers."""
    book = book_of(work)
    book.fetch_ids("guarantees", customer_ids, _GUARANTEES, book.guarantees)


def guarantees_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every guarantee that was ever accepted for a customer's overall limit, newest first."""
    return guarantees_of_pool(work, PoolKey(CUSTOMER, str(customer_id)))


def guarantees_of_pool(work: UnitOfWork, pool: PoolKey) -> list[Row]:
    """Every guarantee that was ever accepted for a pool's limit, newest first."""
    book = book_of(work)
    if not pool.is_shared:
        read_guarantees(work, [UUID(pool.key)])
        rows = book.guarantees.find(_OF_CUSTOMER, UUID(pool.key))
    elif any(row["guaranteed"] for row in pools_of_key(work, pool)):
        asked = {"kind": pool.kind, "key": pool.key}
        key = (pool.kind, pool.key)
        book.fetch("pool-guarantees", [key], _POOL_GUARANTEES, book.guarantees, lambda _: asked)
        rows = book.guarantees.find(("pool_kind", "pool_key"), pool.kind, pool.key)
    else:
        rows = []
    mine = (row for row in rows if row["segment"] == pool.segment)
    return sorted(mine, key=lambda row: (row["accepted_at"], row["id"]), reverse=True)


def as_guarantees(rows: Iterable[Mapping[str, Any]]) -> list[Guarantee]:
    """Guarantees as the rules see them."""
    return [guarantee_of(row) for row in rows]


def add_guarantee(work: UnitOfWork, guarantee: Mapping[str, Any]) -> None:
    """Insert a guarantee."""
    book_of(work).guarantees.add(guarantee)


def release_guarantee(work: UnitOfWork, guarantee: Row, on: date, why: str) -> Row:
    """End a guarantee that is held, as from a date; returns it as it is then."""
    released = {
        "released_on": on,
        "released_at": work.now,
        "released_by": work.caller.actor,
        "release_reason": why,
    }
    book_of(work).guarantees.change(guarantee["id"], released)
    return {**guarantee, **released}


def customers_whose_limit_changes(work: UnitOfWork, on: date, after: UUID | None, most: int) -> list[UUID]:
    """The next customers, by id, of whom a grant or a guarantee begins on a date or ended the day before."""
    asked = {"begins": on, "ended": on - timedelta(days=1), "most": most}
    if after is None:
        rows = work.execute(_LIMIT_CHANGES, asked)
    else:
        rows = work.execute(_LIMIT_CHANGES_AFTER, {**asked, "after": after})
    return [row.customer_id for row in rows]


def read_open_freezes(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold the freezes in force of these customers."""
    book = book_of(work)
    book.fetch_ids("open-freezes", customer_ids, _OPEN_FREEZES, book.freezes)


def open_freezes(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """The freezes in force, oldest first."""
    read_open_freezes(work, [customer_id])
    held = book_of(work).freezes.find(_OF_CUSTOMER, customer_id)
    rows = [row for row in held if row["lifted_at"] is None]
    return sorted(rows, key=lambda row: (row["frozen_at"], row["id"]))


def freezes_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every freeze that a customer ever had, newest first."""
    statement = select(freezes).where(freezes.c.customer_id == customer_id)
    return all_rows(work, statement.order_by(freezes.c.frozen_at.desc(), freezes.c.id.desc()))


def add_freeze(work: UnitOfWork, freeze: Mapping[str, Any]) -> bool:
    """Insert a freeze; False when that source has frozen the customer already."""
    if any(row["source"] == freeze["source"] for row in open_freezes(work, freeze["customer_id"])):
        return False
    book_of(work).freezes.add(freeze)
    return True


def was_frozen_for(work: UnitOfWork, customer_id: UUID, source: str, episode: str) -> bool:
    """Whether a customer was ever frozen for this episode of a source."""
    held = book_of(work).freezes.find(_OF_CUSTOMER, customer_id)
    if any((row["source"], row["episode"]) == (source, episode) for row in held):
        return True
    asked = {"customer": customer_id, "of_source": source, "of_episode": episode}
    return one_row(work, _OF_EPISODE, asked) is not None


def lift_freezes(work: UnitOfWork, ids: Sequence[UUID], on: date, why: str | None) -> None:
    """End freezes that are held."""
    lifted = {"lifted_on": on, "lifted_at": work.now, "lifted_by": work.caller.actor, "lift_reason": why}
    for freeze_id in ids:
        book_of(work).freezes.change(freeze_id, lifted)
