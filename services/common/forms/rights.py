"""What may be allowed on the records of a form that people define: its resource, made of its definition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from services.common import rights
from services.common.errors import MalformedRequest
from services.common.expressions import Field, field
from services.common.expressions.types import declared
from services.common.forms.definition import FormDefinition
from services.common.forms.types import FormField, type_of
from services.common.rights import GuardedField, Resource

PREFIX = "form:"
ACTIONS = ("read", "create", "update", "delete", "import", "export", "share")
# What every record has besides its form's fields, as scopes, filters and sorts may read it.
CORE: tuple[Field, ...] = (
    field("created_by", "text", "创建人", "Created by"),
    field("department", "text", "创建部门", "Department"),
    field("created_at", "datetime", "创建时间", "Created at"),
    field("updated_by", "text", "修改人", "Changed by"),
    field("updated_at", "datetime", "修改时间", "Changed at"),
)
_KEY_LENGTH_MAX = 50


def resource_key(form: str) -> str:
    """The resource of a form's records."""
    return PREFIX + form


def of_records(action: str) -> Any:
    """For an endpoint: the right to an action on the records of the form that the input names."""

    def right(received: Any) -> str:
        form = received.get("form") if isinstance(received, Mapping) else None
        if not isinstance(form, str) or not 0 < len(form) <= _KEY_LENGTH_MAX or "." in form:
            raise MalformedRequest("缺少表单", code="form_missing")
        return f"{PREFIX}{form}.{action}"

    return right


@lru_cache(maxsize=256)
def resource_of_form(key: str, title_zh: str, title_en: str, listed: tuple[Any, ...]) -> Resource:
    """The resource of a form with these fields, see `resource_for`."""
    guarded = tuple(GuardedField(f"fields.{key}", zh, en or key, mask) for key, zh, en, mask, _ in listed)
    core = {one.key for one in CORE} | set(rights.MY_FIELDS)
    scope = rights.scope_fields(
        *CORE,
        *(
            Field(key, declared(kind), zh, en or "")
            for key, zh, en, _, kind in listed
            if kind and key not in core
        ),
    )
    return Resource(
        resource_key(key),
        title_zh,
        title_en,
        rights.actions(*ACTIONS),
        guarded,
        scope,
        whole=("export", "share"),
    )


def resource_for(definition: FormDefinition) -> Resource:
    """The resource of a form: its buttons, each of its fields, and what its scopes may read."""
    listed = tuple(
        (one.key, one.label["zh"], one.label.get("en"), type_of(one).mask, _scalar(one))
        for one in definition.fields
        if type_of(one).family != "layout"
    )
    return resource_of_form(
        definition.key, definition.title["zh"], definition.title.get("en") or definition.key, listed
    )


def _scalar(one: FormField) -> str:
    kind = type_of(one).expression_type(one)
    if not type_of(one).has_value or one.late:
        return ""
    return kind if isinstance(kind, str) and kind != "any" else ""
