"""What a token rests for besides people: time, actions, sub-flows; and the deadlines of people's work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.common.db import UnitOfWork
from services.common.decision_tables import check_table
from services.common.expressions import World as Surroundings
from services.common.expressions import evaluate, to_json
from services.common.ids import new_id
from services.workflow import events, store
from services.workflow.engine.definition import Node, catalogue_of
from services.workflow.operations.facts import data_of, facts_of
from services.workflow.operations.notes import note
from services.workflow.operations.todos import DUE_DAYS, add_todos
from services.workflow.operations.versions import flow_of
from services.workflow.operations.written_forms import command_of
from services.workflow.people import Case, named

# What is about an invoice, whose customer is known.
_OF_INVOICES = ("record_write_off",)


def set_deadline(work: UnitOfWork, instance: Mapping[str, Any], node: Node, visit: int) -> datetime:
    """Set the timers of a node's deadline, its reminders and its end; by when the work is to be done."""
    deadline = node.get("deadline")
    if deadline is None:
        return work.now + timedelta(days=DUE_DAYS)
    end = _time(work, instance, deadline)
    add_timer(work, instance, visit, "deadline", end, {})
    calendar = store.working_time(work)
    for hours in deadline.get("remind") or ():
        at = calendar.before(end, Decimal(hours))
        if at > work.now:
            add_timer(work, instance, visit, "reminder", at, {})
    return end


def begin(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    """Begin what a node does; the way out where that is done at once, None where its token rests.

    `ExpressionError` or `NothingToWrite` where it cannot be done; nothing of it was kept then.
    """
    if node["type"] == "delay":
        add_timer(work, instance, visit, "delay", _time(work, instance, node), {})
        return None
    if node["type"] == "subflow":
        add_timer(work, instance, visit, "subflow", work.now, {"flow": node["flow"]})
        return None
    return _ACTIONS[node["do"]](work, instance, node, visit)


def add_timer(
    work: UnitOfWork,
    instance: Mapping[str, Any],
    visit: int,
    kind: str,
    at: datetime,
    detail: Mapping[str, Any],
) -> None:
    """Set a timer on a visit."""
    row = {"id": new_id(), "instance_id": instance["id"], "visit": visit, "kind": kind}
    store.add_timer(work, {**row, "due_at": at, "attempts": 0, "detail": dict(detail)})


def facts(work: UnitOfWork, instance: Mapping[str, Any]) -> dict[str, Any]:
    """What the expressions of an instance read now."""
    return facts_of(work, flow_of(work, instance).graph, data_of(instance))


def surroundings(work: UnitOfWork) -> Surroundings:
    """What expressions know besides what they read: the time, and the days on which people work."""
    return Surroundings(now=work.now, zone=work.timezone, calendar=store.working_days(work))


def values_of(work: UnitOfWork, instance: Mapping[str, Any], node: Node) -> dict[str, Any]:
    """The values that a node's expressions give, as plain JSON."""
    world = surroundings(work)
    read = facts(work, instance)
    return {name: to_json(evaluate(tree, read, world)) for name, tree in (node.get("trees") or {}).items()}


def _time(work: UnitOfWork, instance: Mapping[str, Any], asked: Mapping[str, Any]) -> datetime:
    """When so many business hours are over, or a date field's day begins; at once where it has no value."""
    if asked.get("hours") is not None:
        return store.working_time(work).after(work.now, Decimal(asked["hours"]))
    value = facts(work, instance).get(asked["field"])
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min, ZoneInfo(work.timezone))
    return work.now


# --- actions ---------------------------------------------------------------------------------------------


def _write_back(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    values = values_of(work, instance, node)
    if node.get("form") is None:
        _write(work, instance, node, values)
        return ""
    service, method, payload = command_of(instance, node, values)
    _write(work, instance, node, values)
    _ask(work, instance, visit, service, method, payload)
    return None


def _decide(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    table = check_table(node["table"], catalogue_of(flow_of(work, instance).graph))
    outcome = table.decide(facts(work, instance), surroundings(work))
    _write(work, instance, node, {key: to_json(one) for key, one in (outcome.value or {}).items()})
    return ""


def _write(work: UnitOfWork, instance: dict[str, Any], node: Node, values: Mapping[str, Any]) -> None:
    instance["data"] = {**instance["data"], "fields": {**(instance["data"].get("fields") or {}), **values}}
    note(work, instance, "fields_written", actor="system", node=node["key"], detail={"fields": dict(values)})
    events.instance_event(work, "fields_written", instance, fields=dict(values))


def _command(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    payload = {name: value for name, value in values_of(work, instance, node).items() if value is not None}
    if instance["customer_id"] is not None and node["method"] not in _OF_INVOICES:
        payload.setdefault("customer_id", str(instance["customer_id"]))
    _ask(work, instance, visit, node["service"], node["method"], payload)
    return None


def _ask(
    work: UnitOfWork,
    instance: Mapping[str, Any],
    visit: int,
    service: str,
    method: str,
    payload: Mapping[str, Any],
) -> None:
    """Ask another service for something once all of this is kept; its answer moves the token on."""
    key = f"{instance['id']}:{visit}:{method}"
    work.add_command(key, service, method, payload, on_answer="action_answered")
    node = instance["tokens"]["tokens"][str(visit)]
    note(work, instance, "command_sent", actor="system", node=node, detail={"method": method})


def _webhook(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    add_timer(work, instance, visit, "webhook", work.now, {})
    return None


def _notify(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    to = people(work, instance, node)
    events.instance_event(work, "people_notified", instance, to=to, text=node["text"], key=f"{visit}")
    note(work, instance, "notified", actor="system", node=node["key"], detail={"to": to})
    return ""


def _todo(work: UnitOfWork, instance: dict[str, Any], node: Node, visit: int) -> str | None:
    to = people(work, instance, node)
    add_todos(work, instance, to, group_key=f"{instance['id']}:{visit}:todo", title=node["text"])
    return ""


def people(work: UnitOfWork, instance: Mapping[str, Any], node: Node) -> list[str]:
    """The active people whom a node's `to` names."""
    company = store.company(work, instance["flow_key"])
    case = Case(
        instance["initiator"],
        facts(work, instance),
        instance["data"].get("chosen") or {},
        surroundings=surroundings(work),
    )
    return [name for name in named(node["to"], node["key"], case, company) if company.is_active(name)]


_Action = Callable[[UnitOfWork, dict[str, Any], Node, int], str | None]
_ACTIONS: Mapping[str, _Action] = {
    "write_back": _write_back,
    "decision_table": _decide,
    "command": _command,
    "webhook": _webhook,
    "notify": _notify,
    "todo": _todo,
}
