"""The expression language over HTTP: checked and evaluated in the gateway, without any data."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Request

from gateway.context import Context
from gateway.local import body
from gateway.routes import Route
from services.common import expressions
from services.common.errors import Invalid
from services.common.expressions import ExpressionError
from services.common.fields import ObjectField, StrictSchema, TextField

_TYPES = {Decimal: "number", str: "text", bool: "bool", list: "list", type(None): "null"}


class ToCheck(StrictSchema):
    """An expression and the fields that it may read, with their types."""

    text = TextField(max_length=20_000, required=True, multiline=True)
    catalogue = ObjectField(load_default=dict, data_key="fields")


class ToEvaluate(StrictSchema):
    """An expression, its fields, and the record to compute it over."""

    text = TextField(max_length=20_000, required=True, multiline=True)
    catalogue = ObjectField(load_default=dict, data_key="fields")
    record = ObjectField(load_default=dict)


def _checked(received: Mapping[str, Any]) -> tuple[expressions.Tree, expressions.Checked]:
    try:
        tree = expressions.parse(received["text"])
        return tree, expressions.check(tree, received["catalogue"])
    except ExpressionError as problem:
        raise Invalid(str(problem), code="expression", errors=problem.errors) from problem


def _check(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    tree, checked = _checked(body(ToCheck()))
    return {"type": checked.type, "tree": tree, "reads": checked.reads}


def _evaluate(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(ToEvaluate())
    tree, checked = _checked(received)
    record = _typed(received["record"], received["catalogue"])
    value = expressions.evaluate(tree, record)
    shown = f"{value:f}" if isinstance(value, Decimal) else value
    return {"value": shown, "type": _TYPES.get(type(value), checked.type)}


def _typed(record: Any, catalogue: Any) -> Any:
    """Numbers arrive as decimal text or JSON numbers: both become exact Decimals."""
    if isinstance(record, Mapping) and isinstance(catalogue, Mapping):
        return {name: _typed(value, catalogue.get(name)) for name, value in record.items()}
    if isinstance(record, list):
        return [_typed(item, catalogue) for item in record]
    if catalogue in ("number", "money", "percent", "integer") and isinstance(record, (str, int)):
        try:
            return Decimal(str(record))
        except ArithmeticError:
            raise Invalid(f"{record!r} 不是数字", code="not_a_number") from None
    return record


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
