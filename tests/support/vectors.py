"""The shared test vectors of the expression language, which every backend must meet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from services.common.expressions import Calendar, Fields, World, from_json
from services.common.expressions.types import declared

PATH = Path(__file__).parents[1] / "vectors" / "expressions.json"


@dataclass(frozen=True)
class Vectors:
    """The file: `cases` of `text`, `type`, `value` (JSON) and, where SQL refuses, `sql`; over one record."""

    catalogue: Fields
    world: World
    record: dict[str, Any]
    plain_record: dict[str, Any]
    cases: list[dict[str, Any]]


def read_vectors() -> Vectors:
    """The vectors with their record and world as values of the language."""
    found = json.loads(PATH.read_text(encoding="utf-8"))
    forms = found["world"]["forms"]
    catalogue = Fields(found["fields"], {name: form["fields"] for name, form in forms.items()})
    record = {key: from_json(found["record"].get(key), f.type, key) for key, f in catalogue.fields.items()}
    return Vectors(catalogue, _world(found["world"]), record, found["record"], found["cases"])


def _world(written: Mapping[str, Any]) -> World:
    def days(name: str) -> frozenset[date]:
        return frozenset(date.fromisoformat(day) for day in written[name])

    def lookup(form: str, column: str, value: Any, wanted: str) -> Any:
        found = written["forms"][form]
        row = next((row for row in found["records"] if row[column] == value), None)
        return None if row is None else from_json(row[wanted], declared(found["fields"][wanted]))

    return World(
        now=datetime.fromisoformat(written["now"]),
        today=date.fromisoformat(written["today"]),
        zone=written["zone"],
        calendar=Calendar(days("holidays"), days("workdays")),
        lookup=lookup,
    )
