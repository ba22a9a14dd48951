"""Records of forms that come as tables: the columns of a form, and what becomes of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.application import events
from services.application.operations import records as operations
from services.application.store import record_imports as store
from services.application.store import record_search, records
from services.common.db import Database, UnitOfWork
from services.common.errors import CreditError, Invalid, beyond_scope, invalid_field
from services.common.field_rights import only_seen
from services.common.forms import FormDefinition, FormField, Surroundings, people, settle_values, type_of
from services.common.forms.cells import columns_of, read_cell
from services.common.forms.rights import CORE, resource_key
from services.common.forms.texts import Refused, refuse
from services.common.forms.types.choices import split_items
from services.common.imports.columns import COMPUTED, Column
from services.common.imports.target import REFUSE, SKIP, SKIPPED, UPDATED, Asked, Row
from services.common.scopes import my_values, require_reach, world_of
from services.common.strict_json import Plain

# Asks the customer service for those of the customers with these ids or codes that are there for a caller.
FindCustomers = Callable[[Asked, list[str]], list[dict[str, Any]]]
_CUSTOMER = "customer"
_ID, _VERSION = "id", "version"
_ASKED_AT_ONCE_MAX = 500


class RecordTarget:
    """The records of one form, see `imports.target.Target`."""

    def __init__(self, database: Database, asked: Asked, find_customers: FindCustomers) -> None:
        self._database = database
        self._asked = asked
        self._find_customers = find_customers
        # By rule and value of what must be unique: the line that has it.
        self._seen: dict[tuple[str, str], int] = {}
        self._updated: dict[UUID, int] = {}

    def columns(self, work: UnitOfWork) -> list[Column]:
        """The fields of the form, then what only tells records apart, then what an export shows as well."""
        form = operations.form_of(work, self._asked.form)
        found = columns_of(form.definition, self._asked.caller, self._asked.right)
        found.append(Column(_ID, "记录 id", hint="用于更新已有记录, 新记录留空"))
        found.append(Column(_VERSION, "版本", "number", hint="填写时, 记录在此之后被修改过则不更新"))
        shown = (Column(one.key, one.label_zh, refused=COMPUTED, names=(one.key,)) for one in CORE)
        return [*found, *shown]

    # --- looking up --------------------------------------------------------------------------------------

    def gather(self, rows: Sequence[Row]) -> None:
        """The records that rows point to, and those that are there already."""
        asked = self._asked
        with self._database.read(asked.caller, asked.trace_id, asked.right) as work:
            self._form = operations.form_of(work, asked.form)
            self._shelf = record_search.shelf_of(self._form)
            self._now, self._zone = work.now, work.timezone
            self._world = world_of(work)
            self._named: dict[str, dict[str, dict[str, Any]]] = {}
            for one in self._definition.of_type("relation", "relations"):
                if one.settings["form"] != _CUSTOMER:
                    self._named[one.key] = self._records_named(work, one, _texts_of(rows, one))
            self._known = self._existing(work, rows)
            self._people = people.known_in_cells(work, self._definition, [row.cells for row in rows])
        for one in self._definition.of_type("relation", "relations"):
            if one.settings["form"] == _CUSTOMER:
                self._named[one.key] = self._customers_named(_texts_of(rows, one))
        self._by_path = {f"fields.{one.key}": one for one in self._definition.fields}
        self._related = {str(one["id"]): one for found in self._named.values() for one in found.values()}
        # Numbers are given when a record is written: none is spent on a row that is refused.
        self._numbered = bool(self._definition.of_type("auto_number"))
        self._me = my_values(asked.caller)

    @property
    def _definition(self) -> FormDefinition:
        return self._form.definition

    def _records_named(self, work: UnitOfWork, one: FormField, texts: list[str]) -> dict[str, dict[str, Any]]:
        right = f"{resource_key(one.settings['form'])}.read"
        if not texts or not work.caller.can(right):
            return {}
        shelf = record_search.shelf_of(operations.form_of(work, one.settings["form"]))
        ids = [one for one in map(operations.as_id, texts) if one is not None]
        others = [text for text in texts if operations.as_id(text) is None]
        telling = naming_fields(shelf.definition)
        names = {field.key: others for field in telling} if others else {}
        found: dict[str, dict[str, Any]] = {}
        for row in store.find_named(work, shelf, right, ids, names):
            seen = only_seen(work.caller, right, row)
            found[str(row["id"])] = seen
            for field in telling:
                name = (seen.get("fields") or {}).get(field.key)
                if isinstance(name, str):
                    found.setdefault(name, seen)
        return found

    def _customers_named(self, texts: list[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(texts), _ASKED_AT_ONCE_MAX):
            part = texts[start : start + _ASKED_AT_ONCE_MAX]
            answered = self._find_customers(self._asked, part)
            for row in only_seen(self._asked.caller, "customers.read", answered):
                found[str(row["id"])] = row
                if isinstance(row.get("code"), str):
                    found[row["code"]] = row
        return found

    def _existing(self, work: UnitOfWork, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
        """By line: the record that is there already, found by its id or by what is unique of it."""
        given = {row.line: operations.as_id(row.cells.get(_ID, "")) for row in rows}
        ids = {line: one for line, one in given.items() if one is not None}
        if self._asked.existing != REFUSE:
            ids |= self._held(work, [row for row in rows if _ID not in row.cells])
        if not ids:
            return {}
        right = f"{resource_key(self._shelf.key)}.update"
        found = {row["id"]: row for row in records.find_related(work, self._shelf, right, set(ids.values()))}
        return {line: found[one] for line, one in ids.items() if one in found}

    def _held(self, work: UnitOfWork, rows: Sequence[Row]) -> dict[int, UUID]:
        rules = [rule for rule in self._definition.unique_rules if len(rule) == 1]
        wanted: dict[int, dict[str, Any]] = {}
        for row in rows:
            for (key,) in rules:
                value = self._stored(row, self._definition.by_key[key])
                if value is not None:
                    told = {"form": self._shelf.key, "id": row.line, "fields": {key: value}}
                    wanted[row.line] = operations.unique_values(self._definition, told)[0]
                    break
        holders = store.holders_of(work, self._shelf.key, list(wanted.values()))
        places = {line: (one["rule"], one["value"]) for line, one in wanted.items()}
        return {line: holders[place] for line, place in places.items() if place in holders}

    def _stored(self, row: Row, one: FormField) -> Any:
        text = row.cells.get(f"fields.{one.key}")
        try:
            return None if text is None else type_of(one).load(read_cell(text, one, self._zone), one)
        except Refused:
            return None

    # --- one row -----------------------------------------------------------------------------------------

    def settle(self, row: Row) -> None:
        """The record that a row makes, or the change of one that is there."""
        existing = self._known.get(row.line)
        if _ID in row.cells and existing is None:
            row.refuse(_ID, "record_not_found", "记录不存在, 或您无权修改")
        elif existing is not None and self._asked.existing == REFUSE:
            row.refuse(_ID, "record_exists", "记录已存在")
        elif existing is not None and self._asked.existing == SKIP:
            row.status, row.made = SKIPPED, None
            return
        given = self._given(row)
        try:
            if existing is None:
                row.made = self._created(given)
            else:
                self._require_version(row, existing)
                row.made = self._changed(row, given, existing)
        except CreditError as refusal:
            row.refuse_as(refusal)

    def _given(self, row: Row) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for path, text in row.cells.items():
            one = self._by_path.get(path)
            if one is None:
                continue
            try:
                given[one.key] = self._value(one, text)
            except Refused as problem:
                for each in problem.faults:
                    row.refuse(path, each.code, each.zh)
        return given

    def _value(self, one: FormField, text: str) -> Any:
        if one.key not in self._named:
            value = read_cell(text, one, self._zone)
            people.require_in_cell(one, value, self._people)
            return value
        named = self._named[one.key]
        texts = split_items(text) if one.type == "relations" else [text]
        ids = []
        for each in texts:
            if each not in named:
                raise refuse("relation_unknown")
            ids.append(str(named[each]["id"]))
        return ids if one.type == "relations" else ids[0]

    def _settled(
        self, given: Mapping[str, Any], before: Mapping[str, Any] | None, number: Any = None
    ) -> dict[str, Any]:
        around = Surroundings(self._world, self._me, self._related, number)
        found = settle_values(self._form, given, before, around)
        if found.faults:
            raise Invalid("填写有误", code="invalid", errors=found.errors)
        return found.values

    def _created(self, given: dict[str, Any], number: Any = None) -> dict[str, Any]:
        record = operations.blank_record(self._form, self._asked.caller, self._now)
        # Checked and plain: it is written once, for the row and for who is told of it.
        record["fields"] = Plain(self._settled(given, None, number))
        missing = beyond_scope(self._asked.right)
        fields = self._shelf.owned.fields
        if self._asked.caller.clauses_of(self._asked.right) is not None:
            facts = self._shelf.facts(record)
            require_reach(self._asked.caller, self._asked.right, facts, fields, self._world, missing)
        uniques = operations.unique_values(self._definition, record)
        made: dict[str, Any] = {"record": record, "uniques": uniques, "given": given}
        if not self._numbered or number is not None:
            changes = operations.differences(self._definition, {}, record["fields"])
            made["history"] = operations.history_line(record, "created", changes)
            made["words"] = records.words_for(self._definition, record["fields"])
            made["customer"] = operations.customer_of(self._definition, record["fields"])
        return made

    @staticmethod
    def _require_version(row: Row, existing: Mapping[str, Any]) -> None:
        asked = row.cells.get(_VERSION)
        if asked is not None and asked != str(existing["version"]):
            message = f"记录已被 {existing['updated_by']} 修改 (当前版本 {existing['version']})"
            raise invalid_field(_VERSION, "stale_version", message)

    def _changed(self, row: Row, given: dict[str, Any], existing: dict[str, Any]) -> dict[str, Any]:
        row.status = UPDATED
        after = self._settled(given, existing["fields"])
        changed = {**existing, "fields": after, "form_version": self._definition.version}
        changes = operations.differences(self._definition, existing["fields"], after)
        if not changes:
            row.status = SKIPPED
        uniques = operations.unique_values(self._definition, changed)
        return {"record": changed, "uniques": uniques, "given": given, "before": existing}

    # --- against what is stored --------------------------------------------------------------------------

    def examine(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """Records that were changed meanwhile, and what must be unique and is not."""
        self._look_at_existing(work, rows)
        good = [row for row in rows if not row.errors and row.made is not None]
        wanted = [one for row in good for one in row.made["uniques"]]
        holders = store.holders_of(work, self._asked.form, wanted)
        for row in good:
            for one in row.made["uniques"]:
                self._check_unique(row, one, holders)
            if not row.errors:
                self._seen.update(((one["rule"], one["value"]), row.line) for one in row.made["uniques"])

    def _check_unique(self, row: Row, one: Mapping[str, Any], holders: Mapping[Any, UUID]) -> None:
        place = (one["rule"], one["value"])
        line = self._seen.get(place, row.line)
        if line != row.line:
            message = f"与第 {line} 行重复"
        elif place in holders and holders[place] != one["record_id"]:
            message = "已有记录使用该值"
        else:
            return
        for key in one["rule"].split(","):
            row.refuse(f"fields.{key}", "not_unique", message)

    def _look_at_existing(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        changing = [row for row in rows if not row.errors and row.made is not None and "before" in row.made]
        if not changing:
            return
        right = f"{resource_key(self._asked.form)}.update"
        ids = [row.made["before"]["id"] for row in changing]
        if work.reads_only:
            found = {row["id"]: row for row in records.find_related(work, self._shelf, right, ids)}
        else:
            found = store.lock_records(work, self._shelf, right, ids)
        for row in changing:
            before = row.made["before"]
            now = found.get(before["id"])
            line = self._updated.setdefault(before["id"], row.line)
            try:
                if line != row.line:
                    row.refuse(_ID, "record_twice", f"与第 {line} 行更新同一条记录")
                elif now is None:
                    row.refuse(_ID, "record_not_found", "记录不存在, 或您无权修改")
                elif now["version"] != before["version"]:
                    self._require_version(row, now)
                    row.made = self._changed(row, row.made["given"], now)
            except CreditError as refusal:
                row.refuse_as(refusal)

    # --- for good ----------------------------------------------------------------------------------------

    def write(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """New records together, and told of so; changes one by one."""
        writer = work.part(records.RecordWriter)
        told = []
        for row in _to_write(rows):
            if "before" in row.made:
                operations.write_change(work, self._form, row.made["before"], row.made["record"])
                continue
            made = row.made
            if self._numbered:
                made = self._created(made["given"], operations.numbers_of(work, self._form))
            writer.add(made["record"], made["words"], made["uniques"], made["history"])
            told.append((made["record"], made["customer"]))
        events.records_imported(work, self._asked.form, told)


def naming_fields(definition: FormDefinition) -> list[FormField]:
    """The fields by which people tell the records of a form apart: those that are unique, and numbers."""
    return [one for one in definition.fields if one.unique or one.type == "auto_number"]


def _to_write(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if not row.errors and row.made is not None and row.status != SKIPPED)


def _texts_of(rows: Sequence[Row], one: FormField) -> list[str]:
    path = f"fields.{one.key}"
    found: dict[str, None] = {}
    for row in rows:
        text = row.cells.get(path)
        if text is not None:
            found.update(dict.fromkeys(split_items(text) if one.type == "relations" else [text]))
    return list(found)
