"""Designing the forms that this service keeps, and the places for their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.application.rights import FORM as APPLICATION
from services.application.store import count_with as count_applications
from services.application.store import partitions, records
from services.common.db import UnitOfWork
from services.common.errors import invalid_field
from services.common.forms import FormDefinition, compile_form, designing, files, store
from services.common.forms.definition import refused
from services.common.forms.texts import fault

# Kept by another service.
_ELSEWHERE = frozenset({"customer"})


def create_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A new form as a draft."""
    if received.get("key") in _ELSEWHERE:
        raise invalid_field("key", "form_taken", "该标识已被内置表单使用")
    if received.get("key") == APPLICATION:
        designing.require_plain(received)
    return designing.create_form(work, received)


def save_form(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a form's draft."""
    if key == APPLICATION:
        designing.require_plain(received)
    return designing.save_form(work, key, received, _count)


def publish_form(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Put a draft in force; the first time, make the place where its records lie."""
    answer = designing.publish_form(work, key, received, _count, _check_targets)
    if not received.get("dry_run") and answer["version"] == 1 and key != APPLICATION:
        partitions.make_partition(work, key)
    return answer


def published_definitions(work: UnitOfWork) -> dict[str, FormDefinition]:
    """The newest definition of every form that is published."""
    rows = store.all_published(work)
    return {
        row["key"]: compile_form(row["definition"], row["version"]).definition
        for row in rows
        if row["key"] != APPLICATION
    }


def _count(work: UnitOfWork, key: str, fields: Sequence[str]) -> Mapping[str, int]:
    if key == APPLICATION:
        return count_applications(work, fields)
    return records.count_with(work, key, fields)


def _check_targets(work: UnitOfWork, definition: FormDefinition) -> None:
    """`Invalid` for a relation or roll-up to a form that is not published."""
    faults = []
    for place, one in enumerate(definition.fields):
        target = one.settings.get("form")
        known = target in (None, definition.key) or (one.type != "rollup" and target in _ELSEWHERE)
        if not known and store.published(work, str(target)) is None:
            faults.append(fault("form_missing", f"fields.{place}.form", key=target))
        elif one.type == "rollup" and _is_late(work, definition, one.settings):
            faults.append(fault("field_unfit", f"fields.{place}.field", key=one.settings["field"]))
    if faults:
        raise refused(faults)


def _is_late(work: UnitOfWork, definition: FormDefinition, settings: Mapping[str, Any]) -> bool:
    """Whether a roll-up adds up what no record keeps: a formula over a roll-up."""
    own = settings["form"] == definition.key
    target = definition if own else designing.newest_form(work, settings["form"]).definition
    field = target.field(settings["field"] or "")
    return field is not None and field.late


def get_file_room(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """What a field of a form takes."""
    return files.room_for(designing.newest_form(work, received["form"]).definition, received["field"])


def add_file(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Register a stored file for a field."""
    return files.add_file(work, designing.newest_form(work, received["form"]).definition, received)


def get_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A form, one of its versions, or its draft."""
    return designing.get_form(work, received["key"], received["version"], draft=received["draft"])


def list_forms(work: UnitOfWork) -> dict[str, Any]:
    """Every form."""
    return {"items": designing.list_forms(work), "next": None}


def list_versions(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Every version of a form."""
    return designing.list_versions(work, key)
