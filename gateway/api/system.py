"""The suite as its operators see it: streams, parked events, and waiting until everything is settled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import eventlet
from flask import Request

from gateway.context import Context
from gateway.everybody import ask_everybody
from gateway.local import body
from gateway.routes import Route
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.errors import CreditError, NotFound, Unavailable, is_passing

_DRAIN_SECONDS_MAX = 60.0
_CALL_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_LOOK_SECONDS = 5.0
_ALONG_THE_STREAMS = (
    "gateway",
    "customer",
    "application",
    "limits",
    "risk_rules",
    "workflow",
    "reporting",
)


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
    """Let every service read and send until a whole pass finds every log where it was, and nothing open."""
    deadline = time.monotonic() + _DRAIN_SECONDS_MAX
    caller = service_caller(GATEWAY, context.caller.actor)
    heads: dict[str, int] = {}
    answers: dict[str, dict[str, Any]] = {}
    # Along the streams: whoever comes later reads at once what the earlier ones have just told.
    asking: Sequence[str] = _ALONG_THE_STREAMS
    passes = 0
    while True:
        if time.monotonic() > deadline:
            raise Unavailable("各服务尚未处理完毕, 请稍后再试", code="not_drained")
        passes += 1
        before = dict(heads)
        for name in asking:
            answers[name] = context.ground.ask(
                name, "settle", {"heads": dict(heads)}, caller=caller, timeout=_CALL_SECONDS
            )
            heads[name] = answers[name]["head"]
        busy = [name for name in _ALONG_THE_STREAMS if _has_work(answers[name], heads)]
        if not busy and asking == _ALONG_THE_STREAMS and heads == before:
            break
        asking = busy or _ALONG_THE_STREAMS
        if busy and heads == before:
            # What is left are steps that wait for their next try.
            eventlet.sleep(_PAUSE_SECONDS)
    stopped = {name: answer["stopped"] for name, answer in answers.items() if answer["stopped"]}
    parked = {name: answer["parked"] for name, answer in answers.items() if answer["parked"]}
    return {"rounds": passes, "stopped": stopped, "parked": parked}


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
