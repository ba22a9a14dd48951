"""The description of the API, generated from the same tables that route it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from gateway.routes import PUBLIC, Route

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_LIST_PARAMETERS = ("page[size]", "page[after]", "sort")
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
        "trace_id": {"type": "string"},
    },
}


def document(routes: Sequence[Route], prefix: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    spec = APISpec(
        title="Credit management / 客户授信管理",
        version="1.0.0",
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=_schema_name)],
    )
    spec.components.schema("Problem", _PROBLEM)
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("key", {"type": "apiKey", "in": "header", "name": "X-API-Key"})
    by_path: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = prefix + _PARAMETER.sub(r"{\1}", route.path)
        by_path.setdefault(path, {})[route.method.lower()] = _operation(route)
    for path, operations in by_path.items():
        spec.path(path=path, operations=operations)
    described: dict[str, Any] = spec.to_dict()
    return described


def _operation(route: Route) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.listing:
        parameters += [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in _LIST_PARAMETERS
        ]
    status = str(route.status) if isinstance(route.status, int) else "200"
    answer: dict[str, Any] = {"description": "OK"}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": _schema(route.answer)}}
    if route.media_type:
        answer["content"] = {route.media_type: {"schema": {"type": "string"}}}
    operation: dict[str, Any] = {
        "tags": [route.tag or route.service],
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", route.name).strip("_"),
        "x-permission": route.permission,
        "security": [] if route.permission == PUBLIC else [{"bearer": []}, {"key": []}],
        "parameters": parameters,
        "responses": {
            status: answer,
            "default": {
                "description": "Problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": _schema(route.body)}}}
    return operation


def _schema(shape: type[Schema] | Schema) -> type[Schema] | Schema:
    return shape


def _schema_name(shape: Any) -> str:
    kind = shape if isinstance(shape, type) else type(shape)
    service = kind.__module__.split(".")[-2].capitalize()
    return f"{service}{kind.__name__}"
