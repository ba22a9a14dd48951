"""The end of an instance: the saga steps after an approval, which are never half done, and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.commands import Command
from services.common.db import UnitOfWork
from services.workflow import events, store
from services.workflow.operations.notes import note
from services.workflow.operations.todos import add_todos
from services.workflow.operations.versions import flow_of
from services.workflow.operations.waits import add_timer
from services.workflow.people import ADMIN_ROLE

APPLICATION = "application"
_NOTHING_LEFT: dict[str, Any] = {"tokens": {}, "joins": {}, "back": {}}


def approved(work: UnitOfWork, instance: dict[str, Any]) -> None:
    """The flow has come to its end: an application's grant begins; anything else is approved."""
    granted = instance["data"].get("approved") or {}
    note(work, instance, "approved", actor="system", detail=granted)
    if instance["subject_type"] != APPLICATION or instance["parent_id"] is not None:
        end(work, instance, "approved", approved=granted)
        return
    instance["state"] = "granting"
    values = {name: instance[name] for name in ("state", "node", "data")}
    store.change_instance(work, instance["id"], values)
    tell_application(work, instance, "grant", approved=granted)


def end(work: UnitOfWork, instance: dict[str, Any], state: str, **extra: Any) -> None:
    """End an instance: nothing of it waits any more, and a flow that waits for it goes on."""
    instance["state"] = state
    instance["tokens"] = {**instance["tokens"], **_NOTHING_LEFT}
    values = {name: instance[name] for name in ("state", "node", "data", "tokens")}
    store.change_instance(work, instance["id"], {**values, "ended_at": work.now})
    if flow_of(work, instance).has_times:
        store.drop_timers(work, instance["id"])
    if instance["parent_id"] is not None:
        parent = {"id": instance["parent_id"]}
        detail = {"ended": state, "child": str(instance["id"]), "data": instance["data"]}
        add_timer(work, parent, instance["parent_visit"], "subflow", work.now, detail)
    events.instance_event(work, "instance_ended", instance, outcome=state, **extra)


def tell_application(work: UnitOfWork, instance: Mapping[str, Any], step: str, **more: Any) -> None:
    """Ask the application to take a step, as a saga command; nothing for what is about something else."""
    if instance["subject_type"] != APPLICATION or instance["parent_id"] is not None:
        return
    payload = {"application_id": instance["subject_id"], "step": step, "instance_id": instance["id"], **more}
    key = f"{instance['id']}:{instance['visit']}:{step}"
    work.add_command(key, APPLICATION, "take_step", payload, on_answer=f"application_{step}")


def granting_marked(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The application is marked: now the ledger grants what was approved."""
    instance = instance_of(work, command)
    if "error" in answer:
        failed(work, instance, str(answer["error"]["detail"]))
        return
    granted = instance["data"]["approved"]
    names = ("amount", "currency", "term_days", "valid_from", "valid_to")
    payload = {
        "customer_id": str(instance["customer_id"]),
        "kind": "base",
        **{name: granted.get(name) for name in names},
        "application_id": instance["subject_id"],
        "reason": f"授信申请 {instance['subject_key']}",
    }
    key = f"{instance['id']}:{instance['visit']}:grant_credit"
    work.add_command(key, "limits", "grant_credit", payload, on_answer="credit_granted")


def credit_granted(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The ledger has answered: the application takes effect, or says why not."""
    instance = instance_of(work, command)
    if "error" in answer:
        problem = str(answer["error"]["detail"])
        tell_application(work, instance, "fail", problem=problem)
        failed(work, instance, problem)
        return
    granted = instance["data"]["approved"]
    tell_application(work, instance, "take_effect", approved=granted)
    note(work, instance, "granted", actor="system", detail={"grant": answer["ok"]["grant"]})
    end(work, instance, "effective", approved=granted)


def step_told(work: UnitOfWork, command: Command, answer: dict[str, Any]) -> None:
    """The application has taken a step that nothing more depends on; a refusal goes to the timeline."""
    if "error" in answer:
        instance = instance_of(work, command)
        detail = {"step": command.payload["step"], "problem": answer["error"]["detail"]}
        note(work, instance, "application_refused", actor="system", detail=detail)


def instance_of(work: UnitOfWork, command: Command) -> dict[str, Any]:
    """The instance that sent a command. Locks it."""
    return store.lock_instance(work, UUID(command.key.partition(":")[0]))


def failed(work: UnitOfWork, instance: dict[str, Any], problem: str) -> None:
    """What was approved could not be done: the instance ends so, and an administrator looks at it."""
    note(work, instance, "grant_failed", actor="system", detail={"problem": problem})
    for task in store.close_tasks(work, instance["id"], None, "cancelled"):
        events.task_event(work, "task_closed", task)
    end(work, instance, "grant_failed", problem=problem)
    word = "额度生效失败" if instance["subject_type"] == APPLICATION else "审批后的处理失败"
    add_todos(
        work,
        instance,
        store.company(work).with_role(ADMIN_ROLE),
        group_key=f"grant:{instance['id']}",
        title=f"{word}: {instance['subject_key']} ({problem})",
    )
