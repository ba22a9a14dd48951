"""What the rules publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork


def rule_published(work: UnitOfWork, rule: Mapping[str, Any], version: int, definition: Any) -> None:
    """A rule has a new version in force; everybody who follows it must have it, so its key orders it."""
    told = {"id": rule["id"], "key": rule["key"], "version": version, **definition}
    work.add_event("rule_published", subject=rule["id"], ordering_key=rule["key"], data={"rule": told})


def rule_fired(work: UnitOfWork, customer_id: UUID, data: Mapping[str, Any]) -> None:
    """A rule's condition has become true for a customer; the actions say what is to follow."""
    work.add_event(
        "rule_fired",
        subject=customer_id,
        ordering_key=customer_id,
        data={"customer_id": customer_id, **data},
    )


def customer_rated(work: UnitOfWork, rating: Mapping[str, Any]) -> None:
    """A customer has another grade."""
    names = ("customer_id", "grade", "score", "rated_on")
    customer_id = rating["customer_id"]
    work.add_event(
        "customer_rated",
        subject=customer_id,
        ordering_key=customer_id,
        data={name: rating[name] for name in names},
    )
