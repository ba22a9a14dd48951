"""The queries of whom fields may name; none locks anything but what it writes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork


def keep(work: UnitOfWork, kind: str, key: str) -> None:
    """Remember that there is somebody."""
    people = work.table("form_people")
    work.execute(upsert(people).values(kind=kind, key=key).on_conflict_do_nothing())


def known(work: UnitOfWork, named: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of them that there are."""
    people = work.table("form_people")
    statement = select(people).where(tuple_(people.c.kind, people.c.key).in_(sorted(named)))
    return {(row.kind, row.key) for row in work.execute(statement)}
