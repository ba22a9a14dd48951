"""What people see of their work: their tasks, what these are about, and how an instance stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import NotFound, require_filters
from services.common.paging import page
from services.workflow import events, model, store
from services.workflow.engine.definition import PERSON_ACTIONS
from services.workflow.operations.versions import flow_of

_INSTANCE_FILTERS = ("state", "flow_key", "initiator", "subject_id", "subject_key")
_FILTERS = ("state", "kind")


def list_tasks(work: UnitOfWork, received: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """A page of the caller's own tasks, newest first."""
    where = dict(received["where"])
    require_filters(where, _FILTERS)
    found = page(
        work,
        store.tasks_of(work.caller.username, kind or where.get("kind"), where.get("state")),
        received,
        sort={"created_at": model.tasks.c.created_at},
        key=model.tasks.c.id,
        default_sort="-created_at",
        to_item=dict,
    )
    return {"items": _with_summaries(work, found["items"]), "next": found["next"]}


def count_tasks(work: UnitOfWork) -> dict[str, Any]:
    """How many tasks the caller has open, in all and by kind."""
    kinds = store.count_open(work, work.caller.username)
    return {"open": sum(kinds.values()), "kinds": kinds}


def get_task(work: UnitOfWork, task_id: UUID) -> dict[str, Any]:
    """One of the caller's own tasks, with what its node lets them do and asks of them."""
    task = mine(work, task_id)
    shown = _with_summaries(work, [task])[0]
    instance = store.find_instance(work, task["instance_id"]) if task["instance_id"] else None
    if instance is None:
        return shown
    node = flow_of(work, instance).nodes[task["node"]]
    offered = node.get("actions") or [one for one in PERSON_ACTIONS if _fits(node, one)]
    asked = {name: node.get(name) for name in ("opinion", "signature", "buttons", "deadline")}
    values, hidden = instance["data"].get("fields") or {}, _hidden([node])
    fields = {name: value for name, value in values.items() if name not in hidden}
    return {**shown, "actions": offered, **asked, "field_rights": node.get("fields") or {}, "fields": fields}


def _fits(node: Mapping[str, Any], action: str) -> bool:
    return node["type"] == "approval" or action != "reject"


def _hidden(nodes: Sequence[Mapping[str, Any]]) -> set[str]:
    """The fields that all of these nodes hide."""
    found = [{key for key, how in (node.get("fields") or {}).items() if how == "hidden"} for node in nodes]
    return set.intersection(*found) if found else set()


def get_instance(work: UnitOfWork, instance_id: UUID) -> dict[str, Any]:
    """An instance with its graph, its tasks and its timeline, for those who take part or may read all."""
    instance = store.find_instance(work, instance_id)
    if instance is None:
        raise NotFound("没有这个流程实例")
    tasks = store.tasks_of_instance(work, instance_id)
    me = work.caller.username
    mine_here = {task["node"] for task in tasks if task["assignee"] == me}
    sees_all = me == instance["initiator"] or store.sees_instance(work, instance)
    if not sees_all and not mine_here:
        raise NotFound("没有这个流程实例")
    flow = flow_of(work, instance)
    hidden = set() if sees_all else _hidden([flow.nodes[key] for key in mine_here])
    data = instance["data"]
    if hidden:
        seen = {key: value for key, value in (data.get("fields") or {}).items() if key not in hidden}
        data = {**data, "fields": seen}
    return {
        **{name: value for name, value in instance.items() if not name.startswith("subject_")},
        "data": data,
        "subject": events.subject_of(instance),
        "graph": flow.graph,
        "tasks": [task_view(task) for task in tasks],
        "timeline": store.timeline_of(work, instance_id),
    }


def list_instances(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the instances that the caller's right reaches, newest first."""
    require_filters(received["where"], _INSTANCE_FILTERS)
    return page(
        work,
        store.instances_seen(work, received["where"]),
        received,
        sort={"started_at": model.instances.c.started_at},
        key=model.instances.c.id,
        default_sort="-started_at",
        to_item=instance_view,
    )


def instance_view(instance: Mapping[str, Any]) -> dict[str, Any]:
    """An instance as lists show it."""
    names = ("id", "flow_key", "flow_version", "state", "node", "initiator", "customer_id", "submission")
    shown = {name: instance[name] for name in (*names, "started_at", "ended_at")}
    return {**shown, "subject": events.subject_of(instance)}


def instance_state(work: UnitOfWork, instance_id: UUID) -> str:
    """The state in which an instance stands."""
    instance = store.find_instance(work, instance_id)
    return str(instance["state"]) if instance else ""


def task_view(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task as answered, without its summary."""
    names = (
        "id",
        "instance_id",
        "node",
        "title",
        "assignee",
        "kind",
        "stands_for",
        "state",
        "action",
        "opinion",
        "due_at",
        "subject",
        "customer_id",
        "created_at",
        "closed_at",
    )
    return {name: task[name] for name in names}


def _with_summaries(work: UnitOfWork, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    ids = [task["customer_id"] for task in tasks if task["customer_id"]]
    known = store.customers_by_id(work, ids) if ids else {}
    of = [task["instance_id"] for task in tasks if task["instance_id"]]
    instances = store.instances_by_id(work, of) if of else {}
    shown = []
    for task in tasks:
        customer = known.get(task["customer_id"]) or {}
        instance = instances.get(task["instance_id"])
        shown.append({**task_view(task), "summary": summary(customer, instance)})
    return shown


def summary(customer: Mapping[str, Any], instance: Mapping[str, Any] | None) -> dict[str, Any]:
    """What one needs to decide on a phone: what is asked, and how the customer stands."""
    account = customer.get("account") or {}
    data = (instance or {}).get("data") or {}
    return {
        "customer": customer.get("name") or data.get("customer_name"),
        "amount": data.get("amount"),
        "currency": data.get("currency"),
        "term_days": data.get("term_days"),
        "approved": data.get("approved"),
        "reason": data.get("reason"),
        "limit": account.get("limit"),
        "exposure": (account.get("exposure") or {}).get("total"),
        "available": account.get("available"),
        "overdue": account.get("overdue"),
        "state": account.get("state"),
        "grade": customer.get("grade"),
    }


def mine(
    work: UnitOfWork, task_id: UUID, *, locked: bool = False, group: str | None = None
) -> dict[str, Any]:
    """One of the caller's own tasks; `NotFound` otherwise. Locks its row when `locked`.

    `group` is the group that it is of, whose instance is locked: then it is read with the others of it.
    """
    if group is None:
        task = store.find_task(work, task_id, locked=locked)
    else:
        task = next((each for each in store.tasks_of_group(work, group) if each["id"] == task_id), None)
    if task is None or task["assignee"] != work.caller.username or task["state"] == "waiting":
        raise NotFound("没有这个任务")
    return task
