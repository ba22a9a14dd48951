"""The queries of imports of records: many at once; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Text, func, or_, select, text

from services.application.model import form_records, form_unique_values
from services.application.store.record_search import Shelf, value_of
from services.application.store.records import SHOWN, Row
from services.common import strict_json
from services.common.db import UnitOfWork
from services.common.scopes import visible

_HOLDERS = text(
    "SELECT known.rule, known.value, known.record_id FROM form_unique_values AS known"
    " JOIN unnest(CAST(:rules AS text[]), CAST(:values AS text[])) AS asked (rule, value)"
    " ON known.rule = asked.rule AND known.value = asked.value WHERE known.form = :form"
)


def holders_of(work: UnitOfWork, form: str, uniques: Sequence[Row]) -> dict[tuple[str, str], UUID]:
    """By (rule, value): the record that has what no other may have."""
    if not uniques:
        return {}
    asked = {
        "form": form,
        "rules": [row["rule"] for row in uniques],
        "values": [row["value"] for row in uniques],
    }
    return {(row.rule, row.value): row.record_id for row in work.execute(_HOLDERS, asked)}


def find_named(
    work: UnitOfWork, shelf: Shelf, right: str, ids: Sequence[UUID], names: Mapping[str, Sequence[str]]
) -> list[Row]:
    """Records with one of these ids, or with one of these texts in a field that tells records apart.

    Only those that this right of the caller reaches; `names` are texts by the key of the field.
    """
    parts = [form_records.c.id.in_(list(ids))] if ids else []
    for key, texts in names.items():
        field = shelf.definition.by_key[key]
        if field.unique:
            known = form_unique_values.c
            wanted = [strict_json.dumps([one]) for one in texts]
            holding = select(known.record_id).where(
                known.form == shelf.key, known.rule == key, known.value.in_(wanted)
            )
            parts.append(form_records.c.id.in_(holding))
        else:
            parts.append(func.form_text(value_of(key), type_=Text()).in_(list(texts)))
    if not parts:
        return []
    statement = select(*SHOWN).where(
        form_records.c.form == shelf.key,
        form_records.c.deleted_at.is_(None),
        or_(*parts),
        visible(work, shelf.owned, right=right),
    )
    return [dict(row) for row in work.execute(statement).mappings()]


def lock_records(work: UnitOfWork, shelf: Shelf, right: str, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Those of the records that this right of the caller reaches. Locks their rows, in the order of ids."""
    if not ids:
        return {}
    statement = select(*SHOWN).where(
        form_records.c.form == shelf.key,
        form_records.c.id.in_(list(ids)),
        form_records.c.deleted_at.is_(None),
        visible(work, shelf.owned, right=right),
    )
    rows = work.execute(statement.order_by(form_records.c.id).with_for_update()).mappings()
    return {row["id"]: dict(row) for row in rows}
