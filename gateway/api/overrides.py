"""Overrides (special approvals)."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.limits import schema


def _route(method: str, path: str, call: str, action: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="limits",
        call=call,
        permission=f"overrides.{action}",
        tag="overrides",
        summary=summary,
        **more,
    )


ROUTES = [
    _route(
        "POST",
        "/overrides",
        "grant_override",
        "grant",
        "Let orders of a customer, or one order, pass beyond limits and rules",
        body=schema.NewOverride,
        status=201,
    ),
    _route("GET", "/overrides", "list_overrides", "read", "Overrides, newest first", listing=True),
    _route(
        "POST",
        "/overrides/<override_id>:end",
        "end_override",
        "reverse",
        "Take back what is left of an override",
        body=schema.OverrideEnd,
    ),
]
