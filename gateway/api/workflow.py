"""Flows, tasks, instances and to-dos."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.workflow import schema

_FLOW = "/flows/<flow>"
_TASK = "/tasks/<task_id>"
_APPROVE_MORE = ("tasks.approve_more",)
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
    path, shapes = f"{_TASK}:{name}", {"body": schema.TaskAction, "answer": schema.Task}
    return _route("POST", path, call, f"tasks.{right}", summary, **shapes, **more)


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
    _route("GET", "/tasks", "list_tasks", "tasks.read", "My tasks; `state`, `kind`", listing=True),
    _route("GET", _TASK, "get_task", "tasks.read", "One of my tasks", answer=schema.Task),
    _act(
        "approve",
        "approve_task",
        "Approve, as asked or for less",
        "approve",
        may_need=("tasks.approve_more",),
    ),
    _act("reject", "reject_task", "Reject for good", "reject"),
    _act("return", "return_task", "Send back to whoever asked", "return"),
    _act("comment", "comment_task", "Say something without deciding"),
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
        "/instances/<instance_id>",
        "get_instance",
        "tasks.read",
        "Graph, tasks and timeline",
        may_need=("instances.read",),
    ),
    _route("GET", "/todos", "list_todos", "todos.read", "My to-dos", listing=True),
    _route("POST", "/todos/<task_id>:done", "finish_todo", "todos.act", "Mark a to-do as done"),
]
