"""What flows publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork


def subject_of(instance: Mapping[str, Any]) -> dict[str, Any]:
    """What an instance is about."""
    return {
        "type": instance["subject_type"],
        "id": instance["subject_id"],
        "key": instance["subject_key"],
    }


def instance_event(work: UnitOfWork, name: str, instance: Mapping[str, Any], **extra: Any) -> None:
    """`instance_started`, `instance_ended`, or what else became of an instance."""
    names = ("id", "flow_key", "flow_version", "initiator", "state", "customer_id", "submission")
    told = {**{each: instance[each] for each in names}, "subject": subject_of(instance)}
    work.add_event(
        name,
        subject=instance["id"],
        ordering_key=instance["customer_id"] or instance["id"],
        data={"instance": told, **extra},
    )


def task_event(
    work: UnitOfWork, name: str, task: Mapping[str, Any], summary: Any = None, **extra: Any
) -> None:
    """`task_created`, `task_closed`, or what else people did with a task."""
    names = ("id", "instance_id", "node", "title", "assignee", "kind", "state", "due_at", "subject")
    told = {**{each: task[each] for each in names}, "customer_id": task["customer_id"], "summary": summary}
    work.add_event(
        name,
        subject=task["id"],
        ordering_key=task["customer_id"] or task["id"],
        data={"task": told, **extra},
    )
