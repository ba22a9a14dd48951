"""The stream of what changes for whoever is signed in, as server-sent events."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Request, Response

from gateway.context import Context
from gateway.notifications import store
from gateway.notifications.live import Watcher
from gateway.routes import SIGNED_IN, Route
from services.common import strict_json
from services.common.caller import Caller
from services.common.errors import CreditError, Forbidden, Unauthenticated

_HEARTBEAT_SECONDS = 15.0
_RETRY_MS = 3_000
# What is told, and with which right; of one's own imports to everybody who has some.
_KINDS = {"tasks": "tasks.read", "notifications": "notifications.read", "imports": ""}
_IMPORTING = ("application", "customer")


def _stream(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """The present state of each kind, then again whenever it changes; a comment every 15 seconds.

    The id of an event is a digest of all states told until then: whoever comes back with the one that still
    holds is told nothing twice, and whoever missed something is told what holds now.
    """
    if context.caller.kind != "user":
        raise Forbidden("API 密钥没有待办和通知", code="not_a_person")
    watcher = context.ground.live.enter(context.caller.username)
    # The credential of the request is looked at again for as long as the stream lasts.
    asked: Any = request._get_current_object()  # type: ignore[attr-defined]
    known = request.headers.get("Last-Event-ID", "")
    # A server that waits for 4 KB would keep an event until the next ones.
    request.environ["eventlet.minimum_write_chunk_size"] = 1
    previewed = "X-Preview-As" in request.headers

    def caller() -> Caller:
        return context.caller if previewed else context.desk.caller_of(asked)

    response = Response(_events(context, watcher, caller, known), content_type="text/event-stream")
    # Also where the answer is never begun: a generator that was not started has no `finally`.
    response.call_on_close(lambda: context.ground.live.leave(watcher))
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _events(context: Context, watcher: Watcher, caller: Callable[[], Caller], known: str) -> Iterator[str]:
    told: dict[str, Any] = {}
    changed: frozenset[str] = frozenset(_KINDS)
    began = time.monotonic()
    yield f"retry: {_RETRY_MS}\n\n"
    while not watcher.closed:
        try:
            who = caller()
            states = {kind: _state(context, who, kind) for kind in changed & _KINDS.keys() if _may(who, kind)}
        except Unauthenticated:
            yield "event: signed-out\ndata: {}\n\n"
            return
        except CreditError as problem:
            # A service is away: the client comes again, and is told what then holds.
            yield f": {problem.code}\n\n"
            return
        news = {kind: state for kind, state in sorted(states.items()) if told.get(kind) != state}
        told |= news
        identity = _digest(told)
        if identity != known:
            for kind, state in news.items():
                yield f"id: {identity}\nevent: {kind}\ndata: {strict_json.dumps(state)}\n\n"
        known = ""
        changed = watcher.wait(_HEARTBEAT_SECONDS)
        if not changed and not watcher.closed:
            yield f": {int(time.monotonic() - began)}\n\n"


def _may(caller: Caller, kind: str) -> bool:
    right = _KINDS[kind]
    return not right or caller.can(right)


def _state(context: Context, caller: Caller, kind: str) -> dict[str, Any] | None:
    """What holds now; None of what there is nothing to tell."""
    if kind == "notifications":
        with context.ground.database.glance(caller) as work:
            return {"unread": store.count_unread(work, caller.username)}

    def ask(service: str, method: str) -> dict[str, Any]:
        answer: dict[str, Any] = context.ground.ask(
            service, method, {}, caller=caller, trace_id=context.trace_id
        )
        return answer

    if kind == "imports":
        found = [one for host in _IMPORTING for one in ask(host, "list_recent_imports")["items"]]
        return {"items": found} if found else None
    return ask("workflow", "count_tasks")


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(strict_json.dumps(dict(sorted(told.items()))).encode()).hexdigest()[:16]


ROUTES = [
    Route(
        "GET",
        "/events/stream",
        permission=SIGNED_IN,
        view=_stream,
        tag="notifications",
        summary="Server-sent events: what waits for me (`tasks`, `notifications`) and how far my `imports` "
        "are, now and after changes",
        media_type="text/event-stream",
        may_need=tuple(filter(None, _KINDS.values())),
    ),
]
