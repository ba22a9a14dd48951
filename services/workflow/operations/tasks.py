"""What people do with their tasks: each action happens once, the loser of a race hears the present state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.duties import require_other_initiator
from services.common.errors import Conflict, CreditError, Invalid, NotFound, beyond_scope, is_passing
from services.common.expressions import World
from services.common.money import format_amount, parse_amount
from services.common.paging import page
from services.common.scopes import Facts, require_reach
from services.common.strict_json import to_plain
from services.workflow import events, model, rights, store
from services.workflow.engine import advance
from services.workflow.operations import instances
from services.workflow.operations.flows import facts_of

_APPROVE_MORE = "tasks.approve_more"
_FILTERS = ("state", "kind")


def approve_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Approve, as asked or for less; the flow moves on by what was approved."""
    task, instance = _take(work, received["task_id"])
    require_other_initiator(work.caller, instance["initiator"])
    granted = _approved(work, instance, received.get("approved"))
    instance["data"] = {**instance["data"], "approved": granted}
    _done(work, task, instance, "approve", received.get("opinion"), granted)
    found = store.graph_of(work, instance["flow_key"], instance["flow_version"])
    if found is None:
        raise NotFound("流程版本不存在")
    facts = facts_of(work, instance["data"])
    instances.move_on(work, instance, advance(found[1], instance["node"], facts))
    return _answer(work, task, instance)


def reject_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Reject for good: the flow ends, the application with it."""
    task, instance = _take(work, received["task_id"])
    _done(work, task, instance, "reject", received.get("opinion"))
    instances.tell_application(work, instance, "reject")
    instances.end(work, instance, "rejected")
    return _answer(work, task, instance)


def return_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Send back to whoever asked; resubmitted, the application starts its flow anew."""
    task, instance = _take(work, received["task_id"])
    _done(work, task, instance, "return", received.get("opinion"))
    instances.tell_application(work, instance, "return")
    instances.end(work, instance, "returned")
    return _answer(work, task, instance)


def comment_task(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Say something on a task without deciding it."""
    task = _mine(work, received["task_id"])
    if not received.get("opinion"):
        error = {"field": "opinion", "code": "required", "message": "必填"}
        raise Invalid("请填写意见", code="required", errors=[error])
    if task["instance_id"] is None:
        raise Conflict("待办没有审批流", code="no_instance")
    instance = store.lock_instance(work, task["instance_id"])
    instances.note(work, instance, "comment", actor=work.caller.username, opinion=received["opinion"])
    return _answer(work, task, instance)


def finish_todo(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Mark a to-do as done; the others who had it lose it."""
    task = _mine(work, received["task_id"], locked=True)
    if task["kind"] != "todo":
        raise Conflict("审批任务请用同意、拒绝或退回处理", code="not_a_todo")
    _require_open(task)
    _close(work, task, "done", received.get("opinion"))
    for other in store.close_group(work, task["group_key"], "superseded"):
        events.task_event(work, "task_closed", other)
    return {**task_view(task), "summary": {}}


def run_batch(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One action on several tasks; each stands alone."""
    actions = {
        "approve": lambda item: approve_task(work, item),
        "reject": lambda item: reject_task(work, item),
        "return": lambda item: return_task(work, item),
    }
    if received["action"] not in actions:
        error = {"field": "action", "code": "action_unknown", "message": "应为 approve、reject 或 return"}
        raise Invalid("未知的操作", code="action_unknown", errors=[error])
    work.right = f"tasks.{received['action']}"
    work.caller.require(work.right)
    results = []
    for index, task_id in enumerate(received["task_ids"]):
        try:
            with work.savepoint():
                answer = actions[received["action"]]({"task_id": task_id, "opinion": received["opinion"]})
            results.append({"index": index, "status": "done", "task": answer})
        except CreditError as refusal:
            if is_passing(refusal):
                raise
            problem = {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}
            results.append({"index": index, "status": "error", "problem": problem})
    return {"results": results}


def list_tasks(work: UnitOfWork, received: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """A page of the caller's own tasks, newest first."""
    where = dict(received["where"])
    for name in where:
        if name not in _FILTERS:
            error = {"field": name, "code": "filter_unknown", "message": "不能按该字段筛选"}
            raise Invalid(f"不能按 {name[:60]} 筛选", code="filter_unknown", errors=[error])
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


def get_task(work: UnitOfWork, task_id: UUID) -> dict[str, Any]:
    """One of the caller's own tasks."""
    return _with_summaries(work, [_mine(work, task_id)])[0]


def get_instance(work: UnitOfWork, instance_id: UUID) -> dict[str, Any]:
    """An instance with its graph, its tasks and its timeline, for those who take part or may read all."""
    instance = store.find_instance(work, instance_id)
    if instance is None:
        raise NotFound("没有这个流程实例")
    tasks = store.tasks_of_instance(work, instance_id)
    takes_part = {instance["initiator"], *(task["assignee"] for task in tasks)}
    if work.caller.username not in takes_part and not store.sees_instance(work, instance):
        raise NotFound("没有这个流程实例")
    found = store.graph_of(work, instance["flow_key"], instance["flow_version"])
    return {
        **{name: value for name, value in instance.items() if not name.startswith("subject_")},
        "subject": events.subject_of(instance),
        "graph": found[1] if found else None,
        "tasks": [task_view(task) for task in tasks],
        "timeline": store.timeline_of(work, instance_id),
    }


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
    shown = []
    for task in tasks:
        customer = known.get(task["customer_id"]) or {}
        instance = store.find_instance(work, task["instance_id"]) if task["instance_id"] else None
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


def _mine(work: UnitOfWork, task_id: UUID, *, locked: bool = False) -> dict[str, Any]:
    task = store.find_task(work, task_id, locked=locked)
    if task is None or task["assignee"] != work.caller.username:
        raise NotFound("没有这个任务")
    return task


def _take(work: UnitOfWork, task_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The caller's open task and its running instance, both locked; 409 with the present state otherwise."""
    task = _mine(work, task_id)
    if task["instance_id"] is None:
        raise Conflict("这是待办, 请用完成处理", code="not_an_approval")
    instance = store.lock_instance(work, task["instance_id"])
    task = _mine(work, task_id, locked=True)
    _require_open(task)
    _require_within(work, task, instance)
    if instance["state"] != "running":
        raise Conflict("流程已结束", code="instance_ended", state=instance["state"])
    return task, instance


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


def _approved(work: UnitOfWork, instance: Mapping[str, Any], wished: Any) -> dict[str, Any]:
    granted: dict[str, Any] = dict(instance["data"]["approved"])
    if not wished:
        return granted
    currency = wished.get("currency") or granted["currency"]
    if currency != granted["currency"]:
        raise _refused("approved.currency", "currency_differs", "批准的币种应与申请相同")
    if wished.get("amount") is not None:
        amount = parse_amount(wished["amount"], currency)
        if amount <= 0:
            raise _refused("approved.amount", "amount_not_positive", "批准的金额必须大于零")
        if amount > Decimal(str(granted["amount"])) and not work.caller.can(_APPROVE_MORE):
            raise _refused("approved.amount", "more_than_asked", "批准的金额不能大于申请的金额")
        granted["amount"] = format_amount(amount, currency)
    for name in ("term_days", "valid_from", "valid_to"):
        if wished.get(name) is not None:
            granted[name] = to_plain(wished[name])
    first, last = granted.get("valid_from"), granted.get("valid_to")
    if first and last and last < first:
        raise _refused("approved.valid_to", "validity", "失效日期不能早于生效日期")
    return granted


def _refused(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, code=code, errors=[{"field": field, "code": code, "message": message}])


def _done(
    work: UnitOfWork,
    task: dict[str, Any],
    instance: dict[str, Any],
    action: str,
    opinion: str | None,
    approved: Mapping[str, Any] | None = None,
) -> None:
    _close(work, task, action, opinion)
    instances.close_open_tasks(work, instance, "superseded")
    detail = {"approved": dict(approved)} if approved else {}
    instances.note(work, instance, action, actor=work.caller.username, opinion=opinion, detail=detail)


def _close(work: UnitOfWork, task: dict[str, Any], action: str, opinion: str | None) -> None:
    values = {"state": "done", "action": action, "opinion": opinion, "closed_at": work.now}
    store.change_task(work, task["id"], values)
    task |= values
    events.task_event(work, "task_closed", task)


def _answer(work: UnitOfWork, task: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    customer: Mapping[str, Any] = {}
    if task["customer_id"]:
        customer = store.customers_by_id(work, [task["customer_id"]]).get(task["customer_id"], {})
    shown = summary(customer, instance)
    return {**task_view(task), "summary": shown, "instance_state": instance["state"]}
