"""Running flows: started by events, moved on by people, ended by saga steps that are never half done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.common.commands import Command
from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.events import Event
from services.common.ids import new_id
from services.workflow import events, store
from services.workflow.engine import Stop, advance
from services.workflow.operations.flows import facts_of
from services.workflow.people import ADMIN_ROLE, assign

FLOW_OF_TYPE = {"credit": "credit-application"}
_APPLICATION = "application"
_DUE_DAYS = 3


def start_for_application(work: UnitOfWork, event: Event) -> None:
    """A submitted application starts its flow, once per submission."""
    application = event.data["application"]
    found = store.graph_of(work, FLOW_OF_TYPE[application["type"]])
    if found is None:
        raise NotFound("该类申请没有已发布的流程", code="no_flow")
    version, graph = found
    initiator = application["initiator"]
    person = store.company(work).people.get(initiator)
    names = ("amount", "currency", "term_days", "valid_from", "valid_to", "type", "reason", "number")
    data = {name: application.get(name) for name in names}
    data |= {
        "initiator": initiator,
        "department": person.department if person else None,
        "customer_name": application["customer_name"],
        "approved": {name: data[name] for name in names[:5]},
    }
    instance = {
        "id": new_id(),
        "flow_key": FLOW_OF_TYPE[application["type"]],
        "flow_version": version,
        "subject_type": _APPLICATION,
        "subject_id": str(application["id"]),
        "subject_key": application["number"],
        "submission": int(event.data["submission"]),
        "customer_id": UUID(str(application["customer_id"])),
        "initiator": initiator,
        "state": "running",
        "node": None,
        "visit": 0,
        "data": data,
        "started_at": work.now,
        "ended_at": None,
    }
    if not store.add_instance(work, instance):
        return
    note(work, instance, "submit", actor=initiator, opinion=data["reason"])
    events.instance_event(work, "instance_started", instance)
    move_on(work, instance, advance(graph, None, facts_of(work, data)))


def withdraw_for_application(work: UnitOfWork, event: Event) -> None:
    """A withdrawn application ends its flow; what was open is closed."""
    application = event.data["application"]
    instance = store.instance_of_subject(work, _APPLICATION, str(application["id"]))
    submission = int(event.data["submission"])
    if instance is None or instance["state"] != "running" or instance["submission"] != submission:
        return
    close_open_tasks(work, instance, "cancelled")
    note(work, instance, "withdraw", actor=application["initiator"])
    end(work, instance, "withdrawn")


def move_on(work: UnitOfWork, instance: dict[str, Any], stop: Stop) -> None:
    """Put the token where it came to rest: make the tasks there, or end the flow."""
    if stop.ended:
        instance["node"] = stop.node["key"]
        _approved(work, instance)
        return
    instance["visit"] += 1
    instance["node"] = stop.node["key"]
    values = {name: instance[name] for name in ("node", "visit", "data")}
    store.change_instance(work, instance["id"], values)
    assigned = assign(stop.node["approvers"], instance["initiator"], store.company(work))
    if assigned.note:
        note(work, instance, "reassigned", actor="system", detail={"note": assigned.note})
    title = stop.node.get("title") or stop.node["key"]
    for username in assigned.usernames:
        task = {
            "id": new_id(),
            "instance_id": instance["id"],
            "node": stop.node["key"],
            "visit": instance["visit"],
            "kind": "approval",
            "title": f"{title}: {instance['data'].get('customer_name') or instance['subject_key']}",
            "assignee": username,
            "state": "open",
            "action": None,
            "opinion": None,
            "due_at": work.now + timedelta(days=_DUE_DAYS),
            "subject": events.subject_of(instance),
            "customer_id": instance["customer_id"],
            "group_key": group_of(instance),
            "created_at": work.now,
            "closed_at": None,
        }
        store.add_task(work, task)
        events.task_event(work, "task_created", task, _short(instance))


def group_of(instance: Mapping[str, Any]) -> str:
    """The group of the tasks at the node where an instance stands now."""
    return f"{instance['id']}:{instance['node']}:{instance['visit']}"


def close_open_tasks(work: UnitOfWork, instance: Mapping[str, Any], state: str) -> None:
    """Close what is still open at the node where an instance stands."""
    for task in store.close_group(work, group_of(instance), state):
        events.task_event(work, "task_closed", task)


def end(work: UnitOfWork, instance: dict[str, Any], state: str, **extra: Any) -> None:
    """End an instance."""
    instance["state"] = state
    values = {"state": state, "ended_at": work.now, "node": instance["node"], "data": instance["data"]}
    store.change_instance(work, instance["id"], values)
    events.instance_event(work, "instance_ended", instance, outcome=state, **extra)


def tell_application(work: UnitOfWork, instance: Mapping[str, Any], step: str, **more: Any) -> None:
    """Ask the application to take a step, as a saga command."""
    payload = {"application_id": instance["subject_id"], "step": step, "instance_id": instance["id"], **more}
    key = f"{instance['id']}:{instance['visit']}:{step}"
    work.add_command(key, _APPLICATION, "take_step", payload, on_answer=f"application_{step}")


def note(
    work: UnitOfWork,
    instance: Mapping[str, Any],
    action: str,
    *,
    actor: str,
    opinion: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to an instance's timeline."""
    store.add_timeline(
        work,
        {
            "instance_id": instance["id"],
            "node": instance["node"],
            "action": action,
            "actor": actor,
            "opinion": opinion,
            "detail": dict(detail or {}),
        },
    )


def _approved(work: UnitOfWork, instance: dict[str, Any]) -> None:
    approved = instance["data"]["approved"]
    instance["state"] = "granting"
    values = {name: instance[name] for name in ("state", "node", "data")}
    store.change_instance(work, instance["id"], values)
    note(work, instance, "approved", actor="system", detail=approved)
    tell_application(work, instance, "grant", approved=approved)


# --- the saga: granting → effective, or grant_failed with somebody to look at it --------------------------


def granting_marked(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The application is marked: now the ledger grants what was approved."""
    instance = _of(work, command)
    if "error" in answer:
        _failed(work, instance, answer)
        return
    approved = instance["data"]["approved"]
    names = ("amount", "currency", "term_days", "valid_from", "valid_to")
    payload = {
        "customer_id": str(instance["customer_id"]),
        "kind": "base",
        **{name: approved.get(name) for name in names},
        "application_id": instance["subject_id"],
        "reason": f"授信申请 {instance['subject_key']}",
    }
    key = f"{instance['id']}:{instance['visit']}:grant_credit"
    work.add_command(key, "limits", "grant_credit", payload, on_answer="credit_granted")


def credit_granted(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The ledger has answered: the application takes effect, or says why not."""
    instance = _of(work, command)
    if "error" in answer:
        tell_application(work, instance, "fail", problem=str(answer["error"]["detail"]))
        _failed(work, instance, answer)
        return
    tell_application(work, instance, "take_effect", approved=instance["data"]["approved"])
    note(work, instance, "granted", actor="system", detail={"grant": answer["ok"]["grant"]})
    end(work, instance, "effective", approved=instance["data"]["approved"])


def step_told(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The application has taken a step that nothing more depends on; a refusal goes to the timeline."""
    if "error" in answer:
        instance = _of(work, command)
        detail = {"step": command.payload["step"], "problem": answer["error"]["detail"]}
        note(work, instance, "application_refused", actor="system", detail=detail)


def _of(work: UnitOfWork, command: Command) -> dict[str, Any]:
    return store.lock_instance(work, UUID(command.key.partition(":")[0]))


def _failed(work: UnitOfWork, instance: dict[str, Any], answer: Mapping[str, Any]) -> None:
    problem = str(answer["error"]["detail"])
    note(work, instance, "grant_failed", actor="system", detail={"problem": problem})
    end(work, instance, "grant_failed", problem=problem)
    for username in store.company(work).with_role(ADMIN_ROLE):
        add_todo(
            work,
            group_key=f"grant:{instance['id']}",
            title=f"额度生效失败: {instance['subject_key']} ({problem})",
            assignee=username,
            subject=events.subject_of(instance),
            customer_id=instance["customer_id"],
        )


def add_todo(
    work: UnitOfWork,
    *,
    group_key: str,
    title: str,
    assignee: str,
    subject: Mapping[str, Any],
    customer_id: UUID | None,
    due_days: int = _DUE_DAYS,
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
        "state": "open",
        "action": None,
        "opinion": None,
        "due_at": work.now + timedelta(days=due_days),
        "subject": dict(subject),
        "customer_id": customer_id,
        "group_key": group_key,
        "created_at": work.now,
        "closed_at": None,
    }
    if store.add_task(work, task):
        events.task_event(work, "task_created", task)


def _short(instance: Mapping[str, Any]) -> dict[str, Any]:
    data = instance["data"]
    names = ("customer_name", "amount", "currency", "term_days", "reason")
    return {name: data.get(name) for name in names}
