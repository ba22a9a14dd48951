"""The records of the forms that people define: written, read, searched, and what was changed of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.application import events
from services.application.operations import applications
from services.application.rights import FORM as APPLICATION
from services.application.store import record_search, records, rollups
from services.common import strict_json
from services.common.caller import Caller
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, beyond_scope
from services.common.field_rights import concealed_names, only_seen, require_seen
from services.common.forms import (
    Form,
    FormDefinition,
    FormField,
    Surroundings,
    designing,
    files,
    late_values,
    load_values,
    people,
    type_of,
)
from services.common.forms.rights import resource_key
from services.common.forms.types.computed import period_of, written_number
from services.common.ids import new_id
from services.common.scopes import Facts, my_values, require_reach, world_of

_CUSTOMER = "customer"
Related = Mapping[str, Mapping[str, Any]]


def foresee_records(work: UnitOfWork, inputs: Sequence[Any]) -> None:
    """Nothing is read ahead: the form in force is read once for all, numbers are locked when given."""


def form_of(work: UnitOfWork, key: str) -> Form:
    """A form whose records are kept here; `NotFound` for one that has doors of its own, or none."""
    if key == APPLICATION:
        raise NotFound("申请请通过 /applications 读写", code="form_not_found", form=key)
    return designing.newest_form(work, key)


def create_record(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A new record from a loaded `NewRecord`; answers it whole.

    `Invalid` names every field at fault, `Conflict` what must be unique and is not (told when it is written).
    """
    form = form_of(work, received["form"])
    shelf = record_search.shelf_of(form)
    record = blank_record(form, work.caller, work.now)
    people.require_known(work, form.definition, received["fields"], None, received)
    given = files.described(work, form.definition, received["fields"], None)
    around = surroundings(work, form, given, received.get("related") or {}, numbers=True)
    record["fields"] = load_values(form, given, None, around)
    if work.caller.clauses_of(work.right) is not None:
        # The facts of a record are dear: only whose right does not reach every record needs them.
        facts, missing = shelf.facts(record), beyond_scope(work.right)
        require_reach(work.caller, work.right, facts, shelf.owned.fields, world_of(work), missing)
    words = records.words_for(form.definition, record["fields"])
    uniques = unique_values(form.definition, record)
    line = history_line(record, "created", differences(form.definition, {}, record["fields"]))
    work.part(records.RecordWriter).add(record, words, uniques, line)
    events.record_told(work, "record_created", record, customer_of(form.definition, record["fields"]))
    files.attach(work, form.definition, record["id"], record["fields"])
    return answer(form, record)


def update_record(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is named of a record; answers it whole. It is kept by the newest version from now on.

    `NotFound`, `Conflict` for a stale `version` or what must be unique, `Invalid` naming every fault.
    A change that changes nothing leaves the version as it is.
    """
    form, _, record = _found(work, received, locked=True)
    _check_version(record, received.get("version"))
    people.require_known(work, form.definition, received["fields"], record["fields"], received)
    given = files.described(work, form.definition, received["fields"], record["id"])
    around = surroundings(work, form, given, received.get("related") or {})
    after = load_values(form, given, record["fields"], around)
    changes = differences(form.definition, record["fields"], after)
    if not changes:
        return answer(form, record)
    return answer(form, write_change(work, form, record, {**record, "fields": after}))


def write_change(
    work: UnitOfWork, form: Form, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a locked record's new values, its history, and what it has alone; tells of it."""
    changed = {**after, "form_version": form.definition.version, **_stamp(work, before)}
    _write(work, form.definition, changed)
    records.replace_uniques(work, changed["id"], unique_values(form.definition, changed))
    changes = differences(form.definition, before["fields"], changed["fields"])
    records.add_history(work, history_line(changed, "updated", changes))
    files.attach(work, form.definition, changed["id"], changed["fields"])
    events.record_told(work, "record_updated", changed, customer_of(form.definition, changed["fields"]))
    return changed


def delete_record(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Hide a record, to be restored; what it had alone is free for others."""
    form, _, record = _found(work, received, locked=True)
    _check_version(record, received.get("version"))
    stamp = _stamp(work, record)
    records.change(work, record["form"], record["id"], {**stamp, "deleted_at": work.now})
    records.replace_uniques(work, record["id"], [])
    files.release(work, form.definition, record["id"])
    records.add_history(work, history_line({**record, **stamp}, "deleted", []))
    customer = customer_of(form.definition, record["fields"])
    events.record_told(work, "record_deleted", {**record, **stamp}, customer)
    return {"id": record["id"], "form": record["form"], "version": stamp["version"], "deleted": True}


def restore_record(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a hidden record back; `Conflict` when another has taken what it must have alone."""
    form, _, record = _found(work, received, locked=True, deleted=True)
    stamp = _stamp(work, record)
    records.change(work, record["form"], record["id"], {**stamp, "deleted_at": None})
    restored = {**record, **stamp, "deleted_at": None}
    records.replace_uniques(work, record["id"], unique_values(form.definition, restored))
    records.add_history(work, history_line(restored, "restored", []))
    files.hold_again(work, form.definition, record["id"], record["fields"])
    customer = customer_of(form.definition, record["fields"])
    events.record_told(work, "record_restored", restored, customer)
    return answer(form, restored)


def get_record(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One record, opened under the newest version, with its roll-ups."""
    form, _, record = _found(work, received)
    return with_rollups(work, form, [answer(form, record)])[0]


def list_records(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of records; `Invalid` names what cannot be searched by, `Forbidden` what is not seen."""
    form = form_of(work, received["form"])
    shelf = record_search.shelf_of(form)
    asked = (received.get("where") or {}).get("filter")
    if asked:
        reads = record_search.check_filter(shelf, asked).reads
        require_seen(work.caller, resource_key(shelf.key), [name.partition(".")[0] for name in reads])
    found = record_search.list_records(work, shelf, received)
    items = with_rollups(work, form, [answer(form, row) for row in found["items"]])
    return {**found, "items": items}


def list_history(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of what was changed of a record, field by field, the newest first."""
    _, _, record = _found(work, received)
    return records.list_history(work, record["id"], received)


def evaluate_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """How the form stands with these values, of a new record or of one that there is; nothing is written."""
    if received["form"] == APPLICATION:
        return applications.evaluate_form(work, received)
    form = form_of(work, received["form"])
    before = None
    if received.get("record_id") is not None:
        before = _found(work, received)[2]["fields"]
    record_id = received.get("record_id")
    given = files.described(work, form.definition, received["fields"], record_id)
    around = surroundings(work, form, given, received.get("related") or {})
    return designing.evaluate_form(form, {**received, "fields": given}, before, around)


def get_file(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A file of a record, with the key of its bytes, for the gateway."""
    form, _, record = _found(work, received)
    resource = resource_key(form.definition.key)
    return files.get_file(work, form.definition.key, resource, record["id"], received["file_id"])


def surroundings(
    work: UnitOfWork, form: Form, given: Mapping[str, Any], related: Related, *, numbers: bool = False
) -> Surroundings:
    """What the values of a record may depend on: the time, who asks, and the records that they point to.

    `related` are the customers, whom this service does not keep. `Invalid` for a record that is not there.
    """
    found = dict(related)
    faults = []
    for one in form.definition.of_type("relation", "relations"):
        asked = given.get(one.key)
        ids = [each for each in (asked if isinstance(asked, list) else [asked]) if isinstance(each, str)]
        if one.settings["form"] != _CUSTOMER:
            found |= _related_here(work, one.settings["form"], ids)
        faults += [one.key for each in ids if as_id(each) is not None and each not in found]
    if faults:
        errors = [
            {
                "field": f"fields.{key}",
                "code": "relation_unknown",
                "message": "关联的记录不存在",
                "message_en": "names a record that does not exist",
            }
            for key in faults
        ]
        raise Invalid("关联的记录不存在", code="invalid", errors=errors)

    number = numbers_of(work, form) if numbers else None
    return Surroundings(world_of(work), my_values(work.caller), found, number)


def numbers_of(work: UnitOfWork, form: Form) -> Callable[[FormField], str]:
    """What gives the next automatic number of a field. Locks the field's count."""

    def number(field: FormField) -> str:
        period = period_of(field, work.local_date)
        name = f"{form.definition.key}/{field.key}/{period}"
        return written_number(field, period, work.part(records.RecordWriter).next_number(name))

    return number


def customers_asked(definition: FormDefinition, given: Mapping[str, Any]) -> list[str]:
    """The ids of the customers that values point to."""
    found: list[str] = []
    for one in definition.of_type("relation", "relations"):
        asked = given.get(one.key) if one.settings["form"] == _CUSTOMER else None
        ids = asked if isinstance(asked, list) else [asked]
        found += [each for each in ids if isinstance(each, str) and as_id(each) is not None]
    return found


def names_a_record(value: Any) -> bool:
    """Whether a value may be the id of a record, or hold some."""
    if isinstance(value, list):
        return any(names_a_record(one) for one in value)
    return isinstance(value, str) and as_id(value) is not None


def _related_here(work: UnitOfWork, form: str, ids: Sequence[str]) -> Related:
    """The records of a form that the caller may see, without what they may not see of them."""
    wanted = [one for one in map(as_id, ids) if one is not None]
    right = f"{resource_key(form)}.read"
    if not wanted or not work.caller.can(right):
        return {}
    shelf = record_search.shelf_of(form_of(work, form))
    rows = records.find_related(work, shelf, right, wanted)
    return {str(row["id"]): only_seen(work.caller, right, row) for row in rows}


def as_id(text: str) -> UUID | None:
    """A text as an id, if it is one."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def with_rollups(work: UnitOfWork, form: Form, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with what the records that point to them come to, and what is computed of that.

    One statement for each roll-up.
    """
    for one in form.definition.of_type("rollup") if items else ():
        right = f"{resource_key(one.settings['form'])}.read"
        unseen = concealed_names(work.caller, resource_key(one.settings["form"]))
        if not work.caller.can(right) or {f"fields.{one.settings['field']}", "fields.*"} & unseen:
            continue
        shelf = record_search.shelf_of(form_of(work, one.settings["form"]))
        found = rollups.totals(work, shelf, right, one.settings, [item["id"] for item in items])
        empty = "0" if one.settings["aggregate"] in ("count", "sum") else None
        for item in items:
            total = found.get(str(item["id"]))
            item["fields"][one.key] = empty if total is None else f"{total:f}"
    late = form.formulas.late.reads
    around = Surroundings(world_of(work), my_values(work.caller))
    for item in items if late else ():
        kept = {key: value for key, value in item["fields"].items() if key not in late}
        item["fields"] = kept | late_values(form, kept, around)
    return items


def answer(form: Form, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is answered: the fields that the newest version has; others are kept, not shown."""
    known = form.definition.by_key
    shown = {key: value for key, value in record["fields"].items() if key in known}
    names = ("id", "form", "form_version", "version", "department")
    stamps = ("created_at", "created_by", "updated_at", "updated_by")
    return {
        **{name: record[name] for name in names},
        "fields": shown,
        **{name: record[name] for name in stamps},
        "deleted_at": record.get("deleted_at"),
    }


def differences(
    definition: FormDefinition, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Field by field what changed: `{"field", "label", "before", "after"}`."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            known = definition.by_key.get(key)
            label = known.label["zh"] if known else key
            found.append({"field": f"fields.{key}", "label": label, "before": old, "after": new})
    return found


def unique_values(definition: FormDefinition, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What no other record may have; a rule of which a field is empty does not hold."""
    found = []
    for rule in definition.unique_rules:
        values = [record["fields"].get(key) for key in rule]
        if all(value is not None for value in values):
            shown = [
                type_of(definition.by_key[key]).unique_form(value)
                for key, value in zip(rule, values, strict=True)
            ]
            found.append(
                {
                    "form": record["form"],
                    "rule": ",".join(rule),
                    "value": strict_json.dumps(shown),
                    "record_id": record["id"],
                }
            )
    return found


def customer_of(definition: FormDefinition, values: Mapping[str, Any]) -> str | None:
    """The customer that a record is about, if it is about one."""
    for one in definition.of_type("relation"):
        if one.settings["form"] == _CUSTOMER and values.get(one.key):
            return str(values[one.key])
    return None


def facts_of(form: str, work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of a record of a form."""
    shelf = record_search.shelf_of(form_of(work, form))
    return records.facts_of(work, shelf, key)


def _found(
    work: UnitOfWork, received: Mapping[str, Any], *, locked: bool = False, deleted: bool = False
) -> tuple[Form, record_search.Shelf, dict[str, Any]]:
    form = form_of(work, received["form"])
    shelf = record_search.shelf_of(form)
    record = records.find(work, shelf, received["record_id"], locked=locked, deleted=deleted)
    if record is None:
        raise NotFound("记录不存在", code="record_not_found")
    return form, shelf, record


def _check_version(record: Mapping[str, Any], asked: int | None) -> None:
    if asked not in (None, record["version"]):
        raise Conflict("记录已被他人修改, 请刷新后再试", code="stale_version", version=record["version"])


def _stamp(work: UnitOfWork, record: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": record["version"] + 1, "updated_at": work.now, "updated_by": work.caller.actor}


def _write(work: UnitOfWork, definition: FormDefinition, record: Mapping[str, Any]) -> None:
    names = ("fields", "form_version", "version", "updated_at", "updated_by")
    values = {name: record[name] for name in names}
    words = records.words_for(definition, record["fields"])
    records.change(work, record["form"], record["id"], {**values, "words": words})


def blank_record(form: Form, caller: Caller, now: datetime) -> dict[str, Any]:
    """A new record without values."""
    return {
        "form": form.definition.key,
        "id": new_id(),
        "form_version": form.definition.version,
        "fields": {},
        "department": caller.department,
        "version": 1,
        "created_at": now,
        "created_by": caller.actor,
        "updated_at": now,
        "updated_by": caller.actor,
        "deleted_at": None,
    }


def history_line(record: Mapping[str, Any], action: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """What was changed of a record, by whom and when its stamp says."""
    return {
        "record_id": record["id"],
        "version": record["version"],
        "form_version": record["form_version"],
        "action": action,
        "changes": changes,
        "changed_at": record["updated_at"],
        "changed_by": record["updated_by"],
    }
