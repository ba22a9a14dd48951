"""The suite as its operators see it: streams, parked events, and waiting until everything is settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.local import body
from gateway.routes import Route
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.errors import NotFound, Unavailable, error_from_dict, is_passing

_DRAIN_SECONDS_MAX = 60.0
_CALL_SECONDS = 30.0
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
    ground = context.ground
    waits: dict[str, Callable[[], dict[str, Any]]] = {}
    answers: dict[str, dict[str, Any]] = {}
    away: dict[str, str] = {}
    for name in ALL_SERVICES:
        try:
            request = ground.request(name, {}, caller, context.trace_id)
            waits[name] = ground.client.call_async(name, method, request, _LOOK_SECONDS)
        except Unavailable as problem:
            away[name] = problem.detail
    for name, wait in waits.items():
        try:
            answer = wait()
        except Unavailable as problem:
            away[name] = problem.detail
            continue
        if "error" in answer:
            refusal = error_from_dict(answer["error"])
            if not is_passing(refusal):
                raise refusal
            away[name] = refusal.detail
        else:
            answers[name] = answer["ok"]
    return answers, away


def _drain(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    """Let every service read and send until nobody moved anything: twice in a row nothing is left."""
    deadline = time.monotonic() + _DRAIN_SECONDS_MAX
    caller = service_caller(GATEWAY, context.caller.actor)
    rounds = 0
    heads: dict[str, int] = {}
    while True:
        now = dict(heads)
        answers = {}
        for name in _ALONG_THE_STREAMS:
            # Whoever comes later reads at once what the earlier ones have just told.
            answers[name] = context.ground.ask(
                name, "settle", {"heads": now}, caller=caller, timeout=_CALL_SECONDS
            )
            now[name] = answers[name]["head"]
        rounds += 1
        moved = sum(answer["moved"] for answer in answers.values())
        waiting = sum(answer["commands"] for answer in answers.values())
        if not moved and not waiting and now == heads:
            stopped = {name: answer["stopped"] for name, answer in answers.items() if answer["stopped"]}
            parked = {name: answer["parked"] for name, answer in answers.items() if answer["parked"]}
            return {"rounds": rounds, "stopped": stopped, "parked": parked}
        heads = now
        if time.monotonic() > deadline:
            raise Unavailable("各服务尚未处理完毕, 请稍后再试", code="not_drained")


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
