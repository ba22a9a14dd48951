"""Elements that hold no value: groups, tabs, columns, dividers and notes."""

from __future__ import annotations

from typing import Any

import marshmallow
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import refuse
from services.common.forms.types.base import FieldType, FormField, Label, register

_CHILDREN_MAX = 300


def _children() -> Any:
    return marshmallow.fields.List(
        fields.TextField(max_length=50), load_default=list, validate=validate.Length(max=_CHILDREN_MAX)
    )


class GroupSettings(fields.StrictSchema):
    """The keys of what stands in it."""

    children = _children()
    collapsed = fields.FlagField(load_default=False)


class _Tab(fields.StrictSchema):
    label = marshmallow.fields.Nested(Label, required=True)
    children = _children()


class TabsSettings(fields.StrictSchema):
    """Its tabs, each with the keys of what stands in it."""

    tabs = marshmallow.fields.List(
        marshmallow.fields.Nested(_Tab), required=True, validate=validate.Length(min=1, max=20)
    )


class ColumnsSettings(fields.StrictSchema):
    """The keys of what stands in each column."""

    columns = marshmallow.fields.List(_children(), required=True, validate=validate.Length(min=2, max=4))


class NoteSettings(fields.StrictSchema):
    """What the note says."""

    text = fields.TextField(max_length=5_000, multiline=True, required=True)


class _Element(FieldType):
    family = "layout"
    why_not_written = "no_value"
    stores, text_format, can_be_unique = "nothing", "", False
    fits_sub_tables = False

    def read(self, value: Any, field: FormField) -> Any:
        """It has no value."""
        raise refuse("no_value")


@register
class Group(_Element):
    """Fields under a heading."""

    key, zh, en = "group", "分组", "Group"
    settings = GroupSettings


@register
class Tabs(_Element):
    """Fields on tabs."""

    key, zh, en = "tabs", "标签页", "Tabs"
    settings = TabsSettings


@register
class Columns(_Element):
    """Fields side by side."""

    key, zh, en = "columns", "多列", "Columns"
    settings = ColumnsSettings


@register
class Divider(_Element):
    """A line."""

    key, zh, en = "divider", "分割线", "Divider"


@register
class Note(_Element):
    """A text for whoever fills in the form."""

    key, zh, en = "note", "说明文字", "Note"
    settings = NoteSettings


def children_of(field: FormField) -> list[str]:
    """The keys that a layout element speaks of."""
    settings = field.settings
    found = list(settings.get("children") or ())
    for tab in settings.get("tabs") or ():
        found += tab["children"]
    for column in settings.get("columns") or ():
        found += column
    return found
