"""Instances from outside: ended or moved by an administrator, taken back by whoever asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.workflow import events, store
from services.workflow.engine import State, carry_on, tokens
from services.workflow.operations import ending, instances, moving
from services.workflow.operations.notes import note
from services.workflow.operations.versions import flow_of
from services.workflow.operations.waits import add_timer

_STEER = "instances.steer"


def jump_instance(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """An administrator puts a running instance at another node, with a reason."""
    instance = running(work, received["instance_id"])
    flow = flow_of(work, instance)
    progress = tokens.jump(flow, State.from_json(instance["tokens"]), received["to"])
    moving.close_open_tasks(work, instance, "cancelled")
    store.drop_timers(work, instance["id"])
    detail = {"to": received["to"]}
    note(work, instance, "jump", actor=work.caller.actor, opinion=received["reason"], detail=detail)
    events.instance_event(work, "instance_jumped", instance, to=received["to"], reason=received["reason"])
    world = moving.world_of_instance(work, flow, instance)
    moving.apply(work, instance, flow, carry_on(flow, progress, world))
    return _standing(instance)


def terminate_instance(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """An administrator ends a running instance, with a reason."""
    instance = running(work, received["instance_id"])
    reason = received["reason"]
    instances.stop(work, instance, "terminate", "terminated", actor=work.caller.actor, reason=reason)
    ending.tell_application(work, instance, "reject")
    events.instance_event(work, "instance_terminated", instance, reason=reason)
    return _standing(instance)


def withdraw_instance(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Whoever asked takes it back, as far as the flow lets them: while nobody has acted, or always (撤回)."""
    found = store.find_instance(work, received["instance_id"])
    if found is None or found["initiator"] != work.caller.username:
        raise NotFound("没有这个流程实例")
    instance = running(work, received["instance_id"])
    if instance["subject_type"] == ending.APPLICATION:
        raise Conflict("请在申请上撤回", code="withdraw_the_application")
    require_withdrawable(work, instance)
    reason = received.get("reason")
    instances.stop(work, instance, "withdraw", "withdrawn", actor=work.caller.username, reason=reason)
    return _standing(instance)


def may_be_withdrawn(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse where the newest instance of a subject may not be taken back; the subject's owner asks."""
    instance = store.newest_instance(work, received["type"], received["id"])
    if instance is not None and instance["state"] == "running":
        require_withdrawable(work, instance)
    return {"withdrawable": True}


def retry_instance(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Send the webhooks of an instance again that were parked."""
    instance = running(work, received["instance_id"])
    flow = flow_of(work, instance)
    waiting = {row["visit"] for row in store.timers_of(work, instance["id"])}
    again = [
        visit
        for visit, key in State.from_json(instance["tokens"]).tokens.items()
        if flow.nodes[key].get("do") == "webhook" and visit not in waiting
    ]
    if not again:
        raise Conflict("没有等待重发的外部接口", code="nothing_parked")
    for visit in again:
        add_timer(work, instance, visit, "webhook", work.now, {})
    note(work, instance, "retry", actor=work.caller.actor, opinion=received["reason"])
    return _standing(instance)


def require_withdrawable(work: UnitOfWork, instance: Mapping[str, Any]) -> None:
    """Raise `Conflict` where the flow does not let an instance be taken back as it stands."""
    how = flow_of(work, instance).settings.get("withdraw", "always")
    acted = any(task["state"] == "done" for task in store.tasks_of_instance(work, instance["id"]))
    if how == "never" or (how == "untouched" and acted):
        raise Conflict("已有人处理, 不能撤回", code="not_withdrawable", withdraw=how)


def running(work: UnitOfWork, instance_id: UUID) -> dict[str, Any]:
    """A running instance, locked; 404, or 409 with its state."""
    found = store.find_instance(work, instance_id)
    if found is None or (work.right == _STEER and not store.sees_instance(work, found, _STEER)):
        raise NotFound("没有这个流程实例")
    instance = store.lock_instance(work, instance_id)
    if instance["state"] != "running":
        raise Conflict("流程已结束", code="instance_ended", state=instance["state"])
    return instance


def _standing(instance: Mapping[str, Any]) -> dict[str, Any]:
    return {name: instance[name] for name in ("id", "state", "node")}
