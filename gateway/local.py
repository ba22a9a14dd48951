"""Views over the gateway's own data: one shape of reading and one of changing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request
from marshmallow import Schema

from gateway.context import Context
from gateway.routes import View
from services.common import strict_json
from services.common.db import UnitOfWork
from services.common.errors import MalformedRequest
from services.common.fields import load


def body(shape: Schema | None) -> Any:
    """The request's JSON body, loaded by a shape."""
    # Imported here: app imports the route tables, which use these views.
    from gateway.app import read_json

    received = read_json(request)
    if not isinstance(received, dict):
        raise MalformedRequest("请求内容应为 JSON 对象", code="not_an_object")
    return received if shape is None else load(shape, received)


def reading(operation: Callable[[UnitOfWork, Mapping[str, str]], Any]) -> View:
    """A view that reads: `operation(work, path)`."""

    def view(context: Context, _request: Any, path: Mapping[str, str]) -> Any:
        return context.read(lambda work: operation(work, path))

    return view


def changing(
    name: str,
    shape: Schema | None,
    operation: Callable[[UnitOfWork, Mapping[str, str], Any], Any],
) -> View:
    """A view that changes: `operation(work, path, received)`; everybody's rights are asked anew after it."""

    def view(context: Context, _request: Any, path: Mapping[str, str]) -> Any:
        received = body(shape)
        answer = context.apply(name, {**path, **received}, lambda work: operation(work, path, received))
        context.desk.forget()
        return answer

    return view


def json(value: Any, status: int = 200) -> Response:
    """A value as a JSON response."""
    return Response(strict_json.dumps(value), status, content_type="application/json; charset=utf-8")
