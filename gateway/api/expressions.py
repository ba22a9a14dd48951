"""The expression language over HTTP: checked and evaluated in the gateway, without any data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.local import body
from gateway.routes import Route
from services.common import expressions
from services.common.errors import Invalid
from services.common.expressions import Checked, ExpressionError, Fields, World
from services.common.fields import ObjectField, StrictSchema, TextField

# What is longer than the language allows is refused by the language, with its place.
_TEXT_LENGTH_MAX = 2_000_000


class ToCheck(StrictSchema):
    """An expression and the fields that it may read, with their types."""

    text = TextField(max_length=_TEXT_LENGTH_MAX, required=True, multiline=True)
    catalogue = ObjectField(load_default=dict, data_key="fields")


class ToEvaluate(ToCheck):
    """An expression, its fields, and the record to compute it over."""

    record = ObjectField(load_default=dict)


def _refusal(problem: ExpressionError, field: str) -> Invalid:
    errors = [{"field": field, **error} for error in problem.errors]
    return Invalid(str(problem), code="expression", errors=errors)


def _catalogue(received: Mapping[str, Any]) -> Fields:
    try:
        return Fields(received["catalogue"])
    except ExpressionError as problem:
        raise _refusal(problem, "fields") from problem


def _checked(received: Mapping[str, Any], catalogue: Fields) -> Checked:
    try:
        return expressions.check(expressions.parse(received["text"]), catalogue)
    except ExpressionError as problem:
        raise _refusal(problem, "text") from problem


def _check(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(ToCheck())
    checked = _checked(received, _catalogue(received))
    return {"type": checked.type, "tree": checked.tree, "reads": checked.reads}


def _evaluate(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(ToEvaluate())
    catalogue = _catalogue(received)
    checked = _checked(received, catalogue)
    try:
        record = expressions.record_from_json(received["record"], catalogue)
    except ExpressionError as problem:
        raise _refusal(problem, "record") from problem
    world = World(now=context.ground.database.clock.now(), zone=context.settings.timezone)
    try:
        value = expressions.evaluate(checked.tree, record, world)
    except ExpressionError as problem:
        raise _refusal(problem, "text") from problem
    return {"value": expressions.to_json(value), "type": expressions.kind_of(value)}


ROUTES = [
    Route(
        "POST",
        "/expressions:check",
        permission="expressions.use",
        view=_check,
        body=ToCheck,
        tag="expressions",
        summary="The type of an expression and what it reads, or every mistake with its position",
    ),
    Route(
        "POST",
        "/expressions:evaluate",
        permission="expressions.use",
        view=_evaluate,
        body=ToEvaluate,
        tag="expressions",
        summary="The value of an expression over a record",
    ),
]
