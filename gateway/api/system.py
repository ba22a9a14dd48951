"""The suite as its operators see it: streams, parked events, and waiting until everything is settled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import eventlet
from flask import Request

from gateway.context import Context
from gateway.everybody import ask_everybody
from gateway.local import body
from gateway.routes import SIGNED_IN, Route
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.errors import CreditError, NotFound, Unavailable, is_passing

_DRAIN_SECONDS_MAX = 60.0
_CALL_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_LOOK_SECONDS = 5.0
# Whoever sends steps to others (adds commands) stands before them.
_ORDER = ("gateway", "workflow", "application", "customer", "limits", "risk_rules", "reporting")
SENDS_TO = {
    "workflow": frozenset({"application", "customer", "limits", "risk_rules"}),
}


def _everywhere(
    context: Context, method: str, *, as_gateway: bool
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Ask all services at once: their answers, and why the others gave none, by their names.

    An operator looks when something is away: what is there must show all the same. `CreditError` for
    what everybody would refuse.
    """
    caller = service_caller(GATEWAY, context.caller.actor) if as_gateway else context.caller

    def request_for(name: str) -> dict[str, Any]:
        request: dict[str, Any] = context.ground.request(name, {}, caller, context.trace_id)
        return request

    answers: dict[str, dict[str, Any]] = {}
    away: dict[str, str] = {}
    for name, answer in ask_everybody(context.ground, method, request_for, _LOOK_SECONDS).items():
        if not isinstance(answer, CreditError):
            answers[name] = answer
        elif is_passing(answer):
            away[name] = answer.detail
        else:
            raise answer
    return answers, away


def _drain(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    """Let every service read and send until nothing is left anywhere.

    Nothing is left once every service has read as far as the logs are known to reach and waits for no
    answer, and whoever may have been sent a step was asked after its sender: for then nobody can have moved
    since it was asked without reading or being sent something first.
    """
    deadline = time.monotonic() + _DRAIN_SECONDS_MAX
    caller = service_caller(GATEWAY, context.caller.actor)
    answers: dict[str, dict[str, Any]] = {}
    to_ask = set(_ORDER)
    passes = 0
    while to_ask:
        if time.monotonic() > deadline:
            raise Unavailable("各服务尚未处理完毕, 请稍后再试", code="not_drained")
        passes += 1
        before = _heads(answers)
        for name in [name for name in _ORDER if name in to_ask]:
            answer = context.ground.ask(
                name, "settle", {"heads": _heads(answers)}, caller=caller, timeout=_CALL_SECONDS
            )
            if name in answers and _may_have_sent(answers[name], answer):
                to_ask |= SENDS_TO.get(name, frozenset())
            answers[name] = answer
            to_ask.discard(name)
        heads = _heads(answers)
        busy = [name for name in _ORDER if _has_work(answers[name], heads)]
        if busy and heads == before:
            # What is left are steps that wait for their next try.
            eventlet.sleep(_PAUSE_SECONDS)
        to_ask.update(busy)
    stopped = {name: answer["stopped"] for name, answer in answers.items() if answer["stopped"]}
    parked = {name: answer["parked"] for name, answer in answers.items() if answer["parked"]}
    return {"rounds": passes, "stopped": stopped, "parked": parked}


def _heads(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How far each log is known to reach."""
    return {name: answer["head"] for name, answer in answers.items()}


def _may_have_sent(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a service has read something, or had steps to send, since it was asked before."""
    return bool(before["read"] != after["read"] or before["commands"] or after["commands"])


def _has_work(answer: Mapping[str, Any], heads: Mapping[str, int]) -> bool:
    """Whether a service has events to read or commands to send; a stopped stream waits for a person."""
    unread = any(
        sequence < heads[source]
        for source, sequence in answer["read"].items()
        if source not in answer["stopped"]
    )
    return unread or bool(answer["commands"])


def _system(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    answers, away = _everywhere(context, "list_positions", as_gateway=True)
    return {"services": list(answers.values()), "away": away}


def _parked(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    answers, away = _everywhere(context, "list_parked", as_gateway=False)
    items = [{"service": name, **item} for name, answer in answers.items() for item in answer["items"]]
    return {"items": items, "next": None, "away": away}


def _on_parked(method: str) -> Any:
    def view(context: Context, request: Request, path: Mapping[str, str]) -> Any:
        service = path["service"]
        if service not in ALL_SERVICES:
            raise NotFound("没有这个服务")
        received = body(None)
        if "identity" in path:
            if not path["identity"].isascii() or not path["identity"].isdigit() or len(path["identity"]) > 18:
                raise NotFound("没有这个搁置的事件")
            received["identity"] = int(path["identity"])
        return context.ask(service, method, received)

    return view


def _echo(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    if path["service"] not in ALL_SERVICES:
        raise NotFound("没有这个服务")
    return context.ask(path["service"], "echo", {})


def _rebuild(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    if path["service"] not in ALL_SERVICES:
        raise NotFound("没有这个服务")
    return context.ask(path["service"], "rebuild", {})


_PARKED = "/admin/parked-events"
ROUTES = [
    Route(
        "POST",
        "/admin/streams:drain",
        permission="admin.system",
        view=_drain,
        tag="admin",
        summary="Wait until every event is read and every step taken",
    ),
    Route(
        "POST",
        "/services/<service>:echo",
        permission=SIGNED_IN,
        view=_echo,
        tag="admin",
        summary="An answer from a service that does nothing for it: how long the way takes",
    ),
    Route(
        "GET",
        "/admin/system",
        permission="admin.system",
        view=_system,
        tag="admin",
        summary="How far every service has read, and what is stopped",
    ),
    Route(
        "POST",
        "/admin/services/<service>:rebuild",
        permission="admin.system",
        view=_rebuild,
        tag="admin",
        summary="Empty a service's projections and read all events again",
    ),
    Route("GET", _PARKED, permission="admin.parked", view=_parked, tag="admin", summary="Events set aside"),
    Route(
        "PATCH",
        f"{_PARKED}/<service>/<identity>",
        permission="admin.parked",
        view=_on_parked("edit_parked"),
        tag="admin",
        summary="Repair the data of a parked event",
    ),
    Route(
        "POST",
        f"{_PARKED}/<service>/<identity>:discard",
        permission="admin.parked",
        view=_on_parked("discard_parked"),
        tag="admin",
        summary="Give up a parked event",
    ),
    Route(
        "POST",
        f"{_PARKED}/<service>:replay",
        permission="admin.parked",
        view=_on_parked("replay_parked"),
        tag="admin",
        summary="Apply the parked events of one key in order: source, ordering_key",
    ),
    Route(
        "POST",
        f"{_PARKED}/<service>:resume",
        permission="admin.parked",
        view=_on_parked("resume_stream"),
        tag="admin",
        summary="Let a stopped stream try again: source",
    ),
]
