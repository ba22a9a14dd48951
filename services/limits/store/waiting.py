"""ERP documents that wait, and those that were seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    or_,
    select,
)

from services.common.db import UnitOfWork
from services.limits.model import customers, erp_event_ids, invoices, orders, payments, waiting_documents
from services.limits.store.book import book_of
from services.limits.store.rows import Row, all_rows

_WAITING = (
    select(waiting_documents)
    .where(
        waiting_documents.c.waits_for == bindparam("what"),
        waiting_documents.c.key == any_(bindparam("keys", type_=ARRAY(Text))),
    )
    .with_for_update()
)
_asked = (
    func.unnest(bindparam("sources", type_=ARRAY(Text)), bindparam("event_ids", type_=ARRAY(Text)))
    .table_valued(column("source", Text), column("event_id", Text), name="asked")
    .render_derived()
)
_SEEN = select(erp_event_ids.c.source, erp_event_ids.c.event_id).join(
    _asked,
    and_(erp_event_ids.c.source == _asked.c.source, erp_event_ids.c.event_id == _asked.c.event_id),
)
_EventId = tuple[str, str]


def _is_here(kind: str, table: Table, number: str) -> ColumnElement[bool]:
    """Whether what a document waits for, one of a kind, is in a table by now."""
    body = waiting_documents.c.body
    same = [
        table.c.source == body["source"].astext,
        table.c.company == func.coalesce(body["company"].astext, ""),
        table.c[number] == body[f"{kind}_no"].astext,
    ]
    if table is payments:
        same.append(payments.c.kind == kind)
    return and_(waiting_documents.c.routing_key.startswith(f"{kind}."), exists().where(*same))


_key = waiting_documents.c.key
_customer_is_here = or_(
    exists().where(_key.startswith("code:"), customers.c.active, customers.c.code == func.substr(_key, 6)),
    exists().where(
        customers.c.active, customers.c.id == case((_key.startswith("id:"), cast(func.substr(_key, 4), Uuid)))
    ),
)
_OVERTAKEN = (
    select(waiting_documents.c.identity)
    .where(
        or_(
            and_(waiting_documents.c.waits_for == "customer", _customer_is_here),
            and_(
                waiting_documents.c.waits_for == "order",
                or_(
                    _is_here("order", orders, "order_no"),
                    _is_here("invoice", invoices, "invoice_no"),
                    _is_here("payment", payments, "payment_no"),
                    _is_here("credit_note", payments, "payment_no"),
                ),
            ),
        )
    )
    .order_by(waiting_documents.c.identity)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=waiting_documents)
)
_TAKE_OVERTAKEN = (
    delete(waiting_documents).where(waiting_documents.c.identity.in_(_OVERTAKEN)).returning(waiting_documents)
)


def read_event_ids(work: UnitOfWork, ids: Iterable[_EventId]) -> None:
    """Look up which of these ERP events were seen before."""
    seen: dict[_EventId, bool] = work.remembered("erp-event-ids", dict)
    missing = [event_id for event_id in dict.fromkeys(ids) if event_id not in seen]
    if missing:
        asked = {"sources": [one[0] for one in missing], "event_ids": [one[1] for one in missing]}
        found = {(row["source"], row["event_id"]) for row in all_rows(work, _SEEN, asked)}
        seen.update((event_id, event_id in found) for event_id in missing)


def is_new_event(work: UnitOfWork, source: str, event_id: str) -> bool:
    """Claim an ERP event id; False when it was claimed before."""
    read_event_ids(work, [(source, event_id)])
    seen: dict[_EventId, bool] = work.remembered("erp-event-ids", dict)
    if seen[source, event_id]:
        return False
    seen[source, event_id] = True
    book_of(work).erp_event_ids.add({"source": source, "event_id": event_id, "received_at": work.now})
    return True


def wait_for(
    work: UnitOfWork, what: str, key: str, routing_key: str, revision: int, body: Mapping[str, Any]
) -> None:
    """Keep a document until its customer or its order arrives."""
    book = book_of(work)
    book.waiting.add(
        {
            "identity": book.temporary_key(),
            "waits_for": what,
            "key": key,
            "routing_key": routing_key,
            "revision": revision,
            "body": dict(body),
            "received_at": work.now,
        }
    )


def read_waiting(work: UnitOfWork, what: str, keys: Iterable[str]) -> None:
    """Hold the documents that wait for these. Locks their rows."""
    book = book_of(work)
    book.fetch(
        f"waiting-{what}", keys, _WAITING, book.waiting, lambda missing: {"what": what, "keys": missing}
    )


def take_waiting(work: UnitOfWork, what: str, keys: Sequence[str]) -> list[Row]:
    """Take the documents that waited for something, by revision and arrival. Deletes their rows."""
    read_waiting(work, what, keys)
    shelf = book_of(work).waiting
    rows = [row for key in keys for row in shelf.find(("waits_for", "key"), what, key)]
    for row in rows:
        shelf.remove(row["identity"])
    # Those that came in this unit of work have falling keys below zero, and came after all others.
    return sorted(rows, key=lambda row: (row["revision"], row["identity"] < 0, abs(row["identity"])))


def take_overtaken(work: UnitOfWork, limit: int) -> list[Row]:
    """Take documents that wait for what is here: both came at the same moment, and neither saw the other.

    By revision and arrival. Deletes their rows.
    """
    rows = all_rows(work, _TAKE_OVERTAKEN, {"most": limit})
    return sorted(rows, key=lambda row: (row["revision"], row["identity"]))


def take_waiting_since(work: UnitOfWork, hours: int, limit: int) -> list[Row]:
    """Take documents that have waited for their customer longer than so many hours. Deletes their rows."""
    old = (
        select(waiting_documents.c.identity)
        .where(
            waiting_documents.c.waits_for == "customer",
            waiting_documents.c.received_at < work.now - timedelta(hours=hours),
        )
        .order_by(waiting_documents.c.identity)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = delete(waiting_documents).where(waiting_documents.c.identity.in_(old))
    return all_rows(work, taken.returning(waiting_documents))
