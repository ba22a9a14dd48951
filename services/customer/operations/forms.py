"""The customer form: designed like every other, kept here beside the typed columns of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common import forms
from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.forms import designing, files
from services.common.scopes import my_values, world_of
from services.customer import store

FORM = "customer"


def save_form(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change the draft of the form."""
    designing.require_plain(received)
    return designing.save_form(work, key, received, store.count_with)


def publish_form(work: UnitOfWork, key: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """Put the draft in force."""
    return designing.publish_form(work, key, received, store.count_with)


def get_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The form, one of its versions, or its draft."""
    return designing.get_form(work, received["key"], received["version"], draft=received["draft"])


def list_forms(work: UnitOfWork) -> dict[str, Any]:
    """The forms that are kept here."""
    return {"items": designing.list_forms(work), "next": None}


def list_versions(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Every version of the form."""
    return designing.list_versions(work, key)


def get_file_room(work: UnitOfWork, path: str) -> dict[str, Any]:
    """What a field of the form takes."""
    return files.room_for(published_form(work).definition, path)


def add_file(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Register a stored file for a field."""
    return files.add_file(work, published_form(work).definition, received)


def published_form(work: UnitOfWork) -> forms.Form:
    """The form in force."""
    return designing.newest_form(work, FORM)


def surroundings(work: UnitOfWork) -> forms.Surroundings:
    """What the values of a customer may depend on: the time, and who asks."""
    return forms.Surroundings(world_of(work), my_values(work.caller))


def evaluate_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """How the form stands with these values, of a new customer or a known one; nothing is written."""
    before = None
    if received["record_id"] is not None:
        row = store.get_customer(work, received["record_id"])
        if row is None:
            raise NotFound("客户不存在", code="customer_not_found")
        before = row["fields"]
    form = published_form(work)
    given = files.described(work, form.definition, received["fields"], received["record_id"])
    return designing.evaluate_form(form, {**received, "fields": given}, before, surroundings(work))
