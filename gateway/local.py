"""Views over the gateway's own data: one shape of reading and one of changing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from marshmallow import Schema

from gateway import received
from gateway.context import Context
from gateway.routes import View
from services.common.db import UnitOfWork


def body(shape: Schema | None) -> Any:
    """The request's JSON body, loaded by a shape."""
    return received.read_object(request, shape)


def reading(operation: Callable[[UnitOfWork, Mapping[str, str]], Any]) -> View:
    """A view that reads: `operation(work, path)`."""

    def view(context: Context, _request: Any, path: Mapping[str, str]) -> Any:
        return context.read(lambda work: operation(work, path))

    return view


def listing(operation: Callable[[UnitOfWork, Mapping[str, Any]], Any]) -> View:
    """A view that lists: `operation(work, list_input)`, see `services.common.paging`."""

    def view(context: Context, asked: Any, _path: Mapping[str, str]) -> Any:
        wanted = received.loaded_list_input(asked)
        return context.read(lambda work: operation(work, wanted))

    return view


def changing(
    name: str,
    shape: Schema | None,
    operation: Callable[[UnitOfWork, Mapping[str, str], Any], Any],
) -> View:
    """A view that changes: `operation(work, path, received)`; everybody's rights are asked anew after it."""

    def view(context: Context, _request: Any, path: Mapping[str, str]) -> Any:
        given = body(shape)
        answer = context.apply(name, {**path, **given}, lambda work: operation(work, path, given))
        context.desk.forget()
        return answer

    return view
