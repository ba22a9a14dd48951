"""Timers: what is due fires once, however many replicas look, also after a downtime."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Any

import eventlet

from services.common.commands import Command
from services.common.db import UnitOfWork
from services.common.errors import CreditError
from services.common.expressions import ExpressionError
from services.common.outgoing import Outgoing, Unreached
from services.workflow import events, store
from services.workflow.engine import Flow, State
from services.workflow.engine.votes import mode_of
from services.workflow.operations import ending, helping, instances, moving, tasks, waits
from services.workflow.operations.notes import note
from services.workflow.operations.todos import add_todos
from services.workflow.operations.versions import flow_of
from services.workflow.people import ADMIN_ROLE, Company

Row = dict[str, Any]
Begin = Callable[[], AbstractContextManager[UnitOfWork]]
_log = logging.getLogger(__name__)
_AT_ONCE = 200
_SENDERS = 20
_WEBHOOK_TRIES = 5
# Longer than a webhook may take: until then no other replica sends it as well.
_WEBHOOK_LEASE = timedelta(seconds=60)
_PUT_OFF = timedelta(minutes=1)
_APPROVED = ("approved", "effective")


def fire_due(begin: Begin) -> int:
    """Fire what is due, each timer in a transaction of its own; returns how many fired.

    One that fails is put off and looked at again; the others go on.
    """
    fired = 0
    while True:
        due = _due(begin, webhooks=False)
        fired += sum(_tried(begin, timer, _fire) for timer in due)
        if len(due) < _AT_ONCE:
            return fired


def send_webhooks(begin: Begin, outgoing: Outgoing) -> int:
    """Send the webhooks that are due, side by side; returns how many were tried."""
    pool = eventlet.GreenPool(_SENDERS)
    send = partial(_send, outgoing=outgoing)
    return sum(pool.imap(lambda timer: _tried(begin, timer, send), _due(begin, webhooks=True)))


def _due(begin: Begin, *, webhooks: bool) -> list[Row]:
    with begin() as work:
        return store.due_timers(work, _AT_ONCE, webhooks=webhooks)


def _tried(begin: Begin, timer: Row, fire: Callable[[Begin, Row], bool]) -> bool:
    try:
        return fire(begin, timer)
    except (CreditError, ExpressionError):
        _log.exception("timer %s of instance %s failed", timer["kind"], timer["instance_id"])
        with begin() as work:
            store.put_off(work, timer["id"], work.now + _PUT_OFF, timer["attempts"] + 1)
        return False


def _fire(begin: Begin, timer: Row) -> bool:
    with begin() as work:
        claimed = _claimed(work, timer)
        if claimed is None:
            return False
        found, instance = claimed
        store.drop_timer(work, found["id"])
        _FIRES[found["kind"]](work, instance, found)
    return True


def _claimed(work: UnitOfWork, timer: Row) -> tuple[Row, Row] | None:
    """A timer that is still due, and its instance, both locked; one whose visit has gone is dropped."""
    claimed = store.claim_timer(work, timer)
    if claimed is None or _is_waiting(claimed[1], claimed[0]["visit"]):
        return claimed
    store.drop_timer(work, claimed[0]["id"])
    return None


def _is_waiting(instance: Row, visit: Any) -> bool:
    return instance["state"] == "running" and str(visit) in instance["tokens"]["tokens"]


# --- people's time ---------------------------------------------------------------------------------------


def _remind(work: UnitOfWork, instance: Row, timer: Row) -> None:
    for task in _open(work, instance, timer["visit"]):
        events.task_event(work, "task_reminded", task, moving.short_of(instance))
    key = instance["tokens"]["tokens"][str(timer["visit"])]
    note(work, instance, "reminded", actor="system", node=key)


def _deadline(work: UnitOfWork, instance: Row, timer: Row) -> None:
    """The time is over: what the node says happens, to whatever is still open of the visit."""
    flow = flow_of(work, instance)
    visit = int(timer["visit"])
    node = flow.nodes[State.from_json(instance["tokens"]).tokens[visit]]
    then = node["deadline"].get("then") or "remind"
    if then == "remind":
        _remind(work, instance, timer)
        return
    note(work, instance, "timed_out", actor="system", node=node["key"], detail={"then": then})
    if then in ("approve", "reject"):
        _decide(work, instance, flow, visit, then)
        return
    company = store.company(work, instance["flow_key"])
    for task in _open(work, instance, visit):
        to = _next(then, node, task, instance, company)
        if to is None:
            events.task_event(work, "task_reminded", task, moving.short_of(instance))
        else:
            helping.hand_over(work, (task, instance, flow), to, actor="system", action=then)
    tasks.settle(work, instance, flow, visit)


def _decide(work: UnitOfWork, instance: Row, flow: Flow, visit: int, action: str) -> None:
    """Decide for everybody who has not; in a chain, for the whole chain."""
    key = State.from_json(instance["tokens"]).tokens[visit]
    for task in store.tasks_of_group(work, moving.group_of(instance, key, visit)):
        live = task["state"] == "open" or (task["state"] == "waiting" and mode_of(flow.nodes[key]) == "order")
        if live or (task["state"] == "waiting" and task["sign"] != "delegate"):
            tasks.close(work, task, action, "超时自动处理")
            note(work, instance, action, actor="system", node=key, opinion="超时自动处理")
    tasks.settle(work, instance, flow, visit)


def _next(then: str, node: Mapping[str, Any], task: Row, instance: Row, company: Company) -> str | None:
    """Who gets a task whose time is over; nobody where they have it already, or cannot."""
    if then == "transfer":
        candidates = [str(node["deadline"].get("to"))]
    else:
        candidates = [*company.managers_of(task["assignee"]), *company.with_role(ADMIN_ROLE)]
    for name in candidates:
        if company.is_active(name) and name not in (task["assignee"], instance["initiator"]):
            return name
    return None


def _open(work: UnitOfWork, instance: Row, visit: int) -> list[Row]:
    key = instance["tokens"]["tokens"][str(visit)]
    made = store.tasks_of_group(work, moving.group_of(instance, key, visit))
    return [task for task in made if task["state"] == "open"]


# --- what rests by itself --------------------------------------------------------------------------------


def _delay(work: UnitOfWork, instance: Row, timer: Row) -> None:
    moving.leave(work, instance, int(timer["visit"]))


def _subflow(work: UnitOfWork, instance: Row, timer: Row) -> None:
    """Start a sub-flow, or go on once it has ended: by the error branch unless it was approved."""
    detail, visit = timer["detail"], int(timer["visit"])
    if "ended" not in detail:
        subject = {"type": "instance", "id": str(instance["id"]), "key": instance["subject_key"]}
        child = instances.start(
            work,
            detail["flow"],
            subject=subject,
            submission=visit,
            initiator=instance["initiator"],
            customer_id=instance["customer_id"],
            data={name: value for name, value in instance["data"].items() if name != "resume"},
            parent=(instance["id"], visit),
        )
        if child is not None:
            note(work, instance, "subflow_started", actor="system", detail={"instance": str(child["id"])})
        return
    result = {"instance": detail["child"], "outcome": detail["ended"]}
    note(work, instance, "subflow_ended", actor="system", detail=result)
    if detail["ended"] in _APPROVED:
        names = ("fields", "approved")
        written = {name: detail["data"][name] for name in names if name in detail["data"]}
        instance["data"] = {**instance["data"], **written}
        moving.leave(work, instance, visit)
    else:
        moving.failed(work, instance, visit, f"子流程结果: {detail['ended']}")


def action_answered(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """Another service has answered an action's command: on, or by the error branch."""
    instance = ending.instance_of(work, command)
    visit = command.key.split(":")[1]
    if not _is_waiting(instance, visit):
        return
    if "error" in answer:
        moving.failed(work, instance, int(visit), str(answer["error"]["detail"]))
        return
    node = instance["tokens"]["tokens"][visit]
    note(work, instance, "command_done", actor="system", node=node, detail={"method": command.method})
    moving.leave(work, instance, int(visit))


# --- webhooks --------------------------------------------------------------------------------------------


def _request(work: UnitOfWork, instance: Row, timer: Row) -> dict[str, Any]:
    flow = flow_of(work, instance)
    node = flow.nodes[instance["tokens"]["tokens"][str(timer["visit"])]]
    body = {
        "instance_id": str(instance["id"]),
        "flow": instance["flow_key"],
        "subject": events.subject_of(instance),
        "node": node["key"],
        "values": waits.values_of(work, instance, node),
    }
    return {"url": node["url"], "body": body, "key": f"{instance['id']}:{timer['visit']}"}


def _send(begin: Begin, timer: Row, outgoing: Outgoing) -> bool:
    """Send outside of any transaction, then keep what came of it; retried with the same key, then parked."""
    with begin() as work:
        claimed = _claimed(work, timer)
        if claimed is None:
            return False
        request = _request(work, claimed[1], claimed[0])
        attempts = int(claimed[0]["attempts"]) + 1
        store.put_off(work, timer["id"], work.now + _WEBHOOK_LEASE, attempts)
    problem = None
    try:
        outgoing.post(request["url"], request["body"], headers={"Idempotency-Key": request["key"]})
    except Unreached as failure:
        problem = str(failure)
    with begin() as work:
        instance = store.lock_instance(work, timer["instance_id"])
        visit = int(timer["visit"])
        if not _is_waiting(instance, visit):
            return True
        if problem is None:
            store.drop_timer(work, timer["id"])
            key = instance["tokens"]["tokens"][str(visit)]
            note(work, instance, "webhook_sent", actor="system", node=key, detail={"attempts": attempts})
            moving.leave(work, instance, visit)
        elif attempts < _WEBHOOK_TRIES:
            store.put_off(work, timer["id"], work.now + timedelta(seconds=2**attempts), attempts)
        else:
            store.drop_timer(work, timer["id"])
            _park(work, instance, visit, problem)
    return True


def _park(work: UnitOfWork, instance: Row, visit: int, problem: str) -> None:
    """A webhook that was never reached: the error branch, else it waits for an administrator to retry."""
    flow = flow_of(work, instance)
    key = instance["tokens"]["tokens"][str(visit)]
    if flow.leaving(key, "error"):
        moving.failed(work, instance, visit, problem)
        return
    note(work, instance, "webhook_parked", actor="system", node=key, detail={"problem": problem})
    add_todos(
        work,
        instance,
        store.company(work).with_role(ADMIN_ROLE),
        group_key=f"webhook:{instance['id']}:{visit}",
        title=f"外部接口未送达: {instance['subject_key']} ({problem})",
    )


_FIRES: Mapping[str, Callable[[UnitOfWork, Row, Row], None]] = {
    "reminder": _remind,
    "deadline": _deadline,
    "delay": _delay,
    "subflow": _subflow,
}
