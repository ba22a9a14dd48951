"""The HTTP door: routes from the tables in api/, one shape for every refusal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from flask import Flask, Response, request
from prometheus_client import Histogram
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import answers, openapi, pages, received
from gateway.audit.origins import may_change
from gateway.audit.trail import Origin
from gateway.context import Context
from gateway.routes import PUBLIC, SIGNED_IN, Route
from gateway.table import all_routes
from services.common import telemetry
from services.common.caller import Caller
from services.common.errors import CreditError
from services.common.strict_json import Plain

PREFIX = "/api/v1"
ANONYMOUS = Caller(kind="anonymous", id="", username="")
_AGENT_LENGTH_MAX = 300
# Names somebody as whom an administrator wants to see what they would see.
_PREVIEW_HEADER = "X-Preview-As"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_seconds = Histogram(
    "credit_http_seconds",
    "Time of an HTTP request, from its headers to its answer",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


def make_app(ground: Any, desk: Any) -> Any:
    """The WSGI application over a service's ground."""
    app = Flask("gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    routes = all_routes()
    for route in routes:
        app.add_url_rule(
            PREFIX + route.path, route.name, partial(_answer, ground, desk, route), methods=[route.method]
        )
    pages.add_pages(app, ground, desk, openapi.document(routes, PREFIX))
    app.register_error_handler(CreditError, answers.refused)
    app.register_error_handler(HTTPException, answers.not_routed)
    app.register_error_handler(Exception, answers.failed)
    app.before_request(_begin)
    app.after_request(_finish)
    proxies = ground.settings.proxies
    # Only as many hops are believed as there are proxies of our own; what a client sends stays unheard.
    whole = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0) if proxies else app.wsgi_app
    return _RawPaths(whole)


class _RawPaths:
    """Keeps `%2F` and `%3A` inside a path segment apart from the `/` and `:` that separate."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        raw = environ.get("RAW_PATH_INFO")
        if raw:
            # What stays encoded here is decoded once more by `received.segments`, so `%25` stays as well.
            kept = re.sub(r"%(2[Ff]|3[Aa]|25)", r"%25\1", raw.partition("?")[0])
            environ["PATH_INFO"] = unquote(kept, encoding="latin-1")
        return self.app(environ, start_response)


def _answer(ground: Any, desk: Any, route: Route, **path: str) -> Response:
    named = received.segments(path)
    caller = ANONYMOUS if route.permission == PUBLIC else desk.caller_of(request)
    if _PREVIEW_HEADER in request.headers:
        caller = desk.previewed(request, caller)
    if route.permission not in (PUBLIC, SIGNED_IN):
        caller.require(route.permission)
    origin = _origin()
    ground.key_uses.note(caller, origin.address)
    context = Context(
        ground=ground,
        desk=desk,
        entrance=ground.entrance,
        caller=caller,
        trace_id=answers.trace_id(),
        idempotency_key=received.idempotency_key(request),
        origin=origin,
        origins=ground.origins if may_change(route.method, route.permission) else None,
    )
    if route.view is not None:
        answered = route.view(context, request, named)
        return answered if isinstance(answered, Response) else _respond(route, answered)
    given = {**_input_of(route), **named}
    if route.together:
        return _respond(route, Plain(context.ask_together(route.service, route.call, given)))
    asked = context.ask(route.service, route.call, given, timeout=route.timeout_seconds)
    return _respond(route, Plain(asked))


def _origin() -> Origin:
    agent = (request.user_agent.string or "")[:_AGENT_LENGTH_MAX]
    return Origin(request.remote_addr or "", agent, answers.trace_id())


def _input_of(route: Route) -> dict[str, Any]:
    query: Mapping[str, Any]
    query = received.list_input(request) if route.listing else received.parameters(request)
    if route.method in ("GET", "DELETE"):
        return received.with_version(request, dict(query))
    return {**query, **received.read_object(request)}


def _respond(route: Route, answer: Any) -> Response:
    status = route.status if isinstance(route.status, int) else route.status(answer)
    if status >= 400:
        # An answer such as a refused order: a problem document with the decision in it.
        return answers.problem(
            status, _refusal_text(answer), code=str(answer.get("status", "")), members=answer
        )
    return answers.json_response(answer, status)


def _refusal_text(answer: Mapping[str, Any]) -> str:
    reasons = (answer.get("decision") or {}).get("reasons") or []
    return "; ".join(reason["message"] for reason in reasons) or "未通过信用检查"


def _begin() -> None:
    request.environ["credit.started"] = time.perf_counter()
    telemetry.bind_trace(answers.trace_id())


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = answers.trace_id()
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if response.status_code >= 400:
        abandon_body: Callable[[], None] | None = request.environ.get("credit.abandon_body")
        if abandon_body is not None:
            abandon_body()
    rule = request.url_rule.rule if request.url_rule else "none"
    elapsed = time.perf_counter() - request.environ["credit.started"]
    _seconds.labels(request.method if request.url_rule else "", rule, response.status_code).observe(elapsed)
    return response
