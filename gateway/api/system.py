"""The suite as its operators see it: streams, parked events, and waiting until everything is settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request
from marshmallow import post_load

from gateway.context import Context
from gateway.draining import Draining
from gateway.everybody import ask_everybody
from gateway.local import body
from gateway.received import parameters
from gateway.routes import SIGNED_IN, Route
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.errors import CreditError, NotFound, is_passing
from services.common.fields import StrictSchema, TextField, load, refuse

_LOOK_SECONDS = 5.0


class WhichServices(StrictSchema):
    """Which services are meant, by their names with commas between; all without."""

    services = TextField(max_length=200, load_default=",".join(ALL_SERVICES))

    @post_load
    def split(self, loaded: dict[str, str], **kwargs: Any) -> dict[str, list[str]]:
        """The names, each once and known."""
        names = loaded["services"].split(",")
        if unknown := set(names).difference(ALL_SERVICES):
            raise refuse("service_unknown", f"没有服务 {min(unknown)[:60]}", "services")
        return {"services": names}


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
    asked = load(WhichServices(), parameters(request))
    return Draining(context, asked["services"]).run()


def _system(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    answers, away = _everywhere(context, "list_positions", as_gateway=True)
    return {"services": list(answers.values()), "away": away}


def _parked(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    answers, away = _everywhere(context, "list_parked", as_gateway=False)
    items = [{"service": name, **item} for name, answer in answers.items() for item in answer["items"]]
    return {"items": items, "next": None, "away": away}


def _on_parked(method: str) -> Any:
    def view(context: Context, request: Request, path: Mapping[str, str]) -> Any:
        service = _service_of(path)
        received = body(None)
        if "identity" in path:
            if not path["identity"].isascii() or not path["identity"].isdigit() or len(path["identity"]) > 18:
                raise NotFound("没有这个搁置的事件")
            received["identity"] = int(path["identity"])
        return context.ask(service, method, received)

    return view


def _asking(method: str) -> Any:
    def view(context: Context, request: Request, path: Mapping[str, str]) -> Any:
        return context.ask(_service_of(path), method, {})

    return view


def _service_of(path: Mapping[str, str]) -> str:
    if path["service"] not in ALL_SERVICES:
        raise NotFound("没有这个服务")
    return path["service"]


_PARKED = "/admin/parked-events"
ROUTES = [
    Route(
        "POST",
        "/admin/streams:drain",
        permission="admin.system",
        view=_drain,
        query=WhichServices,
        tag="admin",
        summary="Wait until every event is read and every step taken, by all services or those named",
    ),
    Route(
        "POST",
        "/services/<service>:echo",
        permission=SIGNED_IN,
        view=_asking("echo"),
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
        view=_asking("rebuild"),
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
