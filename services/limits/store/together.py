"""Reading what several statements find in one trip, where few keys are asked for: as JSON, side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Date, DateTime, Dialect, Numeric, Select, Uuid
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from services.common.db import UnitOfWork
from services.limits.store.rows import Row, all_rows

_Reader = Callable[[Any], Any]

# Up to so many keys a trip costs more than reading what it brings from JSON.
_FEW_KEYS = 32
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Question(NamedTuple):
    """A statement kept for good (it is compiled once) and its parameters."""

    statement: Select[Any]
    parameters: Mapping[str, Any]


def read_together(work: UnitOfWork, questions: Sequence[Question]) -> list[list[Row]]:
    """The rows of each statement, all as of one moment; in one trip where few keys are asked for."""
    keys = sum(len(value) for _, asked in questions for value in asked.values() if isinstance(value, list))
    if len(questions) < 2 or keys > _FEW_KEYS * len(questions):
        return [all_rows(work, *question) for question in questions]
    dialect = work.connection.dialect
    bundles = [_bundle(question.statement, dialect, place) for place, question in enumerate(questions)]
    parts = ", ".join(bundle.sql for bundle in bundles)
    values: dict[str, Any] = {}
    for bundle, question in zip(bundles, questions, strict=True):
        values.update(bundle.values(question.parameters))
    row = work.execute_driver_sql("SELECT " + parts, values).one()
    return [bundle.rows(found) for bundle, found in zip(bundles, row, strict=True)]


class _Bundle:
    """One statement as a part of a larger one: parameters with names of their own, rows as JSON."""

    def __init__(self, statement: Select[Any], dialect: Dialect, place: int) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what SQL compiles to
        self._compiled = compiled
        self._prefix = f"q{place}_"
        renamed = _PARAMETER.sub(rf"%({self._prefix}\1)s", str(compiled))
        self.sql = f"(SELECT json_agg(part) FROM ({renamed}) AS part)"  # noqa: S608 - values are parameters
        self._readers = {
            column.name: reader
            for column in statement.selected_columns
            if (reader := _reader_of(column.type)) is not None
        }

    def values(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked = self._compiled.construct_params(dict(parameters))
        return {self._prefix + name: value for name, value in asked.items()}

    def rows(self, found: list[Row] | None) -> list[Row]:
        for row in found or ():
            for name, reader in self._readers.items():
                value = row[name]
                if value is not None:
                    row[name] = reader(value)
        return found or []


_bundle = cache(_Bundle)


def _reader_of(type_: TypeEngine[Any]) -> _Reader | None:
    """How JSON's text or number becomes what the driver would have read; None where it is that already."""
    if isinstance(type_, Uuid):
        return UUID
    if isinstance(type_, DateTime):
        return datetime.fromisoformat
    if isinstance(type_, Date):
        return date.fromisoformat
    if isinstance(type_, Numeric):
        return Decimal
    return None
