"""Roll-ups: what the records that point to others come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Select, Text, func, select

from services.application.model import form_records
from services.application.store.record_search import Shelf, value_of
from services.common.db import UnitOfWork
from services.common.scopes import visible


def totals(
    work: UnitOfWork, shelf: Shelf, right: str, settings: Mapping[str, Any], ids: Sequence[UUID]
) -> dict[str, Decimal]:
    """Of each of these records, the aggregate over those that point to it and that this right reaches."""
    relation = func.form_text(value_of(settings["relation"]), type_=Text())
    total: Any = func.count()
    if settings["aggregate"] != "count":
        total = getattr(func, settings["aggregate"])(
            func.form_number(value_of(settings["field"]), type_=Numeric())
        )
    statement: Select[Any] = (
        select(relation.label("key"), total.label("total"))
        .where(
            form_records.c.form == shelf.key,
            visible(work, shelf.owned, right=right),
            form_records.c.deleted_at.is_(None),
            relation.in_([str(one) for one in ids]),
        )
        .group_by(relation)
    )
    rows = work.execute(statement)
    return {str(row.key): Decimal(row.total) for row in rows if row.total is not None}
