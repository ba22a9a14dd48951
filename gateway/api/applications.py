"""Credit applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.local import body
from gateway.routes import Route
from services.application import schema
from services.common.errors import CreditError

_ONE = "/applications/<application_id>"
_CATCH_UP_SECONDS = 10


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    more.setdefault("answer", schema.Application)
    return Route(
        method,
        path,
        service="application",
        call=call,
        permission=permission,
        tag="applications",
        summary=summary,
        **more,
    )


def _step(call: str) -> Any:
    """Change an application, then let the flow hear of it before answering, so that its tasks are there."""

    def view(context: Context, request: Request, path: Mapping[str, str]) -> Any:
        answer = context.ask("application", call, {**body(None), **path})
        try:
            context.ask("workflow", "hear_applications", {}, timeout=_CATCH_UP_SECONDS)
        except CreditError as late:
            # The step is done; the flow hears of it by itself as soon as it can.
            answer = {**answer, "flow": late.code}
        return answer

    return view


def _withdraw(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    """Take an application back, where its flow lets it be."""
    subject = {"type": "application", "id": path["application_id"]}
    context.ask("workflow", "require_withdrawable", subject)
    return _step("withdraw_application")(context, request, path)


ROUTES = [
    _route("GET", "/applications", "list_applications", "applications.read", "Applications", listing=True),
    _route(
        "POST",
        "/applications",
        "create_application",
        "applications.create",
        "File an application as a draft",
        body=schema.NewApplication,
        status=201,
    ),
    _route("GET", _ONE, "get_application", "applications.read", "One application with its history"),
    _route(
        "PUT",
        _ONE,
        "change_application",
        "applications.create",
        "Change a draft",
        body=schema.ApplicationChange,
    ),
    _route(
        "POST",
        f"{_ONE}:submit",
        "submit_application",
        "applications.submit",
        "Hand it to its approvers",
        view=_step("submit_application"),
    ),
    _route(
        "POST",
        f"{_ONE}:withdraw",
        "withdraw_application",
        "applications.withdraw",
        "Take it back before it is decided",
        view=_withdraw,
    ),
]
