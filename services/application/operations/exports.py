"""Records as a table: the columns that somebody may see, and a page of rows as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.application.operations import records as operations
from services.application.operations.imports import naming_fields
from services.application.store import record_search, records, views
from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.field_rights import is_hidden, only_seen
from services.common.forms import Form, FormField, designing, type_of
from services.common.forms.cells import instant_cell, write_cell
from services.common.forms.rights import CORE, resource_key
from services.common.forms.types.choices import split_items

_CUSTOMER = "customer"


def columns(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """What an export shows, and how: `{"columns": [{"path", "label"}], "filter", "sort"}`.

    Of a saved view its columns, filter and order, where nothing else is asked for. Columns of fields that
    are hidden from the caller are not there.
    """
    form = operations.form_of(work, received["form"])
    view = _view(work, received)
    listed = [(f"fields.{one.key}", one.label["zh"]) for one in form.definition.fields if _is_shown(one)]
    known = dict(
        [*listed, ("id", "记录 id"), ("version", "版本"), *((one.key, one.label_zh) for one in CORE)]
    )
    wanted = list(known)
    if view.get("columns"):
        named = (name if name in known else f"fields.{name}" for name in view["columns"])
        wanted = [name for name in named if name in known]
    resource = resource_key(form.definition.key)
    shown = [path for path in wanted if not is_hidden(work.caller, resource, path)]
    return {
        "columns": [{"path": path, "label": known[path]} for path in shown],
        "filter": view.get("filter"),
        "sort": view.get("sort"),
    }


def _is_shown(one: FormField) -> bool:
    return type_of(one).has_value or one.type == "rollup"


def _view(work: UnitOfWork, received: Mapping[str, Any]) -> Mapping[str, Any]:
    if received.get("view") is None:
        return {}
    found = [one for one in views.listed(work, received["form"]) if one["id"] == received["view"]]
    if not found:
        raise NotFound("没有这个视图", code="view_not_found")
    return found[0]


def page(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of records as texts, by the scope of reading: `{"items": [{"id", "fields": {...}, …}], "next"}`.

    Whoever asks by filter or order for what they do not see is refused as a list refuses them. Customers that
    are pointed to stand there by their ids, in the fields `of_customers`.
    """
    form = operations.form_of(work, received["form"])
    read = f"{resource_key(form.definition.key)}.read"
    work.caller.require(read)
    work.right = read
    found = operations.list_records(work, received)
    named = _names(work, form, found["items"])
    items = [_texts(form, row, named, work.timezone) for row in found["items"]]
    of_customers = [
        one.key
        for one in form.definition.of_type("relation", "relations")
        if one.settings["form"] == _CUSTOMER
    ]
    return {"items": items, "next": found["next"], "of_customers": of_customers}


def customers_in(found: Mapping[str, Any]) -> list[str]:
    """The ids of the customers that a page points to."""
    cells = (row["fields"].get(key, "") for row in found["items"] for key in found["of_customers"])
    return sorted({one for cell in cells for one in split_items(cell)})


def with_customers(found: Mapping[str, Any], codes: Mapping[str, str]) -> dict[str, Any]:
    """The page with the codes of customers in the place of their ids, as far as they are known."""
    for row in found["items"]:
        for key in found["of_customers"]:
            if key in row["fields"]:
                row["fields"][key] = _named(split_items(row["fields"][key]), codes)
    return {"items": found["items"], "next": found["next"]}


def _texts(
    form: Form, row: Mapping[str, Any], named: Mapping[str, Mapping[str, str]], zone: str
) -> dict[str, Any]:
    texts = {}
    for key, value in row["fields"].items():
        one = form.definition.by_key[key]
        texts[key] = _named(value, named[key]) if key in named else write_cell(value, one, zone)
    stamps = {name: instant_cell(row[name], zone) for name in ("created_at", "updated_at")}
    plain = {name: row[name] for name in ("id", "version", "department", "created_by", "updated_by")}
    return {**plain, **stamps, "fields": texts}


def _named(value: Any, names: Mapping[str, str]) -> str:
    ids = value if isinstance(value, list) else [value]
    return "、".join(names.get(str(one), str(one)) for one in ids if one is not None)


def _names(work: UnitOfWork, form: Form, items: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """By relation: what the records that are pointed to are called, which an import finds them by again."""
    found = {}
    for one in form.definition.of_type("relation", "relations"):
        ids = {each for row in items for each in split_items(_named(row["fields"].get(one.key), {})) if each}
        at_home = one.settings["form"] == _CUSTOMER
        found[one.key] = {} if at_home else _records_named(work, one, sorted(ids))
    return found


def _records_named(work: UnitOfWork, one: FormField, ids: list[str]) -> dict[str, str]:
    right = f"{resource_key(one.settings['form'])}.read"
    if not ids or not work.caller.can(right):
        return {}
    form = designing.newest_form(work, one.settings["form"])
    shelf = record_search.shelf_of(form)
    wanted = [found for found in map(operations.as_id, ids) if found is not None]
    named = {}
    for row in records.find_related(work, shelf, right, wanted):
        seen = only_seen(work.caller, right, row).get("fields") or {}
        names = [seen.get(field.key) for field in naming_fields(form.definition)]
        name = next((each for each in names if isinstance(each, str)), None)
        if name is not None:
            named[str(row["id"])] = name
    return named
