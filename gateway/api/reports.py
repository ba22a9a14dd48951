"""Reports, dashboards and the 360° profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request, Response

from gateway.context import Context
from gateway.local import body
from gateway.routes import Route
from services.common import sheets
from services.common.errors import Invalid
from services.reporting import schema

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _query(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(None)
    kind = request.args.get("format") or received.get("format") or "json"
    if kind not in ("json", "csv", "xlsx"):
        error = {"field": "format", "code": "not_a_choice", "message": "应为 json、csv 或 xlsx"}
        raise Invalid("格式应为 json、csv 或 xlsx", code="format_unknown", errors=[error])
    if kind != "json":
        context.caller.require("reports.export")
    answer = context.ask("reporting", "query", {**received, "format": kind})
    if kind == "json":
        return answer
    columns = [*answer["dimensions"], {"key": "currency", "label": "币种"}, *answer["measures"]]
    header = [column["label"] for column in columns]
    lines = [[row[column["key"]] for column in columns] for row in answer["rows"]]
    context.audit("report.export", "reports", {"query": received, "format": kind, "rows": len(lines)})
    if kind == "xlsx":
        response = Response(sheets.write_xlsx(header, lines), content_type=_XLSX)
    else:
        response = Response(sheets.write_csv(header, lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="report.{kind}"'
    return response


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="reporting",
        call=call,
        permission=permission,
        tag="reports",
        summary=summary,
        **more,
    )


ROUTES = [
    _route("GET", "/reports/model", "describe_model", "reports.read", "Measures and dimensions"),
    _route(
        "POST",
        "/reports/query",
        "query",
        "reports.read",
        "Measures by dimensions, as rows and as a pivot; format=json|csv|xlsx",
        body=schema.Query,
        view=_query,
        may_need=("reports.export",),
    ),
    _route("GET", "/dashboards", "list_dashboards", "dashboards.read", "Dashboards"),
    _route(
        "POST",
        "/dashboards",
        "save_dashboard",
        "dashboards.write",
        "Make or replace a dashboard, by its key",
        body=schema.NewDashboard,
        status=201,
    ),
    _route(
        "GET",
        "/dashboards/<dashboard>/data",
        "dashboard_data",
        "dashboards.read",
        "A dashboard with its data; `customer_id` for a profile",
    ),
    _route("GET", "/customers/<customer_id>/profile", "profile", "reports.read", "The 360° profile"),
]
