"""What people decide: each action happens once, the loser of a race hears the present state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.duties import require_other_initiator
from services.common.errors import Conflict, CreditError, Forbidden, beyond_scope, invalid_field, is_passing
from services.common.expressions import World
from services.common.scopes import Facts, require_reach
from services.workflow import events, rights, store
from services.workflow.engine import Ask, Flow, Run, State, carry_on, tokens
from services.workflow.engine.machine import higher_authority
from services.workflow.engine.votes import APPROVED, LIVE, PENDING, tally, turns
from services.workflow.operations import ending, moving
from services.workflow.operations.granting import approved_by
from services.workflow.operations.inbox import mine, summary, task_view
from services.workflow.operations.notes import note
from services.workflow.operations.todos import close_todos
from services.workflow.operations.versions import flow_of

_INITIATOR = (None, "", "initiator")


def foresee_tasks(work: UnitOfWork, inputs: Sequence[Mapping[str, Any]]) -> None:
    """Hold what decisions on these tasks will ask for. Locks their instances."""
    store.lock_instances_of(work, [received["task_id"] for received in inputs])


def approve_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Approve, as asked or for less; the flow moves on by what was approved once all who must have."""
    task, instance, flow = take(work, received["task_id"], "approve")
    node = flow.nodes[task["node"]]
    if node["type"] == "approval":
        require_other_initiator(work.caller, instance["initiator"])
    if task["sign"] == "delegate":
        return _advise(work, task, instance, flow, received)
    require_opinion(node, "approve", received)
    granted = approved_by(work, instance, received.get("approved"))
    data = {**instance["data"], "approved": granted}
    data |= _filled(node, instance, received.get("form_fields"))
    if received.get("choose"):
        data["chosen"] = {**(data.get("chosen") or {}), **_chosen(flow, received["choose"])}
    instance["data"] = data
    _done(work, task, instance, "approve", received, granted)
    settle(work, instance, flow, task["visit"])
    return answer(work, task, instance)


def reject_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Reject; unless others may still approve, the flow ends by it, or takes its way for that."""
    task, instance, flow = take(work, received["task_id"], "reject")
    node = flow.nodes[task["node"]]
    if node["type"] == "handling":
        raise Conflict("办理节点不能拒绝", code="action_not_offered", action="reject")
    if task["sign"] == "delegate":
        return _advise(work, task, instance, flow, received, "reject")
    require_opinion(node, "reject", received)
    _done(work, task, instance, "reject", received)
    settle(work, instance, flow, task["visit"])
    return answer(work, task, instance)


def return_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Send back: to whoever asked, or to a node that was passed.

    With `resume` straight, what comes back goes straight to where it was sent back from; else through all
    again.
    """
    task, instance, flow = take(work, received["task_id"], "return")
    straight = received.get("resume") == "straight"
    require_opinion(flow.nodes[task["node"]], "return", received)
    state = State.from_json(instance["tokens"])
    if received.get("to") in _INITIATOR:
        if straight:
            instance["data"] = {**instance["data"], "resume": tokens.snapshot(state)}
        _done(work, task, instance, "return", received)
        moving.close_open_tasks(work, instance, "superseded")
        ending.tell_application(work, instance, "return")
        ending.end(work, instance, "returned")
        return answer(work, task, instance)
    progress = tokens.send_back(flow, state, task["visit"], received["to"], straight=straight)
    _done(
        work,
        task,
        instance,
        "return",
        received,
        detail={"to": received["to"], "resume": received.get("resume")},
    )
    _close_left(work, instance, state, progress.state)
    kept = {} if not straight else progress.state.approved
    progress.state = replace(progress.state, approved=kept)
    world = moving.world_of_instance(work, flow, instance)
    moving.apply(work, instance, flow, carry_on(flow, progress, world))
    return answer(work, task, instance)


def finish_todo(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Mark a to-do as done, or a copy as read; the others who had a to-do lose it."""
    task = mine(work, received["task_id"], locked=True)
    if task["kind"] == "approval":
        raise Conflict("审批任务请用同意、拒绝或退回处理", code="not_a_todo")
    _require_open(task)
    close(work, task, "done", received.get("opinion"))
    if task["kind"] == "todo":
        close_todos(work, task["group_key"])
    return {**task_view(task), "summary": {}}


def run_batch(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One action on several tasks; each stands alone."""
    actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "approve": lambda item: approve_task(work, item),
        "reject": lambda item: reject_task(work, item),
        "return": lambda item: return_task(work, item),
    }
    if received["action"] not in actions:
        raise invalid_field("action", "action_unknown", "应为 approve、reject 或 return", "未知的操作")
    work.right = f"tasks.{received['action']}"
    work.caller.require(work.right)
    results = []
    for index, task_id in enumerate(received["task_ids"]):
        try:
            with work.savepoint():
                done = actions[received["action"]]({"task_id": task_id, "opinion": received["opinion"]})
            results.append({"index": index, "status": "done", "task": done})
        except CreditError as refusal:
            if is_passing(refusal):
                raise
            problem = {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}
            results.append({"index": index, "status": "error", "problem": problem})
    return {"results": results}


# --- what follows from a vote ----------------------------------------------------------------------------


def settle(work: UnitOfWork, instance: dict[str, Any], flow: Flow, visit: int) -> None:
    """Count the votes of a visit: the next whose turn it is, or the flow moves on, or it was rejected."""
    state = State.from_json(instance["tokens"])
    key = state.tokens[visit]
    node, group = flow.nodes[key], moving.group_of(instance, key, visit)
    made = store.tasks_of_group(work, group)
    votes = [moving.vote_of(task) for task in made]
    outcome = tally(node, votes)
    if outcome == PENDING:
        _wake(work, instance, made, turns(node, votes))
        store.change_instance(work, instance["id"], {"data": instance["data"]})
        return
    if any(task["state"] in LIVE for task in made):
        moving.close_open_tasks(work, instance, "superseded", group)
    if outcome == APPROVED:
        _passed(work, instance, flow, visit, made)
    elif flow.leaving(key, "reject"):
        moving.leave(work, instance, visit, "reject")
    else:
        moving.close_open_tasks(work, instance, "superseded")
        ending.tell_application(work, instance, "reject")
        ending.end(work, instance, "rejected")


def _passed(
    work: UnitOfWork, instance: dict[str, Any], flow: Flow, visit: int, made: list[dict[str, Any]]
) -> None:
    """A node's people have approved: on, or upwards where the amount is beyond their authority."""
    state = State.from_json(instance["tokens"])
    key = state.tokens[visit]
    approvers = [task["assignee"] for task in made if task["action"] == "approve"]
    state = replace(state, approved={**state.approved, **dict.fromkeys(approvers, key)})
    instance["tokens"] = state.to_json()
    if flow.setting(flow.nodes[key], "authority", False):
        world = moving.world_of_instance(work, flow, instance)
        known = [name for name, node in state.approved.items() if node == key]
        higher = higher_authority(flow, state, visit, known, world)
        if higher is not None and higher.seats:
            progress = tokens.again(flow, state, visit)
            arrival = progress.arrivals[0]
            effects: list[Any] = [Ask(arrival.visit, arrival.node, higher)]
            store.drop_timers(work, instance["id"], visit)
            moving.apply(work, instance, flow, Run(progress.state, effects))
            return
    moving.leave(work, instance, visit)


def _wake(work: UnitOfWork, instance: dict[str, Any], made: list[dict[str, Any]], awake: set[Any]) -> None:
    """Open the tasks whose turn it is; those whose turn it is no more wait."""
    for task in made:
        wanted = "open" if task["id"] in awake else "waiting"
        if task["state"] not in ("open", "waiting") or task["state"] == wanted:
            continue
        store.change_task(work, task["id"], {"state": wanted})
        task["state"] = wanted
        if wanted == "open":
            events.task_event(work, "task_created", task, moving.short_of(instance))


def _advise(
    work: UnitOfWork,
    task: dict[str, Any],
    instance: dict[str, Any],
    flow: Flow,
    received: Mapping[str, Any],
    action: str = "approve",
) -> dict[str, Any]:
    """Somebody it was delegated to has an opinion; the decision comes back to who delegated it."""
    close(work, task, f"advise_{action}", received.get("opinion"))
    note(
        work,
        instance,
        f"advise_{action}",
        actor=work.caller.username,
        node=task["node"],
        opinion=received.get("opinion"),
    )
    settle(work, instance, flow, task["visit"])
    return answer(work, task, instance)


def _close_left(work: UnitOfWork, instance: Mapping[str, Any], before: State, after: State) -> None:
    for visit, key in before.tokens.items():
        if visit not in after.tokens:
            store.drop_timers(work, instance["id"], visit)
            moving.close_open_tasks(work, instance, "superseded", moving.group_of(instance, key, visit))


# --- whose task it is, and what it takes -----------------------------------------------------------------


def take(work: UnitOfWork, task_id: UUID, action: str) -> tuple[dict[str, Any], dict[str, Any], Flow]:
    """The caller's open task, its running instance, both locked, and its flow.

    409 with the present state where it is no more open, 409 for an action that the node does not offer.
    """
    locked = store.lock_instance_of(work, task_id)
    task = mine(work, task_id, group=None if locked is None else locked[1])
    if locked is None or task["kind"] != "approval":
        raise Conflict("这是待办, 请用完成处理", code="not_an_approval")
    instance = locked[0]
    _require_open(task)
    _require_within(work, task, instance)
    if instance["state"] != "running":
        raise Conflict("流程已结束", code="instance_ended", state=instance["state"])
    flow = flow_of(work, instance)
    offered = flow.nodes[task["node"]].get("actions")
    if offered is not None and action not in offered:
        raise Conflict("该节点不允许此操作", code="action_not_offered", action=action)
    return task, instance, flow


def _require_within(work: UnitOfWork, task: Mapping[str, Any], instance: Mapping[str, Any]) -> None:
    """Raise `Forbidden` for a decision that the caller's right does not reach: too large an amount, say."""
    data = instance["data"]
    names = ("currency", "department", "customer_name")
    amount = None if data.get("amount") is None else Decimal(str(data["amount"]))
    values = {name: data.get(name) for name in names} | {"amount": amount, "node": task["node"]}
    facts = Facts(
        owners=(task["assignee"],),
        departments=(data.get("department"),),
        ids=(str(instance["id"]), str(instance["customer_id"]), instance["subject_id"]),
        values=values | {"initiator": instance["initiator"]},
    )
    scope = rights.TASKS.scope_of_records
    world = World(now=work.now, zone=work.timezone)
    require_reach(work.caller, work.right, facts, scope, world, beyond_scope(work.right))


def _require_open(task: Mapping[str, Any]) -> None:
    if task["state"] != "open":
        words = {"done": "已处理", "superseded": "已由他人处理", "cancelled": "已取消"}
        raise Conflict(f"任务{words[task['state']]}", code="task_closed", state=task["state"])


def require_opinion(node: Mapping[str, Any], action: str, received: Mapping[str, Any]) -> None:
    """`Invalid` where a node wants an opinion or a signature that is not there."""
    wanted = node.get("opinion")
    if not received.get("opinion") and (
        wanted == "required" or (wanted == "required_on_reject" and action != "approve")
    ):
        raise invalid_field("opinion", "required", "请填写意见")
    if node.get("signature") and action == "approve" and not received.get("signature"):
        raise invalid_field("signature", "required", "请签名")


def _filled(node: Mapping[str, Any], instance: Mapping[str, Any], fields: Any) -> dict[str, Any]:
    """What somebody has filled in of the form, as far as the node lets them."""
    access = node.get("fields") or {}
    before = instance["data"].get("fields") or {}
    for name in fields or {}:
        if access.get(name) not in ("edit", "required"):
            raise Forbidden(f"该节点不能修改字段 {name[:60]}", code="field_not_editable", field=name[:60])
    after = {**before, **(fields or {})}
    for name, how in access.items():
        if how == "required" and after.get(name) in (None, ""):
            raise invalid_field(f"fields.{name}", "required", "必填")
    return {"fields": after} if after or "fields" in instance["data"] else {}


def _chosen(flow: Flow, choose: Mapping[str, Any]) -> dict[str, list[str]]:
    for key, names in choose.items():
        kinds = [one.get("kind") for one in (flow.nodes.get(key) or {}).get("approvers") or ()]
        if "chosen_by_previous" not in kinds or not isinstance(names, list):
            raise invalid_field(f"choose.{key[:60]}", "not_to_choose", "该节点的审批人不由上一审批人选择")
        if not names or not all(isinstance(name, str) and name for name in names):
            raise invalid_field(f"choose.{key[:60]}", "required", "请选择审批人")
    return dict(choose)


def _done(
    work: UnitOfWork,
    task: dict[str, Any],
    instance: dict[str, Any],
    action: str,
    received: Mapping[str, Any],
    approved: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    opinion = received.get("opinion")
    close(work, task, action, opinion)
    said = dict(detail or {}) | ({"approved": dict(approved)} if approved else {})
    said |= {"stands_for": task["stands_for"]} if task["stands_for"] else {}
    said |= {"signature": received["signature"]} if received.get("signature") else {}
    note(work, instance, action, actor=work.caller.username, node=task["node"], opinion=opinion, detail=said)


def close(work: UnitOfWork, task: dict[str, Any], action: str, opinion: str | None) -> None:
    """Close a task as done."""
    values = {"state": "done", "action": action, "opinion": opinion, "closed_at": work.now}
    store.change_task(work, task["id"], values)
    task |= values
    events.task_event(work, "task_closed", task)


def answer(work: UnitOfWork, task: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody who acted is answered."""
    customer: Mapping[str, Any] = {}
    if task["customer_id"]:
        customer = store.customers_by_id(work, [task["customer_id"]]).get(task["customer_id"], {})
    shown = summary(customer, instance)
    return {**task_view(task), "summary": shown, "instance_state": instance["state"]}
