"""Exchange rates to the base currency: set, imported from a table, listed, looked up on a date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Request, Response

from gateway.answers import json_response
from gateway.context import Context
from gateway.routes import Route
from gateway.uploads import uploaded_table
from services.common.errors import Invalid, invalid_field
from services.common.sheets import SheetRow
from services.limits import schema

_COLUMNS = {"币种": "currency", "汇率": "rate", "生效日期": "valid_from", "来源": "source"}
_PLACE = re.compile(r"rates\.([0-9]+)(?:\.(\w+))?")
_IMPORT_SECONDS_MAX = 60


def import_table(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Set the rates of an uploaded csv or xlsx, all or none; an error names its line (the header is line 1).

    Columns: 币种 (currency), 汇率 (rate), and 生效日期 (valid_from) and 来源 (source) where wanted.
    """
    rows = uploaded_table(request, schema.RATES_MAX)
    unknown = sorted(set(rows[0].cells) - set(_COLUMNS) - set(_COLUMNS.values()))
    if unknown:
        raise invalid_field(unknown[0], "column_unknown", "没有这一列", f"不认识的列: {unknown[0][:60]}")
    rates = [{_COLUMNS.get(name, name): cell for name, cell in row.cells.items() if cell} for row in rows]
    received = {"rates": rates, "source": request.args.get("source") or "import"}
    try:
        answer = context.ask("limits", "set_exchange_rates", received, timeout=_IMPORT_SECONDS_MAX)
    except Invalid as refusal:
        raise _with_lines(refusal, rows) from refusal
    return json_response(answer, 201)


def _with_lines(refusal: Invalid, rows: Sequence[SheetRow]) -> Invalid:
    errors = []
    for error in refusal.errors:
        found = _PLACE.fullmatch(error["field"])
        if found is not None:
            line = rows[int(found[1])].line
            error = {**error, "field": found[2] or "", "row": line}
            error["message"] = f"第 {line} 行: {error['message']}"
        errors.append(error)
    detail = errors[0]["message"] if errors else refusal.detail
    return Invalid(detail, code=refusal.code, errors=errors)


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="limits",
        call=call,
        permission=permission,
        tag="exchange-rates",
        summary=summary,
        **more,
    )


ROUTES = [
    _route(
        "GET",
        "/exchange-rates",
        "list_exchange_rates",
        "credit.read",
        "Every rate that was set, with who and when; by `currency`, `valid_from`, `source`",
        listing=True,
    ),
    _route(
        "GET",
        "/exchange-rates/in-force",
        "get_exchange_rates",
        "credit.read",
        "The rates in force: `on` a date, as known at an instant (`known_at`)",
        query=schema.RatesMoment,
    ),
    _route(
        "POST",
        "/exchange-rates",
        "set_exchange_rates",
        "credit.rates",
        "Set rates, each from a date on; what is owed in these currencies is valued anew at once",
        body=schema.RatesInput,
        status=201,
        timeout_seconds=60,
    ),
    _route(
        "POST",
        "/exchange-rates:import",
        "set_exchange_rates",
        "credit.rates",
        "The same from a csv or xlsx file (columns 币种, 汇率, 生效日期, 来源), all rows or none",
        view=import_table,
        status=201,
    ),
]
