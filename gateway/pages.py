"""What stands outside the API: health, figures, its description, and the web application."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from typing import Any

from eventlet.semaphore import Semaphore
from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.answers import json_response
from gateway.everybody import ask_everybody
from gateway.web_app import add_web_app
from services.common import strict_json
from services.common.errors import CreditError

_PING_SECONDS = 3.0
_REMEMBERED_SECONDS = 0.5


def add_pages(app: Flask, ground: Any, desk: Any, description: dict[str, Any]) -> None:
    """Add them to the application; the figures are for those who may see the system's state."""
    text = strict_json.dumps(description)
    docs = _reference(description)

    ready = _Remembered(lambda: _ask_all(ground))

    def page(path: str, view: Any) -> None:
        app.add_url_rule(path, path, view, methods=["GET"])

    page("/healthz", lambda: json_response({"status": "ok"}))
    page("/readyz", lambda: _ready(ready.value()))
    page("/metrics", lambda: _figures(desk))
    page("/api/v1/openapi.json", lambda: Response(text, content_type="application/json; charset=utf-8"))
    page("/api/docs", lambda: Response(docs, content_type="text/html; charset=utf-8"))
    add_web_app(app)


class _Remembered:
    """A value asked for at most once a moment, however many ask: readiness is asked without a right."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self._ask = ask
        self._asking = Semaphore(1)
        self._until = 0.0
        self._value: dict[str, Any] = {}

    def value(self) -> dict[str, Any]:
        with self._asking:
            if time.monotonic() >= self._until:
                self._value = self._ask()
                self._until = time.monotonic() + _REMEMBERED_SECONDS
            return self._value


def _ask_all(ground: Any) -> dict[str, Any]:
    """What every service says of itself; each answers over the broker and asks its database."""
    found = {}
    for name, answer in ask_everybody(ground, "ping", lambda _name: {"input": {}}, _PING_SECONDS).items():
        refused = isinstance(answer, CreditError)
        found[name] = {"status": "away", "detail": answer.detail} if refused else answer
    return found


def _ready(found: dict[str, Any]) -> Response:
    ready = all(answer["status"] == "ok" for answer in found.values())
    answer = {"status": "ready" if ready else "not_ready", "services": found}
    response = json_response(answer, 200 if ready else 503)
    if not ready:
        response.headers["Retry-After"] = "2"
    return response


def _figures(desk: Any) -> Response:
    desk.caller_of(request).require("admin.system")
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _reference(description: dict[str, Any]) -> str:
    rows = []
    for path, methods in sorted(description["paths"].items()):
        for method, operation in methods.items():
            cells = (method.upper(), path, operation.get("summary", ""), operation.get("x-permission", ""))
            rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>接口文档</title><style>'
        'body{font:14px/1.6 system-ui,"PingFang SC",sans-serif;margin:2rem;color:#1f2329}'
        "td,th{padding:.35rem .7rem;border-bottom:1px solid #e5e6eb;text-align:left}"
        "td:nth-child(-n+2){font-family:ui-monospace,monospace;white-space:nowrap}</style>"
        '<h1>接口文档</h1><p>机器可读: <a href="/api/v1/openapi.json">openapi.json</a></p><table>'
        "<tr><th>方法</th><th>地址</th><th>说明</th><th>权限</th></tr>" + "".join(rows) + "</table></html>"
    )
