"""To-dos: tasks without a flow, in the same inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.workflow import events, store

DUE_DAYS = 3


def add_todo(
    work: UnitOfWork,
    *,
    group_key: str,
    title: str,
    assignee: str,
    subject: Mapping[str, Any],
    customer_id: UUID | None,
    due_days: int = DUE_DAYS,
) -> None:
    """Make a to-do, once per group and person."""
    task = {
        "id": new_id(),
        "instance_id": None,
        "node": "todo",
        "visit": 0,
        "kind": "todo",
        "title": title,
        "assignee": assignee,
        "stands_for": None,
        "place": 0,
        "sign": "main",
        "by": None,
        "turn": 0,
        "state": "open",
        "action": None,
        "opinion": None,
        "urged": 0,
        "urged_at": None,
        "due_at": work.now + timedelta(days=due_days),
        "subject": dict(subject),
        "customer_id": customer_id,
        "group_key": group_key,
        "created_at": work.now,
        "closed_at": None,
    }
    if store.add_task(work, task):
        customer = store.customers_by_id(work, [customer_id]).get(customer_id) if customer_id else None
        # Whoever is kept from the name is kept from it in the title as well.
        told = {"customer_name": customer["name"]} if customer else None
        events.task_event(work, "task_created", task, told)


def close_todos(work: UnitOfWork, group_key: str) -> None:
    """Take the open to-dos of a group away from everybody who has one."""
    for task in store.close_group(work, group_key, "superseded"):
        events.task_event(work, "task_closed", task)


def add_todos(
    work: UnitOfWork, instance: Mapping[str, Any], to: Sequence[str], *, group_key: str, title: str
) -> None:
    """Make a to-do about an instance for each of these people."""
    for username in to:
        add_todo(
            work,
            group_key=group_key,
            title=title,
            assignee=username,
            subject=events.subject_of(instance),
            customer_id=instance["customer_id"],
        )
