"""The queries of the records of forms; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from services.application.model import (
    form_numbers,
    form_record_history,
    form_records,
    form_unique_values,
)
from services.application.store.record_search import Shelf
from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.common.forms import FormDefinition
from services.common.forms.words import searched_text, vector
from services.common.journal import Journalled
from services.common.paging import page
from services.common.scopes import Facts, visible
from services.common.strict_json import PlainList

Row = dict[str, Any]
SHOWN = tuple(column for column in form_records.c if column.name != "words")


class RecordWriter(Journalled):
    """What a unit of work writes of records, kept until it commits, so that many commands share the trips.

    Numbers are counted in memory from the row that was locked first: what is taken back is given again.
    """

    def __init__(self, work: UnitOfWork) -> None:
        super().__init__()
        self._work = work
        self._records: list[Row] = []
        self._uniques: list[Row] = []
        self._history: list[Row] = []
        self._numbers: dict[str, int] = {}

    def add(self, record: Row, words: str, uniques: Sequence[Row], history: Row) -> None:
        """A new record with what nobody else may have, and the first line of its history."""
        mine = {(row["form"], row["rule"], row["value"]) for row in uniques}
        if any((row["form"], row["rule"], row["value"]) in mine for row in self._uniques):
            raise taken(uniques[0])
        self._keep(self._records, [{**record, "words": words}])
        self._keep(self._uniques, list(uniques))
        # Of values that were checked and are plain JSON.
        self._keep(self._history, [{**history, "changes": PlainList(history["changes"])}])

    def _keep(self, kept: list[Row], new: list[Row]) -> None:
        before = len(kept)
        kept += new

        def undo() -> None:
            del kept[before:]

        self._journal.append(undo)

    def next_number(self, name: str) -> int:
        """The next number under a name. Locks its row."""
        if name not in self._numbers:
            self._numbers[name] = self._lock(name)
        self._numbers[name] += 1
        self._journal.append(lambda: self._give_back(name))
        return self._numbers[name]

    def _lock(self, name: str) -> int:
        statement = text(
            "INSERT INTO form_numbers (name, last) VALUES (:name, 0)"
            " ON CONFLICT (name) DO UPDATE SET last = form_numbers.last RETURNING last"
        )
        return int(self._work.execute(statement, {"name": name}).scalar_one())

    def _give_back(self, name: str) -> None:
        self._numbers[name] -= 1

    def forget(self) -> None:
        """A part was rolled back, and the locks of numbers with it."""
        self._numbers.clear()

    def flush(self) -> None:
        """Write everything; `Conflict` where another record has what must be unique."""
        rows = self._work.rows
        numbers = [{"name": name, "last": last} for name, last in self._numbers.items()]
        rows.update(form_numbers, numbers, ("last",))
        rows.insert(form_records, self._records)
        rows.insert(form_record_history, self._history)
        if rows.insert_new(form_unique_values, self._uniques) != len(self._uniques):
            raise taken(next(iter(find_taken(self._work, self._uniques)), self._uniques[0]))
        self._records, self._uniques, self._history = [], [], []
        self._numbers.clear()
        self._journal.clear()


def taken(row: Mapping[str, Any]) -> Conflict:
    """The refusal of what another record has already."""
    keys = row["rule"].split(",")
    errors = [
        {
            "field": f"fields.{key}",
            "code": "not_unique",
            "message": "已有记录使用该值",
            "message_en": "another record has this value",
        }
        for key in keys
    ]
    return Conflict(f"{'、'.join(keys)} 与已有记录重复", code="not_unique", errors=errors)


def find_taken(work: UnitOfWork, uniques: Sequence[Row]) -> list[Row]:
    """Those of the unique values that another record has."""
    known = form_unique_values.c
    found = []
    for row in uniques:
        here = (known.form == row["form"], known.rule == row["rule"], known.value == row["value"])
        holder = work.execute(select(known.record_id).where(*here)).scalar()
        if holder is not None and holder != row["record_id"]:
            found.append(row)
    return found


def replace_uniques(work: UnitOfWork, record_id: UUID, uniques: Sequence[Row]) -> None:
    """Have a record hold these unique values and no others. Locks their rows; `Conflict` for a taken one."""
    work.execute(delete(form_unique_values).where(form_unique_values.c.record_id == record_id))
    if work.rows.insert_new(form_unique_values, list(uniques)) != len(uniques):
        raise taken(next(iter(find_taken(work, uniques)), uniques[0]))


def words_for(definition: FormDefinition, values: Mapping[str, Any]) -> str:
    """The words of a record as its row holds them."""
    return vector(searched_text(definition, values))


def find(
    work: UnitOfWork, shelf: Shelf, record_id: UUID, *, locked: bool = False, deleted: bool = False
) -> Row | None:
    """A record that the caller may see. Locks its row when `locked`."""
    gone = form_records.c.deleted_at.is_not(None) if deleted else form_records.c.deleted_at.is_(None)
    statement = select(*SHOWN).where(
        form_records.c.form == shelf.key, form_records.c.id == record_id, gone, visible(work, shelf.owned)
    )
    row = work.execute(statement.with_for_update() if locked else statement).mappings().first()
    return dict(row) if row else None


def find_related(work: UnitOfWork, shelf: Shelf, right: str, ids: Iterable[UUID]) -> list[Row]:
    """Those of the records of a form that are there and that this right of the caller reaches."""
    statement = select(*SHOWN).where(
        form_records.c.form == shelf.key,
        form_records.c.id.in_(list(ids)),
        form_records.c.deleted_at.is_(None),
        visible(work, shelf.owned, right=right),
    )
    return [dict(row) for row in work.execute(statement).mappings()]


def change(work: UnitOfWork, form: str, record_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a record that is locked."""
    where = (form_records.c.form == form, form_records.c.id == record_id)
    work.execute(update(form_records).where(*where).values(**values))


def add_history(work: UnitOfWork, row: Row) -> None:
    """Write what was changed; nothing ever changes these rows."""
    work.rows.insert(form_record_history, [row])


def list_history(work: UnitOfWork, record_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a record's history, the newest first."""
    history = form_record_history.c
    others = [column for column in history if column.name not in ("identity", "record_id")]
    statement = select(history.identity.label("id"), *others).where(history.record_id == record_id)
    return page(
        work, statement, received, sort={"id": history.identity}, key=history.identity, default_sort="-id"
    )


def facts_of(work: UnitOfWork, shelf: Shelf, key: str) -> Facts | None:
    """What record scopes read of a record."""
    try:
        row = find(work, shelf, UUID(key))
    except ValueError:
        return None
    return None if row is None else shelf.facts(row)


def count_with(work: UnitOfWork, form: str, keys: Sequence[str]) -> dict[str, int]:
    """How many records hold something under each of these fields."""
    held = (form_records.c.fields.op("?")(key) for key in keys)
    holding = [func.count().filter(one).label(f"k{place}") for place, one in enumerate(held)]
    row = work.execute(select(*holding).where(form_records.c.form == form)).one()
    return dict(zip(keys, map(int, row), strict=True))


def rename_related(work: UnitOfWork, form: str, key: str, before: str, after: str) -> int:
    """Let the records of a form that point to one record by a field point to another; how many did.

    Their versions stay: what they say is the same. Locks their rows.
    """
    statement = text(
        "WITH asked (key, gone, now) AS"
        " (SELECT CAST(:key AS text), CAST(:before AS text), CAST(:after AS text))"
        " UPDATE form_records SET fields = jsonb_set(fields, ARRAY[key], CASE jsonb_typeof(fields -> key)"
        " WHEN 'array' THEN (SELECT jsonb_agg(DISTINCT CASE WHEN one = gone THEN now ELSE one END)"
        " FROM jsonb_array_elements_text(fields -> key) AS listed (one)) ELSE to_jsonb(now) END)"
        " FROM asked WHERE form = :form AND (fields -> key) @> to_jsonb(gone)"
    )
    asked = {"form": form, "key": key, "before": before, "after": after}
    return int(work.execute(statement, asked).rowcount)
