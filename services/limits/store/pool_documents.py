"""What pools hold that customers share, or that are for a segment, compared with the documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Uuid, case, cast, func, literal, or_, select, tuple_, union_all

from services.common.db import UnitOfWork
from services.limits.model import customer_groups, customers, departments, pools
from services.limits.pools import CUSTOMER, DEPARTMENT, GROUP, OVERALL, SALESPERSON
from services.limits.store.book import among_ids
from services.limits.store.rows import Row, all_rows
from services.limits.store.segments import OPEN_DOCUMENTS

_STAGES = ("reserved", "delivered", "receivable")
_KEY = ("kind", "key", "segment")
_is_beside = or_(pools.c.kind != CUSTOMER, pools.c.segment != OVERALL)


def _members(asked: CTE) -> CTE:
    """Who draws on each pool that is asked about: (kind, key, segment, customer_id)."""

    def named_by(kind: str) -> Any:
        return cast(case((asked.c.kind == kind, asked.c.key)), Uuid)

    def trees(kind: str, of: Any, key_of: Any, parent_of: Any) -> CTE:
        """Each key of a kind that is asked about, with all that is below it."""
        tree = select(*key, of.label("place")).where(asked.c.kind == kind)
        below = tree.cte(f"below_{kind}", recursive=True)
        child = select(*(below.c[name] for name in _KEY), key_of)
        return below.union(child.join(below, parent_of == below.c.place))

    key = tuple(asked.c[name] for name in _KEY)
    groups = trees(GROUP, named_by(GROUP), customer_groups.c.id, customer_groups.c.parent_id)
    units = trees(DEPARTMENT, asked.c.key, departments.c.code, departments.c.parent)
    members = [
        select(*(below.c[name] for name in _KEY), customers.c.id.label("customer_id")).join(
            below, column == below.c.place
        )
        for below, column in ((groups, customers.c.group_id), (units, customers.c.department))
    ]
    named = select(*key, customers.c.id.label("customer_id"))
    return union_all(
        *members,
        named.join(asked, customers.c.id == named_by(CUSTOMER)),
        named.join(asked, (asked.c.kind == SALESPERSON) & (customers.c.salesperson == asked.c.key)),
    ).cte("members")


def _differences() -> Select[Any]:
    key = tuple(pools.c[name] for name in _KEY)
    asked = select(*key).where(among_ids(pools.c.id)).group_by(*key)
    asked_keys = asked.having(func.bool_or(pools.c.controlled)).cte("asked")
    members = _members(asked_keys)
    documents = OPEN_DOCUMENTS
    sums = (func.sum(documents.c[stage]).label(stage) for stage in _STAGES)
    by_pool = (*(members.c[name] for name in _KEY), documents.c.currency)
    expected = (
        select(*by_pool, *sums)
        .join(members, members.c.customer_id == documents.c.customer_id)
        .where(members.c.segment.in_((literal(OVERALL), documents.c.segment)))
        .group_by(*by_pool)
        .subquery("expected")
    )
    held = select(*key, *(pools.c[name] for name in ("currency", *_STAGES)))
    found = held.where(tuple_(*key).in_(asked)).subquery("found")
    names = (*_KEY, "currency")
    same = [expected.c[name] == found.c[name] for name in names]
    told = {
        **{f"pool_{stage}": func.coalesce(found.c[stage], 0) for stage in _STAGES},
        **{f"documents_{stage}": func.coalesce(expected.c[stage], 0) for stage in _STAGES},
    }
    return (
        select(
            *(func.coalesce(found.c[name], expected.c[name]).label(name) for name in names),
            *(value.label(name) for name, value in told.items()),
        )
        .select_from(found.outerjoin(expected, same[0] & same[1] & same[2] & same[3], full=True))
        .where(or_(*(told[f"pool_{stage}"] != told[f"documents_{stage}"] for stage in _STAGES)))
    )


_DIFFERENCES = _differences()


def pools_beside(work: UnitOfWork, after: UUID | None, most: int) -> list[UUID]:
    """The next pools, by id, that are not just a customer's overall one."""
    statement = select(pools.c.id).where(_is_beside).order_by(pools.c.id).limit(most)
    return list(work.execute(statement if after is None else statement.where(pools.c.id > after)).scalars())


def pool_document_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Pools of these that are not the sum of what their customers' documents bind in their segment.

    One that controls nothing holds nothing. A pool without a row in a currency of its documents is found by
    its other rows.
    """
    return all_rows(work, _DIFFERENCES, {"ids": ids})
