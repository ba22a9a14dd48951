"""What people do with a task besides deciding it: hand it on, ask others, say something, press for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.duties import APPROVE_OWN
from services.common.errors import Conflict, NotFound, invalid_field
from services.workflow import events, store
from services.workflow.engine import Flow
from services.workflow.engine.votes import SIGNS, removable
from services.workflow.operations import moving
from services.workflow.operations.inbox import mine
from services.workflow.operations.notes import note
from services.workflow.operations.tasks import answer, close, settle, take
from services.workflow.operations.versions import flow_of
from services.workflow.people import ADMIN_ROLE, Company, Seat

URGE_PAUSE = timedelta(minutes=30)
URGES_MAX = 5
_Taken = tuple[dict[str, Any], dict[str, Any], Flow]


def comment_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Say something on a task without deciding it; those who are mentioned hear of it."""
    task = mine(work, received["task_id"])
    if not received.get("opinion"):
        raise invalid_field("opinion", "required", "必填")
    if task["instance_id"] is None:
        raise Conflict("待办没有审批流", code="no_instance")
    instance = store.lock_instance(work, task["instance_id"])
    to = _people(work, instance, received.get("mention") or [], "mention", themselves=True)
    detail = {"mention": to} if to else {}
    note(work, instance, "comment", actor=work.caller.username, opinion=received["opinion"], detail=detail)
    told = moving.short_of(instance)
    events.task_event(work, "task_commented", task, told, opinion=received["opinion"], mention=to)
    return answer(work, task, instance)


def transfer_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Hand a task to somebody else for good (转办)."""
    taken = task, instance, flow = take(work, received["task_id"], "transfer")
    [to] = _people(work, instance, [received.get("to")], "to")
    made = hand_over(work, taken, to, actor=work.caller.username, opinion=received.get("opinion"))
    events.task_event(work, "task_transferred", task, to=to, by=made["id"])
    settle(work, instance, flow, task["visit"])
    return answer(work, task, instance)


def hand_over(
    work: UnitOfWork,
    taken: _Taken,
    to: str,
    *,
    actor: str,
    opinion: str | None = None,
    action: str = "transfer",
) -> dict[str, Any]:
    """Close a task and make it somebody else's; who was asked by it is asked by the new one."""
    task, instance, _ = taken
    _require_not_asked(work, task, to)
    close(work, task, "transfer", opinion)
    made = _add(work, taken, to, sign=task["sign"], by=task["by"], place=task["place"])
    store.reparent(work, task["id"], made["id"])
    detail = {"from": task["assignee"], "to": to}
    note(work, instance, action, actor=actor, node=task["node"], opinion=opinion, detail=detail)
    return made


def delegate_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Ask somebody to look at it first; it comes back with their opinion (委托)."""
    taken = task, instance, flow = take(work, received["task_id"], "delegate")
    [to] = _people(work, instance, [received.get("to")], "to")
    _require_not_asked(work, task, to)
    _add(work, taken, to, sign="delegate", by=task["id"], place=task["place"])
    _tell(work, taken, "delegate", "task_delegated", received, [to])
    settle(work, instance, flow, task["visit"])
    return answer(work, store.find_task(work, task["id"]) or task, instance)


def add_signers(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let others decide as well: before one decides, after, or beside one (加签)."""
    taken = task, instance, flow = take(work, received["task_id"], "add_sign")
    when = received.get("when")
    if when not in SIGNS:
        raise invalid_field("when", "when_unknown", f"应为 {', '.join(SIGNS)}")
    to = _people(work, instance, received.get("to") or [], "to")
    if not to:
        raise invalid_field("to", "required", "请选择加签人")
    for username in to:
        _require_not_asked(work, task, username)
        _add(work, taken, username, sign=when, by=task["id"], place=task["place"])
    _tell(work, taken, "add_sign", "signers_added", received, to, when=when)
    settle(work, instance, flow, task["visit"])
    return answer(work, store.find_task(work, task["id"]) or task, instance)


def remove_signer(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take somebody away who has not decided: one whom one added, or another of the same node (减签)."""
    taken = task, instance, flow = take(work, received["task_id"], "remove_sign")
    made = store.tasks_of_group(work, task["group_key"])
    votes = {one["id"]: moving.vote_of(one) for one in made}
    gone = [one for one in made if one["assignee"] == received.get("who") and votes[one["id"]].counts]
    if not gone or gone[-1]["id"] == task["id"]:
        raise invalid_field("who", "not_asked", "该节点没有请此人处理")
    if not removable(votes[gone[-1]["id"]], list(votes.values())):
        raise Conflict("此人已处理或是节点上最后一人, 不能减签", code="not_removable")
    store.change_task(
        work, gone[-1]["id"], {"state": "cancelled", "action": "removed", "closed_at": work.now}
    )
    events.task_event(work, "task_closed", gone[-1] | {"state": "cancelled", "action": "removed"})
    _tell(work, taken, "remove_sign", "signer_removed", received, [str(received["who"])])
    settle(work, instance, flow, task["visit"])
    return answer(work, task, instance)


def copy_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Give others a copy to read (抄送)."""
    task, instance, flow = take(work, received["task_id"], "cc")
    to = _people(work, instance, received.get("to") or [], "to", themselves=True)
    if not to:
        raise invalid_field("to", "required", "请选择抄送人")
    node = flow.nodes[task["node"]]
    seats = [Seat(name) for name in to]
    moving.copy(work, instance, node, task["visit"], seats, actor=work.caller.username)
    events.task_event(work, "task_copied", task, to=to)
    return answer(work, task, instance)


def urge_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Press for a task: by whoever asked, or takes part; not too often (催办)."""
    task = store.find_task(work, received["task_id"])
    if task is None or task["instance_id"] is None or task["kind"] != "approval":
        raise NotFound("没有这个任务")
    instance = store.lock_instance(work, task["instance_id"])
    others = store.tasks_of_instance(work, instance["id"])
    if work.caller.username not in {instance["initiator"], *(one["assignee"] for one in others)}:
        raise NotFound("没有这个任务")
    task = store.find_task(work, task["id"], locked=True) or task
    if task["state"] != "open":
        raise Conflict("任务已处理, 不需要催办", code="task_closed", state=task["state"])
    if task["urged"] >= URGES_MAX:
        raise Conflict(f"一个任务最多催办 {URGES_MAX} 次", code="urged_too_often")
    if task["urged_at"] is not None and work.now < task["urged_at"] + URGE_PAUSE:
        next_at = task["urged_at"] + URGE_PAUSE
        raise Conflict("刚刚催办过, 请稍后再试", code="urged_too_often", next_at=next_at.isoformat())
    values = {"urged": task["urged"] + 1, "urged_at": work.now}
    store.change_task(work, task["id"], values)
    detail = {"to": task["assignee"]}
    said = received.get("opinion")
    note(work, instance, "urge", actor=work.caller.username, node=task["node"], opinion=said, detail=detail)
    events.task_event(work, "task_urged", task | values, moving.short_of(instance), opinion=said)
    return answer(work, task | values, instance)


def reassign_from(work: UnitOfWork, username: str) -> None:
    """Whoever has left has nothing before them any more: it goes to whom the flow names, and says so."""
    for task in store.open_tasks_of(work, username):
        instance = store.lock_instance(work, task["instance_id"])
        task = store.find_task(work, task["id"], locked=True) or task
        if task["state"] not in ("open", "waiting") or instance["state"] != "running":
            continue
        flow = flow_of(work, instance)
        company = store.company(work, instance["flow_key"])
        made = store.tasks_of_group(work, task["group_key"])
        asked = {one["assignee"] for one in made if one["state"] in ("open", "waiting")}
        heirs = [name for name in _heirs(flow, instance, company) if name not in asked]
        if heirs:
            taken = (task, instance, flow)
            hand_over(
                work, taken, heirs[0], actor="system", opinion=f"{username} 已离职或停用", action="reassigned"
            )
            settle(work, instance, flow, task["visit"])


def _heirs(flow: Flow, instance: Mapping[str, Any], company: Company) -> list[str]:
    named = [] if flow.gone_to is None else [flow.gone_to]
    found = [*named, *company.with_role(ADMIN_ROLE)]
    return [name for name in found if company.is_active(name) and name != instance["initiator"]]


# --- whom one may ask ------------------------------------------------------------------------------------


def _people(
    work: UnitOfWork,
    instance: Mapping[str, Any],
    names: Sequence[Any],
    field: str,
    *,
    themselves: bool = False,
) -> list[str]:
    """The names of active users, each once; not the initiator's or one's own where they would decide."""
    company = store.company(work, instance["flow_key"])
    for name in names:
        if not company.is_active(name):
            raise invalid_field(field, "user_unknown", f"没有用户 {str(name)[:60]}")
        if not themselves and name == work.caller.username:
            raise invalid_field(field, "oneself", "不能选择自己")
        if not themselves and name == instance["initiator"] and not store.is_allowed(work, APPROVE_OWN):
            raise invalid_field(field, "own_application", "不能由申请人审批自己的申请")
    return list(dict.fromkeys(names))


def _require_not_asked(work: UnitOfWork, task: Mapping[str, Any], username: str) -> None:
    asked = store.tasks_of_group(work, task["group_key"])
    if any(one["assignee"] == username and one["state"] in ("open", "waiting") for one in asked):
        raise Conflict(f"{username} 已在该节点处理", code="already_asked", username=username)


def _add(
    work: UnitOfWork, taken: _Taken, username: str, *, sign: str, by: UUID | None, place: int
) -> dict[str, Any]:
    """Make one more task of the same visit; whose turn it is comes from counting the votes."""
    task, instance, flow = taken
    turn = sum(one["assignee"] == username for one in store.tasks_of_group(work, task["group_key"]))
    node, seat = flow.nodes[task["node"]], Seat(username)
    made = moving.new_task(instance, node, task["visit"], seat, place=place, sign=sign, by=by, turn=turn)
    made["due_at"] = task["due_at"]
    moving.add(work, instance, made)
    return made


def _tell(
    work: UnitOfWork,
    taken: _Taken,
    action: str,
    event: str,
    received: Mapping[str, Any],
    to: Sequence[str],
    **more: Any,
) -> None:
    task, instance, _ = taken
    said = received.get("opinion")
    detail = {"to": list(to), **more}
    note(work, instance, action, actor=work.caller.username, node=task["node"], opinion=said, detail=detail)
    events.task_event(work, event, task, to=list(to), **more)
