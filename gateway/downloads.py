"""Files that an answer brings, tables among them row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

from flask import Response

from services.common import sheets
from services.common.errors import Invalid

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
KINDS = ("csv", "xlsx")


def table_kind(given: dict[str, str], default: str = "csv") -> str:
    """The `format` of the parameters, taken out of them; `Invalid` for another than csv and xlsx."""
    kind = given.pop("format", default)
    if kind not in KINDS:
        error = {"field": "format", "code": "not_a_choice", "message": "应为 csv 或 xlsx"}
        raise Invalid("导出格式应为 csv 或 xlsx", code="format_unknown", errors=[error])
    return kind


def table(kind: str, header: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> Response:
    """A table as a file to be saved; formulas are made harmless, and no more than a piece is in memory.

    The first row is asked for at once: what is refused is refused before anything is sent.
    """
    first = iter(rows)
    begun = list(_some(first))
    lines = chain(begun, first)
    pieces = sheets.stream_xlsx(header, lines) if kind == "xlsx" else sheets.write_csv(header, lines)
    response = Response(pieces, content_type=XLSX if kind == "xlsx" else CSV)
    return saved_as(response, f"{name}.{kind}")


def _some(rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    first = next(rows, None)
    if first is not None:
        yield first


def saved_as(response: Response, name: str) -> Response:
    """An answer that a browser saves under a name, and runs on no page of ours."""
    plain = "".join(
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name
    )
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response
