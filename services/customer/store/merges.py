"""Customers that go on as another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, update

from services.common.db import UnitOfWork
from services.common.paging import page
from services.customer.model import attachments, customers, documents, form_files, merges
from services.customer.store.ground import Row


def add_merge(work: UnitOfWork, row: Row) -> None:
    """A merge that begins."""
    work.execute(insert(merges).values(row))


def hand_over_files(work: UnitOfWork, giver: UUID, taker: UUID) -> dict[str, int]:
    """Let attachments, documents and files of fields be another's; both are locked."""
    counted = {}
    for table, column in (
        (attachments, attachments.c.customer_id),
        (documents, documents.c.customer_id),
        (form_files, form_files.c.record_id),
    ):
        statement = update(table).where(column == giver).values({column.name: taker})
        counted[table.name] = int(work.execute(statement).rowcount)
    return {name: count for name, count in counted.items() if count}


def follow_merges(work: UnitOfWork, giver: UUID, taker: UUID) -> None:
    """Whoever went on as the giver goes on as the taker."""
    work.execute(update(customers).where(customers.c.merged_into == giver).values(merged_into=taker))


def merged_into(work: UnitOfWork, customer_id: UUID | None, code: str | None) -> UUID | None:
    """As whom a customer goes on that was merged; of those that had the code, the last. Locks nothing."""
    here = customers.c.id == customer_id if customer_id is not None else customers.c.code == code
    statement = select(customers.c.merged_into).where(here, customers.c.merged_into.isnot(None))
    found: UUID | None = work.execute(statement.order_by(customers.c.deleted_at.desc()).limit(1)).scalar()
    return found


def finish_part(work: UnitOfWork, giver: UUID, service: str, handed_over: Mapping[str, Any]) -> None:
    """Note that a service has handed over what it keeps; the last one ends the merge. Locks its row."""
    left = func.array_remove(merges.c.waits_for, service)
    known = select(merges).where(merges.c.customer_id == giver).with_for_update()
    row = work.execute(known).mappings().first()
    if row is None or service not in row["waits_for"]:
        return
    values = {
        "waits_for": left,
        "handed_over": {**row["handed_over"], service: dict(handed_over)},
        "finished_at": work.now if row["waits_for"] == [service] else None,
    }
    work.execute(update(merges).where(merges.c.id == row["id"]).values(values))


def list_merges(work: UnitOfWork, customer_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the merges of a customer, the newest first, with whom it was merged. Locks nothing."""
    named = (customers.c.code.label("code"), customers.c.name.label("name"))
    joined = merges.join(customers, customers.c.id == merges.c.customer_id)
    mine = or_(merges.c.into_id == customer_id, merges.c.customer_id == customer_id)
    statement = select(merges, *named).select_from(joined).where(mine)
    sort = {"merged_at": merges.c.merged_at}
    return page(work, statement, received, sort=sort, key=merges.c.id, default_sort="-merged_at")
