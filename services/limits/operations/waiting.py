"""ERP documents that waited, and cannot be applied: an administrator edits and replays them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.common.db import UnitOfWork
from services.common.parked import park_document


def set_aside(work: UnitOfWork, row: Mapping[str, Any], why: str) -> None:
    """Park a document that was taken from those that wait.

    It was claimed when it began to wait, and is told again as nothing new; what an administrator replays is
    another message, which may be applied once.
    """
    body = row["body"]
    event_id = f"{body.get('source')}/{body.get('event_id')}"
    again = {**body, "event_id": f"{body.get('event_id')}:parked"}
    event = {"type": row["routing_key"], "routing_key": row["routing_key"], "data": again, "source": "erp"}
    park_document(work, "erp", uuid5(NAMESPACE_URL, event_id), row["key"], event, why)
