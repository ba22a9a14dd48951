"""Instances of flows: how they begin, and how those who asked take them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.common.caller import service_caller
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.events import Event
from services.common.ids import new_id
from services.common.strict_json import to_plain
from services.workflow import events, store
from services.workflow.engine import begin
from services.workflow.operations import ending, moving
from services.workflow.operations.flows import require_flow
from services.workflow.operations.notes import note
from services.workflow.operations.versions import flow_of

FLOW_OF_TYPE = {"credit": "credit-application"}
_TOLD = ("record", "customer", "order")
_OURSELVES = service_caller("workflow").principal
_SHOWN = ("id", "flow_key", "flow_version", "state", "node", "initiator", "started_at")
_ASKED = ("amount", "currency", "term_days", "valid_from", "valid_to")


def start_for_application(work: UnitOfWork, event: Event) -> None:
    """A submitted application starts its flow, once per submission: the one bound to its type, if any."""
    application = event.data["application"]
    bound = store.flow_bound_to(work, "application.application_submitted", application["type"])
    names = (*_ASKED, "type", "reason", "number", "customer_name", "fields")
    data = {name: application.get(name) for name in names}
    start(
        work,
        bound or FLOW_OF_TYPE.get(application["type"], application["type"]),
        subject={"type": ending.APPLICATION, "id": str(application["id"]), "key": application["number"]},
        submission=int(event.data["submission"]),
        initiator=application["initiator"],
        customer_id=UUID(str(application["customer_id"])),
        data=data,
    )


def start_for_record(work: UnitOfWork, event: Event) -> None:
    """A record, customer or order of which something is told starts the flow bound to that, if any is.

    While one runs for it, no other is started. The event says what it is about: `record`, `customer` or
    `order`, and `form` where it has a type.
    """
    if event.data.get("through") == _OURSELVES:
        # What a flow has written back was approved: to ask for it again would never end.
        return
    kind = next(kind for kind in _TOLD if kind in event.data)
    told = event.data[kind]
    bound = store.flow_bound_to(work, event.type, str(told.get("form") or kind))
    if bound is None:
        return
    customer = told["id"] if kind == "customer" else told.get("customer_id") or event.data.get("customer_id")
    initiator = event.actor
    key = told.get("number") or told.get("order_no") or told.get("code") or told.get("id")
    data = {name: told.get(name) for name in (*_ASKED, "reason", "customer_name")}
    data["fields"] = told.get("fields") or {}
    if not store.company(work).is_active(initiator):
        # What a machine has told starts no approval: nobody could be asked back.
        return
    before = store.instance_of_subject(work, kind, str(told.get("id") or key))
    if before is not None and before["state"] in ("running", "granting"):
        return
    start(
        work,
        bound,
        subject={"type": kind, "id": str(told.get("id") or key), "key": str(key)},
        submission=event.sequence,
        initiator=initiator,
        customer_id=UUID(str(customer)) if customer else None,
        data={**data, "type": kind},
    )


def start_for_records(work: UnitOfWork, event: Event) -> None:
    """Records that came as a table start the flow bound to new ones, each its own."""
    created = "application.record_created"
    if store.flow_bound_to(work, created, str(event.data["form"])) is None:
        return
    for record in event.data["records"]:
        start_for_record(work, replace(event, type=created, data={"record": record}))


def start_by_hand(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody starts a flow about something, with what they ask for."""
    identity = str(new_id())
    subject = received["subject"] or {"type": "request", "id": identity, "key": identity[-12:]}
    if subject["type"] in (ending.APPLICATION, "instance"):
        raise invalid_field("subject.type", "subject_type", "请通过申请单提交", "这类流程不能手工发起")
    flow = require_flow(work, received["flow"])
    customer = None
    if received["customer_id"] is not None:
        customer = store.customers_by_id(work, [received["customer_id"]]).get(received["customer_id"])
        if customer is None:
            raise invalid_field("customer_id", "customer_unknown", "没有这个客户")
    data = {name: to_plain(received[name]) for name in (*_ASKED, "reason")}
    data |= {"fields": received["form_fields"], "type": flow["key"], "chosen": received["choose"] or {}}
    data |= {"customer_name": customer["name"] if customer else None}
    before = store.instance_of_subject(work, subject["type"], subject["id"])
    if before is not None and before["state"] in ("running", "granting"):
        raise Conflict("该事项已有流程在进行", code="already_running", instance_id=str(before["id"]))
    made = start(
        work,
        flow["key"],
        subject=subject,
        submission=(before["submission"] if before else 0) + 1,
        initiator=work.caller.actor,
        customer_id=received["customer_id"],
        data=data,
    )
    if made is None:
        raise Conflict("该事项已有流程在进行", code="already_running")
    return {**{name: made[name] for name in _SHOWN}, "subject": subject}


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
    known = store.customers_by_id(work, [customer_id]).get(customer_id) if customer_id else None
    data = {"grade": known["grade"] if known else None, **data}
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
    flow = flow_of(work, instance)
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
