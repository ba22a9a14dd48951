"""A customer goes on as another: applications and records of forms follow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.application import events, store
from services.application.operations.forms import published_definitions
from services.application.store import records
from services.common.db import UnitOfWork
from services.common.events import Event

_CUSTOMER = "customer"


def customer_merged(work: UnitOfWork, event: Event) -> None:
    """Let applications and relations of records name who remains, and tell of how many; again, of none."""
    giver, into = UUID(str(event.data["customer_id"])), event.data["into"]
    taker = UUID(str(into["id"]))
    counted: dict[str, Any] = {}
    moved = store.hand_over(work, giver, {"id": taker, "code": into["code"], "name": into["name"]})
    for application in moved:
        store.add_history(work, application, "merge", {"from": giver, "into": taker})
        events.told(work, "application_changed", application)
    if moved:
        counted["applications"] = len(moved)
    for key, definition in published_definitions(work).items():
        for one in definition.of_type("relation", "relations"):
            if one.settings["form"] == _CUSTOMER:
                changed = records.rename_related(work, key, one.key, str(giver), str(taker))
                counted[key] = counted.get(key, 0) + changed
    told = {"customer_id": giver, "into_id": taker, "records": {k: n for k, n in counted.items() if n}}
    work.add_event("applications_merged", subject=taker, ordering_key=taker, data=told)
