"""Instances of flows: how they begin, and how those who asked take them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.events import Event
from services.common.ids import new_id
from services.workflow import events, store
from services.workflow.engine import begin
from services.workflow.operations import ending, moving
from services.workflow.operations.notes import note

FLOW_OF_TYPE = {"credit": "credit-application"}
_ASKED = ("amount", "currency", "term_days", "valid_from", "valid_to")


def start_for_application(work: UnitOfWork, event: Event) -> None:
    """A submitted application starts its flow, once per submission."""
    application = event.data["application"]
    names = (*_ASKED, "type", "reason", "number", "customer_name", "fields")
    data = {name: application.get(name) for name in names}
    start(
        work,
        FLOW_OF_TYPE[application["type"]],
        subject={"type": ending.APPLICATION, "id": str(application["id"]), "key": application["number"]},
        submission=int(event.data["submission"]),
        initiator=application["initiator"],
        customer_id=UUID(str(application["customer_id"])),
        data=data,
    )


def start(
    work: UnitOfWork,
    flow_key: str,
    *,
    subject: Mapping[str, Any],
    submission: int,
    initiator: str,
    customer_id: UUID | None,
    data: Mapping[str, Any],
    parent: tuple[UUID, int] | None = None,
) -> dict[str, Any] | None:
    """Start an instance of the flow in force, once per subject and submission; None when it was before.

    What was sent back to go straight on begins where it was, on the version that it was on.
    """
    found = store.version_in_force(work, flow_key)
    if found is None:
        raise NotFound("该类申请没有已发布的流程", code="no_flow", flow=flow_key)
    flow_id, version = found
    resume = _left_by(work, subject, submission, flow_id)
    if resume is not None:
        version = resume["version"]
    department = store.department_of(work, initiator)
    approved = {name: data.get(name) for name in _ASKED}
    instance = {
        "id": new_id(),
        "flow_id": flow_id,
        "flow_key": flow_key,
        "flow_version": version,
        "subject_type": subject["type"],
        "subject_id": subject["id"],
        "subject_key": subject["key"],
        "submission": submission,
        "customer_id": customer_id,
        "initiator": initiator,
        "state": "running",
        "node": None,
        "visit": 0,
        "tokens": {},
        "data": {**data, "initiator": initiator, "department": department, "approved": approved},
        "parent_id": parent[0] if parent else None,
        "parent_visit": parent[1] if parent else None,
        "started_at": work.now,
        "ended_at": None,
    }
    if not store.add_instance(work, instance):
        return None
    note(work, instance, "submit", actor=initiator, opinion=data.get("reason"))
    events.instance_event(work, "instance_started", instance)
    flow = moving.flow_of(work, instance)
    run = begin(flow, moving.world_of_instance(work, flow, instance), resume and resume["tokens"])
    moving.apply(work, instance, flow, run)
    return instance


def withdraw_for_application(work: UnitOfWork, event: Event) -> None:
    """A withdrawn application ends its flow; what was open is closed."""
    application = event.data["application"]
    instance = store.instance_of_subject(work, ending.APPLICATION, str(application["id"]))
    submission = int(event.data["submission"])
    if instance is None or instance["state"] != "running" or instance["submission"] != submission:
        return
    stop(work, instance, "withdraw", "withdrawn", actor=application["initiator"])


def stop(
    work: UnitOfWork,
    instance: dict[str, Any],
    action: str,
    state: str,
    *,
    actor: str,
    reason: str | None = None,
) -> None:
    """End a running instance from outside: its tasks are closed, its sub-flows stop with it."""
    moving.close_open_tasks(work, instance, "cancelled")
    note(work, instance, action, actor=actor, opinion=reason)
    for child in store.running_children(work, instance["id"]):
        stop(work, {**child, "parent_id": None}, action, state, actor=actor, reason=reason)
    ending.end(work, instance, state)


def _left_by(
    work: UnitOfWork, subject: Mapping[str, Any], submission: int, flow_id: UUID
) -> dict[str, Any] | None:
    """Where the instance before stood when it was sent back, if it is to go straight on from there."""
    if submission <= 1:
        return None
    before = store.instance_of_subject(work, subject["type"], subject["id"])
    if before is None or before["state"] != "returned" or before["flow_id"] != flow_id:
        return None
    kept = before["data"].get("resume")
    return {"version": before["flow_version"], "tokens": kept} if kept else None
