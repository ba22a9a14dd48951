"""Flows, tasks, instances and to-dos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request, Response

from gateway.context import Context
from gateway.routes import Route
from services.workflow import schema

_FLOW = "/flows/<flow>"
_INSTANCE = "/instances/<instance_id>"
_TASK = "/tasks/<task_id>"
_DECISIONS = ("tasks.approve", "tasks.reject", "tasks.return")


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="workflow",
        call=call,
        permission=permission,
        tag=path.split("/")[1].partition(":")[0],
        summary=summary,
        **more,
    )


def _act(name: str, call: str, summary: str, right: str = "act", **more: Any) -> Route:
    path, shapes = f"{_TASK}:{name}", {"body": more.pop("body", schema.TaskAction), "answer": schema.Task}
    return _route("POST", path, call, f"tasks.{right}", summary, **shapes, **more)


def _export(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """A flow as a file: `?format=bpmn` (the default) or `svg`."""
    asked = {**path, "format": request.args.get("format", "bpmn")}
    found = context.ask("workflow", "export_flow", asked)
    return Response(found["text"], content_type=f"{found['media_type']}; charset=utf-8")


def _steer(name: str, call: str, summary: str, body: Any) -> Route:
    return _route("POST", f"{_INSTANCE}:{name}", call, "instances.steer", summary, body=body)


ROUTES = [
    _route("GET", "/flows", "list_flows", "flows.read", "Flows, with what is in force", listing=True),
    _route("POST", "/flows", "create_flow", "flows.write", "Make a flow", body=schema.NewFlow, status=201),
    _route("GET", _FLOW, "get_flow", "flows.read", "One flow, by id or key, with its versions"),
    _route("PUT", _FLOW, "change_flow", "flows.write", "Change a flow's draft", body=schema.FlowChange),
    _route("POST", f"{_FLOW}:publish", "publish_flow", "flows.publish", "Check the draft, put it in force"),
    _route(
        "POST",
        f"{_FLOW}:simulate",
        "simulate_flow",
        "flows.simulate",
        "The path and the people for sample data",
        body=schema.Simulation,
    ),
    _route(
        "GET",
        f"{_FLOW}:export",
        "export_flow",
        "flows.read",
        "As BPMN 2.0 XML or SVG (`format`)",
        view=_export,
    ),
    _route("GET", "/tasks", "list_tasks", "tasks.read", "My tasks; `state`, `kind`", listing=True),
    _route("GET", _TASK, "get_task", "tasks.read", "One of my tasks", answer=schema.Task),
    _act(
        "approve",
        "approve_task",
        "Approve, as asked or for less",
        "approve",
        body=schema.Approval,
        may_need=("tasks.approve_more",),
        together=True,
    ),
    _act("reject", "reject_task", "Reject for good", "reject", together=True),
    _act(
        "return",
        "return_task",
        "Send back to whoever asked, or to a node that was passed",
        "return",
        body=schema.TaskReturn,
    ),
    _act("transfer", "transfer_task", "Hand it to somebody else", body=schema.Handover),
    _act("delegate", "delegate_task", "Ask for an opinion; it comes back", body=schema.Handover),
    _act("add-sign", "add_signers", "Let others decide: before, after, beside", body=schema.Signers),
    _act("remove-sign", "remove_signer", "Take somebody away who has not decided", body=schema.SignerRemoval),
    _act("cc", "copy_task", "Give others a copy to read", body=schema.Copies),
    _act("urge", "urge_task", "Press for it, not too often"),
    _act("comment", "comment_task", "Say something without deciding; mention people", body=schema.Comment),
    _route(
        "POST",
        "/tasks:batch",
        "act_on_tasks",
        "tasks.act",
        "One action on several",
        body=schema.TaskBatch,
        may_need=_DECISIONS,
    ),
    _route(
        "GET",
        _INSTANCE,
        "get_instance",
        "tasks.read",
        "Graph, tasks and timeline",
        may_need=("instances.read",),
    ),
    _route("GET", "/instances", "list_instances", "instances.read", "Instances", listing=True),
    _route(
        "POST",
        "/instances",
        "start_instance",
        "instances.start",
        "Start a flow about something",
        body=schema.NewInstance,
        status=201,
    ),
    _route(
        "POST",
        f"{_INSTANCE}:withdraw",
        "withdraw_instance",
        "instances.withdraw",
        "Take back what one has asked for",
        body=schema.InstanceWithdrawal,
    ),
    _steer("terminate", "terminate_instance", "End it, with a reason", schema.InstanceEnd),
    _steer("jump", "jump_instance", "Put it at another node, with a reason", schema.InstanceJump),
    _steer("retry", "retry_instance", "Send again what was parked", schema.InstanceEnd),
    _route(
        "GET", "/approval-authorities", "get_authorities", "flows.read", "Up to which amount roles approve"
    ),
    _route(
        "PUT",
        "/approval-authorities",
        "set_authorities",
        "flows.settings",
        "Set up to which amount roles approve",
        body=schema.Authorities,
    ),
    _route("GET", "/business-calendar", "get_calendar", "flows.read", "Working days and hours"),
    _route(
        "PUT",
        "/business-calendar",
        "set_calendar",
        "flows.settings",
        "Set working days and hours",
        body=schema.BusinessCalendar,
    ),
    _route("GET", "/flow-bindings", "list_bindings", "flows.read", "Which flow each event starts"),
    _route(
        "POST",
        "/flow-bindings",
        "bind_flow",
        "flows.settings",
        "Let an event start a flow",
        body=schema.NewBinding,
        status=201,
    ),
    _route(
        "DELETE",
        "/flow-bindings/<binding_id>",
        "unbind_flow",
        "flows.settings",
        "Let an event start nothing any more",
    ),
    _route("GET", "/absences", "list_absences", "tasks.act", "Who acts for whom, and when"),
    _route(
        "POST",
        "/absences",
        "add_absence",
        "tasks.act",
        "Name a deputy for a time",
        body=schema.NewAbsence,
        status=201,
        may_need=("flows.settings",),
    ),
    _route(
        "DELETE",
        "/absences/<absence_id>",
        "end_absence",
        "tasks.act",
        "Take an absence back",
        may_need=("flows.settings",),
    ),
    _route("GET", "/todos", "list_todos", "todos.read", "My to-dos", listing=True),
    _route("POST", "/todos/<task_id>:done", "finish_todo", "todos.act", "Mark a to-do as done"),
]
