"""What events tell people: the actions of fired rules and new tasks become notifications and mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.identity import store as people
from gateway.identity.callers import Directory
from gateway.notifications import store, telling
from services.common.caller import Caller
from services.common.db import UnitOfWork
from services.common.events import Event
from services.common.scopes import Facts, reaches, world_of

_ROLE = "role:"
_OWNER = "sales_owner"
# Either of these rights tells whether a customer is within somebody's reach.
_TOLD_BY = ("firings", "customers")


def rule_fired(work: UnitOfWork, event: Event) -> None:
    """Notify and mail whoever the rule's actions name and reaches the customer, once per episode and person.

    Somebody who is named twice, as owner and by a role, or by two actions, hears of it once.
    """
    data = event.data
    key = f"rule:{data['rule_key']}:{data['customer_id']}:{data['episode']}"
    for action in data["actions"]:
        if action["kind"] not in ("mail", "notify"):
            continue
        for person in _people(work, action.get("to") or (), data.get("salesperson")):
            reader = seen_by(work, person, people.shares_with(work, person["id"]))
            if not _reaches(work, reader, data):
                continue
            store.add_notification(work, key, person["username"], telling.of_rule(action, data))
            if action["kind"] == "mail" and person["email"]:
                subject, body = telling.rule_texts(action, data.get("facts") or {}, reader)
                store.add_mail(work, key, person["email"], subject, body)


def task_created(work: UnitOfWork, event: Event) -> None:
    """Tell the assignee of a new task: whom a flow asks has to know, however far their rights reach."""
    task = event.data["task"]
    inbox_changed(work, event)
    if task.get("assignee"):
        _tell_of(
            work, task, f"task:{task['id']}", task["assignee"], "抄送" if task.get("kind") == "cc" else "待办"
        )


def task_urged(work: UnitOfWork, event: Event) -> None:
    """Tell the assignee that somebody waits."""
    task = event.data["task"]
    _tell_of(work, task, f"urge:{event.id}", task["assignee"], "催办")


def task_reminded(work: UnitOfWork, event: Event) -> None:
    """Tell the assignee that the time is nearly over."""
    task = event.data["task"]
    _tell_of(work, task, f"remind:{event.id}", task["assignee"], "即将到期")


def task_commented(work: UnitOfWork, event: Event) -> None:
    """Tell those whom a comment mentions."""
    for username in event.data["mention"]:
        _tell_of(work, event.data["task"], f"mention:{event.id}", username, "提到了您")


def inbox_changed(work: UnitOfWork, event: Event) -> None:
    """Let those who watch know that their tasks are others than before."""
    task, to = event.data["task"], event.data.get("to") or ()
    people_concerned = {task.get("assignee"), *([to] if isinstance(to, str) else to)} - {None, ""}
    for username in sorted(people_concerned):
        store.note_change(work, username, "tasks")


def import_changed(work: UnitOfWork, event: Event) -> None:
    """Let whoever brings a table in know how far it is."""
    store.note_change(work, event.actor, "imports")


IMPORTS = {f"import_{what}": import_changed for what in ("started", "progressed", "ended")}


def people_notified(work: UnitOfWork, event: Event) -> None:
    """Tell people what a flow's node has for them."""
    instance = event.data["instance"]
    for username in event.data["to"]:
        key = f"flow:{instance['id']}:{event.data['key']}"
        store.add_notification(work, key, username, telling.of_flow(event.data["text"], instance))


def _tell_of(work: UnitOfWork, task: Mapping[str, Any], key: str, username: str, word: str) -> None:
    store.add_notification(work, key, username, telling.of_task(word, task))


def seen_by(work: UnitOfWork, user: Mapping[str, Any], shared: Sequence[Mapping[str, Any]] = ()) -> Caller:
    """A user as a caller, to whom these records are shared: they are told no more than they are shown."""
    return _directory(work).caller(user, shared)


def _directory(work: UnitOfWork) -> Directory:
    found: Directory = work.remembered("directory", lambda: Directory.read(work))
    return found


def _reaches(work: UnitOfWork, reader: Caller, data: Mapping[str, Any]) -> bool:
    """Whether somebody may know of a rule fired for a customer: they see firings of it, or the customer.

    Of an event of an older release the department is not known: it reaches no one by their department.
    """
    salesperson, department = data.get("salesperson"), data.get("department")
    code, name = data.get("customer_code"), data.get("customer_name")
    values = {"code": code, "customer_code": code, "name": name, "customer_name": name}
    values |= {"salesperson": salesperson, "department": department}
    facts = Facts((salesperson,), (department,), (str(data["customer_id"]),), values)
    resources = _directory(work).catalogue.resources
    return any(
        reaches(reader, f"{key}.read", facts, resources[key].scope_of_records, world_of(work))
        for key in _TOLD_BY
    )


def _people(work: UnitOfWork, to: Iterable[str], owner: str | None) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in to:
        for person in _named(work, name, owner):
            found.setdefault(person["username"], person)
    return list(found.values())


def _named(work: UnitOfWork, name: str, owner: str | None) -> list[dict[str, Any]]:
    if name.startswith(_ROLE):
        return people.usernames_with_role(work, name.removeprefix(_ROLE))
    username = owner if name == _OWNER else name
    user = people.find_user(work, username=username) if username else None
    return [user] if user and user["active"] else []
