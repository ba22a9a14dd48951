"""The places where the records of each form lie, and the indexes that its searchable fields ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import Connection, text

from services.common.db import Database, UnitOfWork
from services.common.forms import FormDefinition, FormField, type_of

_READERS = {
    "text": "form_text",
    "number": "form_number",
    "date": "form_date",
    "datetime": "form_instant",
    "bool": "form_flag",
}

_LOCK = 7_310_442


def table_name(form: str) -> str:
    """The partition of a form; its key has no sign that a name could not have within quotes."""
    return f"form_records_{form}"


def make_partition(work: UnitOfWork, form: str) -> None:
    """Make the partition of a form that is published for the first time.

    It is filled in beside and then attached, which locks out neither who reads nor who writes other forms.
    """
    name = f'"{table_name(form)}"'
    work.execute(text(f"CREATE TABLE {name} (LIKE form_records INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    work.execute(text(f"ALTER TABLE form_records ATTACH PARTITION {name} FOR VALUES IN ('{form}')"))


def wanted_indexes(definition: FormDefinition) -> dict[str, str]:
    """The indexes that the searchable fields and relations of a form ask for, by their names."""
    table = table_name(definition.key)
    found = {}
    for one in definition.holding:
        if one.searchable or one.type == "relation":
            body = _body(one)
            digest = hashlib.sha256(f"{table} {body}".encode()).hexdigest()[:24]
            found[f"ix_field_{digest}"] = f'"{table}" {body}'
    return found


def _body(one: FormField) -> str:
    kind = type_of(one).expression_type(one)
    # The key of a field is letters, digits and underscores: nothing that could leave the quotes.
    value = f"fields -> '{one.key}'"
    if isinstance(kind, str) and kind in _READERS:
        return f"({_READERS[kind]}({value}), id) WHERE deleted_at IS NULL"
    return f"USING gin (({value}) jsonb_path_ops) WHERE deleted_at IS NULL"


def settle_indexes(database: Database, definitions: Mapping[str, FormDefinition]) -> int:
    """Make the indexes that are missing and drop those that nobody asks for any more; returns how many.

    Each is made beside the work that goes on (CONCURRENTLY). One that was left half made is made anew.
    """
    wanted: dict[str, str] = {}
    for definition in definitions.values():
        wanted |= wanted_indexes(definition)
    changed = 0
    with database.maintenance() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            # Somebody else is at it, and may have an index half made.
            return 0
        known = _known(connection)
        for name, is_valid in known.items():
            if name not in wanted or not is_valid:
                connection.execute(text(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"'))
                changed += 1
        for name, body in wanted.items():
            if not known.get(name):
                connection.execute(text(f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{name}" ON {body}'))
                changed += 1
    return changed


def _known(connection: Connection) -> dict[str, bool]:
    statement = text(
        "SELECT class.relname, index.indisvalid FROM pg_index AS index"
        " JOIN pg_class AS class ON class.oid = index.indexrelid"
        " JOIN pg_class AS place ON place.oid = index.indrelid"
        " WHERE class.relname LIKE 'ix\\_field\\_%' AND place.relname LIKE 'form\\_records\\_%'"
    )
    return {str(row[0]): bool(row[1]) for row in connection.execute(statement)}
