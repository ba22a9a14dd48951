"""Designing forms, in whichever service keeps them: drafts, publishing, versions, and trying one out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from services.common import strict_json
from services.common.db import UnitOfWork
from services.common.duties import require_other_author
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.forms import store
from services.common.forms.definition import FormDefinition, read_definition, refused
from services.common.forms.texts import fault
from services.common.forms.values import Form, Surroundings, compile_form, settle_values

# How many records hold something under each of these fields.
Count = Callable[[UnitOfWork, str, Sequence[str]], Mapping[str, int]]
# Refuses a definition for what only the service that keeps the form can know.
Check = Callable[[UnitOfWork, FormDefinition], None]
_RECORDS_ONLY = frozenset({"relation", "relations", "lookup", "rollup", "auto_number"})
_COMPILED_MAX = 256
# By the engine of their database.
_compiled: WeakKeyDictionary[Any, dict[tuple[str, int, datetime], Form]] = WeakKeyDictionary()
# What an answer adds to a definition; whoever sends a whole answer back changes none of it.
SHOWN = ("version", "published_at", "published_by", "revision", "author", "state", "updated_at", "warnings")


def create_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A new form as a draft. `Invalid` names every fault, `Conflict` a key that is taken."""
    definition = _checked(received)
    key = definition["key"]
    row = {
        "key": key,
        "definition": definition,
        "revision": 1,
        "author": work.caller.actor,
        "updated_at": work.now,
    }
    if store.published(work, key) is not None or not store.add_draft(work, row):
        raise Conflict(f"表单 {key} 已存在", code="form_taken")
    return _told(work, "form_drafted", key)


def save_form(work: UnitOfWork, key: str, received: Mapping[str, Any], count: Count) -> dict[str, Any]:
    """Change a form's draft, or begin one on what is published; tells what publishing it would warn of.

    `Conflict` for a `revision` that is not the draft's any more.
    """
    definition = _checked({**received, "key": received.get("key", key)})
    if definition["key"] != key:
        raise invalid_field("key", "key_fixed", "表单的标识不能修改")
    known = store.draft(work, key, locked=True)
    stamp = {"definition": definition, "author": work.caller.actor, "updated_at": work.now}
    if known is None:
        if store.published(work, key) is None:
            raise _missing(key)
        if not store.add_draft(work, {"key": key, "revision": 1, **stamp}):
            raise Conflict("表单刚被他人修改, 请刷新后再试", code="stale_version")
    else:
        _require_revision(known, received.get("revision"))
        store.change_draft(work, key, {**stamp, "revision": known["revision"] + 1})
    return {**_told(work, "form_drafted", key), "warnings": warnings(work, key, definition, count)}


def publish_form(
    work: UnitOfWork, key: str, received: Mapping[str, Any], count: Count, check: Check | None = None
) -> dict[str, Any]:
    """Put a draft in force as a new version, for ever; answers it with its warnings.

    `check` sees the very draft that is published, under its lock. With `dry_run` nothing is published. Data
    of fields that are gone or have another type stay as they are.
    """
    draft = store.draft(work, key, locked=True)
    newest = store.published(work, key)
    if draft is None:
        if newest is None:
            raise _missing(key)
        raise Conflict("没有待发布的修改", code="nothing_to_publish", version=newest["version"])
    _require_revision(draft, received.get("revision"))
    require_other_author(work.caller, draft["author"])
    version = (newest["version"] if newest else 0) + 1
    definition = compile_form(draft["definition"], version).definition
    if check is not None:
        check(work, definition)
    warned = warnings(work, key, draft["definition"], count)
    if received.get("dry_run"):
        return {**form_view(draft, newest), "warnings": warned}
    if newest is not None and newest["definition"] == draft["definition"]:
        raise Conflict("没有待发布的修改", code="nothing_to_publish", version=newest["version"])
    store.add_version(
        work,
        {
            "key": key,
            "version": version,
            "definition": draft["definition"],
            "published_at": work.now,
            "published_by": work.caller.actor,
        },
    )
    return {**_told(work, "form_published", key), "warnings": warned}


def warnings(work: UnitOfWork, key: str, draft: Mapping[str, Any], count: Count) -> list[dict[str, Any]]:
    """The fields with data that a draft takes away or gives another type, and in how many records."""
    newest = store.published(work, key)
    if newest is None:
        return []
    after = read_definition(draft, 0)
    touched: dict[str, str] = {}
    for one in read_definition(newest["definition"], newest["version"]).holding:
        now = after.field(one.key)
        if now is None:
            touched[one.key] = "field_removed"
        elif now.type != one.type:
            touched[one.key] = "field_retyped"
    counted = count(work, key, list(touched)) if touched else {}
    words = {"field_removed": ("已删除", "is removed"), "field_retyped": ("类型已改变", "has another type")}
    return [
        {
            "field": name,
            "code": code,
            "records": counted[name],
            "message": f"字段 {name} {words[code][0]}, {counted[name]} 条记录中有它的数据, 数据会保留",
            "message_en": f"field {name} {words[code][1]}; {counted[name]} records hold it and keep it",
        }
        for name, code in touched.items()
        if counted.get(name)
    ]


def require_plain(received: Mapping[str, Any]) -> None:
    """`Invalid` for what a form beside typed columns does not have: relations, numbers, unique fields."""
    definition = compile_form(_plain(received), 0).definition
    faults = []
    for place, one in enumerate(definition.fields):
        if one.type in _RECORDS_ONLY:
            faults.append(fault("not_here", f"fields.{place}.type", what=one.type))
        if one.unique:
            faults.append(fault("not_here", f"fields.{place}.unique", what="unique"))
    if definition.unique:
        faults.append(fault("not_here", "unique", what="unique"))
    if faults:
        raise refused(faults)


def get_form(
    work: UnitOfWork, key: str, version: int | None = None, *, draft: bool = False
) -> dict[str, Any]:
    """A form as it is published, a version of it, or its draft where that is asked for or all there is."""
    newest = store.published(work, key, version)
    known = store.draft(work, key)
    if version is not None and newest is None:
        raise NotFound("没有这个版本", code="form_version_not_found")
    if newest is None and known is None:
        raise _missing(key)
    view = form_view(known, newest)
    shown = known if known and (draft or newest is None) else newest
    return {**view, **(shown or {})["definition"]}


def list_forms(work: UnitOfWork) -> list[dict[str, Any]]:
    """Every form: as it is published, else its draft."""
    drafts = {row["key"]: row for row in store.all_drafts(work)}
    published = {row["key"]: row for row in store.all_published(work)}
    return [
        {
            **form_view(drafts.get(key), published.get(key)),
            **(published.get(key) or drafts[key])["definition"],
        }
        for key in sorted(drafts.keys() | published.keys())
    ]


def list_versions(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Every published version of a form, the newest first."""
    found = store.versions_of(work, key)
    if not found and store.draft(work, key) is None:
        raise _missing(key)
    names = ("version", "published_at", "published_by")
    items = [{**row["definition"], **{name: row[name] for name in names}} for row in found]
    return {"items": items, "next": None}


def form_view(draft: Mapping[str, Any] | None, newest: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is told of a form besides its definition; version 0 is one that is not published yet."""
    is_changed = draft is not None and (newest is None or draft["definition"] != newest["definition"])
    return {
        "version": newest["version"] if newest else 0,
        "published_at": newest["published_at"] if newest else None,
        "published_by": newest["published_by"] if newest else None,
        "revision": draft["revision"] if draft else None,
        "author": draft["author"] if draft else None,
        "state": "published" if not is_changed else "changed" if newest else "draft",
    }


def newest_form(work: UnitOfWork, key: str) -> Form:
    """The form in force, compiled; `NotFound` where nothing is published."""

    found: Form = work.remembered(("form", key), lambda: _newest(work, key))
    return found


def _newest(work: UnitOfWork, key: str) -> Form:
    """The form in force; a version never changes, so its definition is read and compiled once a process."""
    stamp = store.newest_stamp(work, key)
    if stamp is None:
        raise _missing(key)
    known = _compiled.setdefault(work.connection.engine, {})
    # With its instant: a version that was rolled back may come again as another.
    form = known.get((key, *stamp))
    if form is None:
        row = store.published(work, key, stamp[0])
        if row is None:
            raise _missing(key)
        form = known[(key, *stamp)] = compile_form(row["definition"], row["version"])
        if len(known) > _COMPILED_MAX:
            del known[next(iter(known))]
    return form


def evaluate_form(
    form: Form,
    received: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    around: Surroundings,
) -> dict[str, Any]:
    """How a form stands with these values: computed, linked and checked; nothing is written."""
    found = settle_values(form, received.get("fields") or {}, before, around)
    return {
        "fields": found.values,
        "hidden": sorted(found.hidden),
        "required": sorted(found.required),
        "options": {key: list(options) for key, options in found.options.items()},
        "errors": found.errors,
    }


def _checked(received: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as it is stored; `Invalid` names every fault."""
    plain = _plain(received)
    compile_form(plain, 0)
    return plain


def _plain(received: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = strict_json.to_plain(
        {name: value for name, value in received.items() if name not in SHOWN}
    )
    return plain


def _told(work: UnitOfWork, event: str, key: str) -> dict[str, Any]:
    answer = get_form(work, key, draft=event == "form_drafted")
    definition = {name: value for name, value in answer.items() if name not in SHOWN}
    data = {"form": {"id": key, "version": answer["version"], "definition": definition}}
    work.add_event(event, subject=key, data=data)
    return answer


def _require_revision(draft: Mapping[str, Any], asked: Any) -> None:
    if asked not in (None, draft["revision"]):
        raise Conflict("表单刚被他人修改, 请刷新后再试", code="stale_version", revision=draft["revision"])


def _missing(key: str) -> NotFound:
    return NotFound("表单不存在", code="form_not_found", form=key[:60])
