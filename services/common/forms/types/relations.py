"""Relations to other records, look-ups through them, and roll-ups of those that point here."""

from __future__ import annotations

from typing import Any

import marshmallow
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import Fault, fault, refuse
from services.common.forms.types.base import (
    Counted,
    FieldType,
    FormField,
    limits_check,
    read_each,
    read_list,
    register,
)
from services.common.forms.types.choices import split_items

_ID = fields.IdField()
AGGREGATES = ("count", "sum", "avg", "min", "max")


class _Prefill(fields.StrictSchema):
    """What a chosen record brings in: its field `source` into this form's field `target`."""

    source = fields.TextField(max_length=100, required=True)
    target = fields.TextField(max_length=50, required=True)


class RelationSettings(fields.StrictSchema):
    """The form that is pointed to, and what choosing a record brings in."""

    form = fields.TextField(max_length=50, required=True)
    prefill = marshmallow.fields.List(
        marshmallow.fields.Nested(_Prefill), load_default=list, validate=validate.Length(max=50)
    )


class RelationsSettings(Counted):
    """The same of many records, of which nothing is brought in."""

    form = fields.TextField(max_length=50, required=True)


class LookupSettings(fields.StrictSchema):
    """`field` of the record that `relation` points to; `as_type` is what expressions take it for."""

    relation = fields.TextField(max_length=50, required=True)
    field = fields.TextField(max_length=100, required=True)
    as_type = fields.TextField(
        load_default="text", validate=validate.OneOf(["text", "number", "date", "bool"])
    )


class RollupSettings(fields.StrictSchema):
    """Over the records of `form` whose relation `relation` points here: an aggregate of `field`."""

    form = fields.TextField(max_length=50, required=True)
    relation = fields.TextField(max_length=50, required=True)
    aggregate = fields.TextField(required=True, validate=validate.OneOf(AGGREGATES))
    field = fields.TextField(max_length=50, load_default=None, allow_none=True)


def _id(value: Any) -> str:
    return str(fields.read_by(_ID, value))


@register
class Relation(FieldType):
    """One record of another form, or a customer or application."""

    key, zh, en, family = "relation", "关联记录", "Relation", "relation"
    settings = RelationSettings
    text_format = "id"
    fits_sub_tables = False

    def read(self, value: Any, field: FormField) -> str:
        """The id of the record."""
        return _id(value)


@register
class Relations(FieldType):
    """Many records."""

    key, zh, en, family = "relations", "关联多条", "Relations", "relation"
    settings = RelationsSettings
    stores, text_format, can_be_unique = "list", "id、id", False
    fits_sub_tables = False

    def expression_type(self, field: FormField) -> Any:
        """A list of ids."""
        return ["text"]

    def read(self, value: Any, field: FormField) -> list[str]:
        """Their ids, each once."""
        items = read_list(value, field.settings["items_min"], field.settings["items_max"])
        return list(dict.fromkeys(read_each(items, _id)))

    def to_text(self, value: Any, field: FormField) -> str:
        """The ids."""
        return "、".join(value or ())

    def from_text(self, text: str, field: FormField) -> Any:
        """The ids."""
        return split_items(text)

    def check(self, field: FormField) -> list[Fault]:
        """Its numbers of items are a range."""
        return limits_check(field, "items_min", "items_max")


class _Derived(FieldType):
    family = "relation"
    is_computed = True
    why_not_written = "computed"
    can_be_unique = False
    fits_sub_tables = False

    def read(self, value: Any, field: FormField) -> Any:
        """Nobody writes it."""
        raise refuse("computed")


@register
class Lookup(_Derived):
    """A field of the record that a relation points to, as it stood when this record was written."""

    key, zh, en = "lookup", "他表字段", "Lookup"
    settings = LookupSettings

    def expression_type(self, field: FormField) -> Any:
        """What the settings say."""
        return field.settings["as_type"]


@register
class Rollup(_Derived):
    """What the records that point here come to, computed whenever it is read."""

    key, zh, en = "rollup", "汇总", "Rollup"
    settings = RollupSettings
    stores = "nothing"
    text_format = "decimal"

    def expression_type(self, field: FormField) -> Any:
        """A number."""
        return "number"

    def check(self, field: FormField) -> list[Fault]:
        """All but a count need a field."""
        if field.settings["aggregate"] != "count" and not field.settings["field"]:
            return [fault("required", "field")]
        return []
