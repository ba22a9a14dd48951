"""What events tell people: the actions of fired rules and new tasks become notifications and mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.identity import store
from gateway.identity.model import mails, notifications
from services.common.db import UnitOfWork
from services.common.events import Event
from services.common.ids import new_id

_ROLE = "role:"
_OWNER = "sales_owner"


def rule_fired(work: UnitOfWork, event: Event) -> None:
    """Notify and mail whoever the rule's actions name, once per episode and person."""
    data = event.data
    for action in data["actions"]:
        if action["kind"] not in ("mail", "notify"):
            continue
        key = f"rule:{data['rule_key']}:{data['customer_id']}:{data['episode']}"
        people = _people(work, action["to"], data.get("salesperson"))
        for person in people:
            _notify(work, key, person["username"], action["subject"], action["body"])
            if action["kind"] == "mail" and person["email"]:
                _mail(work, key, person["email"], action["subject"], action["body"])


def task_created(work: UnitOfWork, event: Event) -> None:
    """Tell the assignee of a new task."""
    task = event.data["task"]
    if task.get("assignee"):
        _notify(work, f"task:{task['id']}", task["assignee"], f"待办: {task['title']}", _summary_text(task))


def _people(work: UnitOfWork, to: Iterable[str], owner: str | None) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in to:
        if name.startswith(_ROLE):
            people = store.usernames_with_role(work, name.removeprefix(_ROLE))
        else:
            user = store.find_user(work, username=owner if name == _OWNER else name)
            people = [user] if user and user["active"] else []
        for person in people:
            found.setdefault(person["username"], person)
    return list(found.values())


def _notify(work: UnitOfWork, key: str, username: str, title: str, body: str) -> None:
    row = {
        "id": new_id(),
        "key": key,
        "username": username,
        "title": title,
        "body": body,
        "created_at": work.now,
    }
    store.add(work, notifications, row)


def _mail(work: UnitOfWork, key: str, recipient: str, subject: str, body: str) -> None:
    row = {
        "id": new_id(),
        "key": key,
        "recipient": recipient,
        "subject": subject,
        "body": body,
        "state": "waiting",
        "attempts": 0,
        "next_attempt_at": work.now,
        "created_at": work.now,
    }
    store.add(work, mails, row)


def _summary_text(task: Mapping[str, Any]) -> str:
    summary = task.get("summary")
    if isinstance(summary, Mapping):
        return "; ".join(f"{name}: {value}" for name, value in summary.items() if value is not None)
    return str(summary or "")
