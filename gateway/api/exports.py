"""Records of any form as a table to be saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Request, Response

from gateway import received
from gateway.context import Context
from gateway.downloads import table, table_kind
from gateway.routes import SIGNED_IN, Route
from services.common.errors import Invalid

ROWS_MAX = 1_000_000
_PAGE_SIZE = 1_000
_PAGE_SECONDS_MAX = 30


def export(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Every record that a list with the same parameters has, page by page; formulas are made harmless."""
    given = received.parameters(request)
    kind = table_kind(given)
    asked = {**path, "view": given.pop("view", None)}
    shown = context.ask("application", "describe_export", asked)
    sort = given.pop("sort", shown["sort"])
    if shown["filter"] and not {"filter", "q"} & given.keys():
        given["filter"] = shown["filter"]
    header = [one["label"] for one in shown["columns"]]
    paths = [one["path"] for one in shown["columns"]]
    answer = table(kind, header, _rows(context, path, sort, given, paths), path["form"])
    context.audit("record.export", path["form"], {"filters": given, "view": asked["view"], "format": kind})
    return answer


def _rows(
    context: Context, path: Mapping[str, str], sort: str | None, where: dict[str, str], paths: Sequence[str]
) -> Iterator[list[Any]]:
    after = None
    for _page in range(ROWS_MAX // _PAGE_SIZE):
        asked = {**path, "page_size": _PAGE_SIZE, "page_after": after, "sort": sort, "where": where}
        answer = context.ask("application", "export_records", asked, timeout=_PAGE_SECONDS_MAX)
        for row in answer["items"]:
            yield [_cell(row, where) for where in paths]
        after = answer["next"]
        if after is None:
            return
    raise Invalid(f"一次最多导出 {ROWS_MAX} 条记录, 请先筛选", code="export_too_large")


def _cell(row: Mapping[str, Any], path: str) -> Any:
    holder, dot, name = path.partition(".")
    return row.get(holder, {}).get(name) if dot else row.get(path)


ROUTES = [
    Route(
        "GET",
        "/forms/<form>/records:export",
        permission=SIGNED_IN,
        view=export,
        tag="forms",
        summary="All records that a list with these parameters has, as csv or xlsx (`format`); as a saved "
        "view shows them (`view`)",
    ),
]
