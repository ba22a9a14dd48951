"""Saved views: a filter, an order and the columns that somebody looks at the records of a form with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.application.store import record_search, views
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Forbidden, Invalid, NotFound
from services.common.field_rights import require_seen
from services.common.forms import designing
from services.common.forms.rights import resource_key
from services.common.ids import new_id

SHARING = "forms.write"


def save_view(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Save a view under its name; the same name again replaces one's own.

    `Invalid` for a filter or a column that the form does not have, `Forbidden` for sharing without the
    right to design forms, or for a field that one does not see.
    """
    form = designing.newest_form(work, received["form"])
    if received["shared"] and not work.caller.can(SHARING):
        raise Forbidden(f"共享视图需要权限 {SHARING}", code="forbidden", permission=SHARING)
    names = [name.removeprefix("fields.") for name in received["columns"]]
    unknown = [name for name in names if form.definition.field(name) is None and name not in views.CORE]
    if unknown:
        error = {"field": "columns", "code": "unknown_field", "message": f"未知字段 {unknown[0]}"}
        raise Invalid(f"未知字段 {unknown[0]}", code="invalid", errors=[error])
    reads = list(names)
    if received["filter"]:
        reads += record_search.check_filter(record_search.shelf_of(form), received["filter"]).reads
    require_seen(work.caller, resource_key(form.definition.key), [one.partition(".")[0] for one in reads])
    known = views.find_own(work, received["form"], received["name"])
    if known is not None and received.get("version") not in (None, known["version"]):
        raise Conflict("视图已被修改, 请刷新后再试", code="stale_version", version=known["version"])
    row = {name: received[name] for name in ("form", "name", "shared", "filter", "sort", "columns")}
    stamp = {"owner": work.caller.actor, "updated_at": work.now}
    identity = known["id"] if known else new_id()
    version = known["version"] + 1 if known else 1
    saved = {**row, **stamp, "id": identity, "version": version}
    views.save(work, saved)
    return saved


def list_views(work: UnitOfWork, form: str) -> dict[str, Any]:
    """One's own views and those that are shared."""
    designing.newest_form(work, form)
    return {"items": views.listed(work, form), "next": None}


def delete_view(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Remove one of one's own views."""
    if not views.delete_own(work, received["form"], received["view_id"]):
        raise NotFound("没有这个视图", code="view_not_found")
    return {"id": received["view_id"], "deleted": True}
