"""The black list and the white list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.customer import customers, events, store
from services.customer.operations import records


def put_on_list(work: UnitOfWork, received: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    """Put a customer on a list, move it to the other one, or (None) take it off; answers the whole record.

    One of the black list gets no credit: the ledger refuses its orders, applications for it are refused. Of
    one of the white list, rules refuse and hold no order, they only warn; its limit holds all the same.
    `NotFound`, `Conflict` for a stale version or when nothing would change.
    """
    record = records.find(work, received["customer_id"], locked=True)
    customers.check_version(record, received["version"])
    changes = customers.listed(record, kind, received["reason"])
    values = {
        "list_kind": kind,
        "list_reason": None if kind is None else received["reason"],
        "listed_by": work.caller.actor,
        "listed_at": work.now,
        "version": record["version"] + 1,
        "updated_at": work.now,
        "updated_by": work.caller.actor,
    }
    store.update_customer(work, record["id"], values)
    changed = {**record, **values}
    store.add_history(work, [records.history_line(work, changed, "listed", changes)])
    events.customer_updated(work, changed)
    return records.answer(changed)
