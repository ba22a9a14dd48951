"""The timeline of an instance: who did what at which node, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.workflow import store


def note(
    work: UnitOfWork,
    instance: Mapping[str, Any],
    action: str,
    *,
    actor: str,
    node: str | None = None,
    opinion: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to an instance's timeline, at a node or where the instance stands."""
    store.add_timeline(
        work,
        {
            "instance_id": instance["id"],
            "node": node or instance["node"],
            "action": action,
            "actor": actor,
            "opinion": opinion,
            "detail": dict(detail or {}),
        },
    )
