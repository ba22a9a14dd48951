"""A form's definition: its fields, their types and labels, read from JSON and checked before it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow
from marshmallow import validate, validates_schema

from services.common import expressions, fields
from services.common.expressions import Fields

FIELD_TYPES = ("text", "number", "money", "date", "select", "bool", "phone", "email", "uscc")
# What expressions take a field's value for; the others are texts.
_EXPRESSION_TYPES = {"number": "number", "money": "number", "date": "date", "bool": "bool"}
FIELDS_MAX = 300
OPTIONS_MAX = 500
# Letters of any script, digits and underscores; `Meta` would be taken for marshmallow's own.
_KEY = re.compile(r"(?!Meta$)[^\W\d_]\w{0,49}")


@dataclass(frozen=True)
class FormField:
    """One field: its key in the record, its labels, and what it takes."""

    key: str
    label: Mapping[str, str]
    type: str
    required: bool = False
    searchable: bool = False
    options: tuple[Mapping[str, Any], ...] = ()
    max_length: int = 200
    currency: str = "CNY"

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that a select field takes."""
        return tuple(option["value"] for option in self.options)


@dataclass(frozen=True)
class FormDefinition:
    """A published form: its key, its version, and its fields in their order."""

    key: str
    version: int
    title: Mapping[str, str]
    fields: tuple[FormField, ...]

    def field(self, key: str) -> FormField | None:
        """The field with this key, if there is one."""
        return next((field for field in self.fields if field.key == key), None)

    @property
    def catalogue(self) -> Fields:
        """The fields that an expression over a record of this form may read."""
        return Fields(
            {
                field.key: expressions.field(
                    field.key,
                    _EXPRESSION_TYPES.get(field.type, "text"),
                    field.label["zh"],
                    field.label.get("en") or "",
                    field.currency if field.type == "money" else "",
                )
                for field in self.fields
            }
        )


class _Label(fields.StrictSchema):
    zh = fields.TextField(max_length=50, required=True)
    en = fields.TextField(max_length=100, load_default=None, allow_none=True)


class _Option(fields.StrictSchema):
    value = fields.TextField(max_length=50, required=True)
    label = marshmallow.fields.Nested(_Label, required=True)


class _Field(fields.StrictSchema):
    key = fields.TextField(max_length=50, required=True)
    label = marshmallow.fields.Nested(_Label, required=True)
    type = fields.TextField(required=True, validate=validate.OneOf(FIELD_TYPES))
    required = fields.FlagField(load_default=False)
    searchable = fields.FlagField(load_default=False)
    options = marshmallow.fields.List(
        marshmallow.fields.Nested(_Option), load_default=list, validate=validate.Length(max=OPTIONS_MAX)
    )
    max_length = fields.IntegerField(minimum=1, maximum=10_000, load_default=200)
    currency = fields.CurrencyField(load_default="CNY")

    @validates_schema
    def check(self, data: dict[str, Any], **_options: Any) -> None:
        """A key that can stand in a formula, and options exactly where they belong."""
        if not _KEY.fullmatch(data["key"]):
            raise marshmallow.ValidationError(
                [fields.Message("key_malformed", "应以文字开头, 只含文字、数字和下划线")], "key"
            )
        values = [option["value"] for option in data["options"]]
        if (data["type"] == "select") != bool(values):
            raise marshmallow.ValidationError([fields.Message("options", "单选字段需要选项")], "options")
        if len(set(values)) != len(values):
            raise marshmallow.ValidationError([fields.Message("options_twice", "选项重复")], "options")


class DefinitionShape(fields.StrictSchema):
    """The JSON of a definition."""

    key = fields.TextField(max_length=50, required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_-]*\Z"))
    title = marshmallow.fields.Nested(_Label, required=True)
    fields_ = marshmallow.fields.List(
        marshmallow.fields.Nested(_Field),
        data_key="fields",
        required=True,
        validate=validate.Length(max=FIELDS_MAX),
    )

    @validates_schema
    def check(self, data: dict[str, Any], **_options: Any) -> None:
        """Each key once."""
        keys = [field["key"] for field in data["fields_"]]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                message = fields.Message("key_twice", f"字段 {key} 重复")
                raise marshmallow.ValidationError({"fields": {place: {"key": [message]}}})


def read_definition(received: Any, version: int) -> FormDefinition:
    """The definition in received or stored JSON; `Invalid` names every fault in it."""
    loaded = fields.load(DefinitionShape(), received)
    return FormDefinition(
        key=loaded["key"],
        version=version,
        title=loaded["title"],
        fields=tuple(
            FormField(**{**field, "options": tuple(field["options"])}) for field in loaded["fields_"]
        ),
    )
