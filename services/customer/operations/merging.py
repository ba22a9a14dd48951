"""Two customers that are one: what one has becomes the other's, here at once, elsewhere step by step.

A merge begins with its row and its event in one transaction, and cannot be refused any more: limits and
application hand over what they keep in one transaction each when they read of it, and tell; the last one ends
it. What cannot be done by itself stands among the parked events, and the merge says for whom it waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, invalid_field
from services.common.events import Event
from services.common.forms import files
from services.common.ids import new_id
from services.customer import customers, events, store
from services.customer.operations import records
from services.customer.operations.forms import published_form

_ELSEWHERE = ("application", "limits")


def merge_customers(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let a customer go on as another; answers the merge. The right must reach both.

    `NotFound`, `Invalid` for the same customer, `Conflict` for a stale version, or when the one that remains
    is on the black list while the other is not: whoever merges them must see that.
    """
    asked = (received["customer_id"], received["into"])
    # Their rows are locked in one order, whoever merges whom.
    ids = sorted({records.find(work, key)["id"] for key in asked}, key=str)
    if len(ids) == 1:
        raise invalid_field("into", "same_customer", "不能与自身合并")
    for customer_id in ids:
        records.find(work, str(customer_id), locked=True)
    giver, taker = (records.find(work, key) for key in asked)
    customers.check_version(giver, received["version"])
    if (giver["list_kind"] == customers.BLACKLIST) != (taker["list_kind"] == customers.BLACKLIST):
        raise Conflict("两个客户的黑名单状态不同, 请先处理后再合并", code="lists_differ")
    handed_over = store.hand_over_files(work, giver["id"], taker["id"])
    store.follow_merges(work, giver["id"], taker["id"])
    gone = {
        "version": giver["version"] + 1,
        "updated_at": work.now,
        "updated_by": work.caller.actor,
        "deleted_at": work.now,
        "merged_into": taker["id"],
    }
    store.update_customer(work, giver["id"], gone)
    line = customers.merge_line(giver, taker, received["reason"])
    store.add_history(work, [records.history_line(work, {**giver, **gone}, "merged", line)])
    # Only now: what was the giver's alone, its credit code say, is free.
    remains = _remaining(work, giver, taker, received["reason"])
    merge = {
        "id": new_id(),
        "customer_id": giver["id"],
        "into_id": taker["id"],
        "reason": received["reason"],
        "waits_for": list(_ELSEWHERE),
        "handed_over": {"customer": handed_over},
        "merged_at": work.now,
        "merged_by": work.caller.actor,
        "finished_at": None,
    }
    store.add_merge(work, merge)
    events.customer_merged(work, giver, remains, merge)
    return _answer({**merge, "code": giver["code"], "name": giver["name"]})


def _remaining(
    work: UnitOfWork, giver: Mapping[str, Any], taker: dict[str, Any], reason: str
) -> dict[str, Any]:
    """The customer that remains, with what only the other had."""
    form = published_form(work)
    after = customers.joined(giver, taker)
    changes = [*customers.merge_line(giver, taker, reason), *records.differences(taker, after, form)]
    stamp = {"version": taker["version"] + 1, "updated_at": work.now, "updated_by": work.caller.actor}
    store.update_customer(work, taker["id"], {**after, **stamp})
    changed = {**taker, **after, **stamp}
    store.add_history(work, [records.history_line(work, changed, "merged", changes)])
    events.customer_updated(work, changed)
    files.attach(work, form.definition, taker["id"], after["fields"])
    return changed


def list_merges(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the merges into a customer, the newest first, and for whom each still waits."""
    record = records.find(work, received["customer_id"])
    found = store.list_merges(work, record["id"], received)
    return {**found, "items": [_answer(row) for row in found["items"]]}


def exposure_merged(work: UnitOfWork, event: Event) -> None:
    """The ledger has handed over what it keeps."""
    store.finish_part(work, events.id_of(event.data["customer_id"]), "limits", event.data["documents"])


def applications_merged(work: UnitOfWork, event: Event) -> None:
    """Applications and the records of forms are handed over."""
    store.finish_part(work, events.id_of(event.data["customer_id"]), "application", event.data["records"])


def _answer(merge: Mapping[str, Any]) -> dict[str, Any]:
    return {**merge, "state": "finished" if merge["finished_at"] else "waiting"}
