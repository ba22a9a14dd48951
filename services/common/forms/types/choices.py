"""What is chosen: one or several options, a path through a tree, yes or no, tags, a colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import marshmallow
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import Fault, fault, refuse
from services.common.forms.types.base import (
    Counted,
    FieldType,
    FormField,
    Label,
    limits_check,
    read_each,
    read_list,
    register,
)

OPTIONS_MAX = 500
_TREE_DEPTH_MAX = 6
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_YES = frozenset({"true", "是", "1", "yes", "y"})
_NO = frozenset({"false", "否", "0", "no", "n"})
_FLAG = fields.FlagField()
_TAG = fields.TextField(max_length=50)


class Option(fields.StrictSchema):
    """A choice: its value in the record, and its label."""

    value = fields.TextField(max_length=50, required=True)
    label = marshmallow.fields.Nested(Label, required=True)
    colour = fields.TextField(max_length=20)


class _Linked(fields.StrictSchema):
    """Which of the options there are as long as a condition holds."""

    when = fields.TextField(max_length=10_000, multiline=True, required=True)
    options = marshmallow.fields.List(fields.TextField(max_length=50), required=True)


class ChoiceSettings(fields.StrictSchema):
    """The options; of `options_when` the first whose condition holds says which of them there are."""

    options = marshmallow.fields.List(
        marshmallow.fields.Nested(Option), load_default=list, validate=validate.Length(max=OPTIONS_MAX)
    )
    options_when = marshmallow.fields.List(
        marshmallow.fields.Nested(_Linked), load_default=list, validate=validate.Length(max=100)
    )


class ChoicesSettings(ChoiceSettings, Counted):
    """The same of several choices."""


class TreeOption(Option):
    """A choice with those below it."""

    children = marshmallow.fields.List(marshmallow.fields.Nested(lambda: TreeOption()), load_default=list)


class CascaderSettings(fields.StrictSchema):
    """A tree of options; `leaves_only` asks for the whole path."""

    options = marshmallow.fields.List(
        marshmallow.fields.Nested(TreeOption), load_default=list, validate=validate.Length(max=OPTIONS_MAX)
    )
    leaves_only = fields.FlagField(load_default=True)


def _one_of(value: Any, field: FormField) -> str:
    if not isinstance(value, str) or value not in field.choices:
        raise refuse("not_a_choice")
    return value


def _twice(values: Iterable[str]) -> bool:
    listed = list(values)
    return len(set(listed)) != len(listed)


class _Choice(FieldType):
    family = "choice"
    settings: ClassVar[type[fields.StrictSchema]] = ChoiceSettings
    text_format = "label"

    def check(self, field: FormField) -> list[Fault]:
        """There are options, each once, and linkage names them."""
        if not field.choices:
            return [fault("options", "options")]
        found = [fault("options_twice", "options")] if _twice(field.choices) else []
        for place, linked in enumerate(field.settings.get("options_when") or ()):
            if set(linked["options"]) - set(field.choices):
                found.append(fault("not_a_choice", f"options_when.{place}.options"))
        return found

    def label_of(self, value: Any, field: FormField) -> str:
        """The label of a choice; one that is no option any more is shown as it is."""
        return next((one["label"]["zh"] for one in field.options if one["value"] == value), str(value))

    def value_of(self, text: str, field: FormField) -> str:
        """The choice with this label, or this value."""
        plain = text.strip()
        return next((one["value"] for one in field.options if one["label"]["zh"] == plain), plain)


@register
class Select(_Choice):
    """One of the options, from a list that opens."""

    key, zh, en = "select", "下拉单选", "Select"

    def read(self, value: Any, field: FormField) -> str:
        """The value of an option."""
        return _one_of(value, field)

    def to_text(self, value: Any, field: FormField) -> str:
        """Its label."""
        return "" if value is None else self.label_of(value, field)

    def from_text(self, text: str, field: FormField) -> Any:
        """Its label or its value."""
        return self.value_of(text, field)


@register
class Radio(Select):
    """One of the options, all of which are seen."""

    key, zh, en = "radio", "单选框", "Radio buttons"


@register
class MultiSelect(_Choice):
    """Several of the options, from a list that opens."""

    key, zh, en = "multi_select", "下拉多选", "Multi-select"
    settings = ChoicesSettings
    stores, text_format, can_be_unique = "list", "label、label", False

    def expression_type(self, field: FormField) -> Any:
        """A list of texts."""
        return ["text"]

    def read(self, value: Any, field: FormField) -> list[str]:
        """The values of options, each once."""
        items = read_list(value, field.settings["items_min"], field.settings["items_max"])
        found = read_each(items, lambda item: _one_of(item, field))
        if _twice(found):
            raise refuse("choice_twice")
        return found

    def to_text(self, value: Any, field: FormField) -> str:
        """Their labels."""
        return "、".join(self.label_of(one, field) for one in value or ())

    def from_text(self, text: str, field: FormField) -> Any:
        """Their labels or values, with 、 , ; or a bar between."""
        return [self.value_of(part, field) for part in split_items(text)]

    def check(self, field: FormField) -> list[Fault]:
        """Its numbers of items are a range as well."""
        return [*super().check(field), *limits_check(field, "items_min", "items_max")]


@register
class CheckboxGroup(MultiSelect):
    """Several of the options, all of which are seen."""

    key, zh, en = "checkbox_group", "复选框组", "Checkboxes"


@register
class Switch(FieldType):
    """Yes or no."""

    key, zh, en, family = "switch", "开关", "Switch", "choice"
    stores, text_format, can_be_unique = "bool", "是/否", False

    def read(self, value: Any, field: FormField) -> bool:
        """A JSON boolean."""
        return bool(fields.read_by(_FLAG, value))

    def to_text(self, value: Any, field: FormField) -> str:
        """是 or 否."""
        return "" if value is None else ("是" if value else "否")

    def from_text(self, text: str, field: FormField) -> Any:
        """是, 否, true, false, 1, 0, yes, no."""
        plain = text.strip().lower()
        return True if plain in _YES else False if plain in _NO else text


@register
class Cascader(FieldType):
    """A path through a tree of options."""

    key, zh, en, family = "cascader", "级联选择", "Cascader", "choice"
    settings = CascaderSettings
    stores, text_format, can_be_unique = "list", "label/label", False

    def expression_type(self, field: FormField) -> Any:
        """The values on the path."""
        return ["text"]

    def read(self, value: Any, field: FormField) -> list[str]:
        """The values from the top down."""
        below: Iterable[Mapping[str, Any]] = field.options
        for item in read_list(value, 1, _TREE_DEPTH_MAX):
            found = next((option for option in below if option["value"] == item), None)
            if found is None:
                raise refuse("not_a_choice")
            below = found["children"]
        if below and field.settings["leaves_only"]:
            raise refuse("not_a_choice")
        return list(value)

    def to_text(self, value: Any, field: FormField) -> str:
        """The labels on the path."""
        below: Iterable[Mapping[str, Any]] = field.options
        labels = []
        for item in value or ():
            found = next((option for option in below if option["value"] == item), None)
            labels.append(found["label"]["zh"] if found else str(item))
            below = found["children"] if found else ()
        return "/".join(labels)

    def from_text(self, text: str, field: FormField) -> Any:
        """The labels, or values, with slashes between."""
        below: Iterable[Mapping[str, Any]] = field.options
        path = []
        for part in text.split("/"):
            plain = part.strip()
            found = next((one for one in below if plain in (one["value"], one["label"]["zh"])), None)
            path.append(found["value"] if found else plain)
            below = found["children"] if found else ()
        return path

    def check(self, field: FormField) -> list[Fault]:
        """There are options, each once among its siblings, and not too deep."""
        if not field.options:
            return [fault("options", "options")]
        levels = list(_levels(field.options))
        if any(_twice(one["value"] for one in level) for level, _ in levels):
            return [fault("options_twice", "options")]
        deepest = max(depth for _, depth in levels)
        return [fault("too_many", "options", most=_TREE_DEPTH_MAX)] if deepest > _TREE_DEPTH_MAX else []


def _levels(options: Iterable[Mapping[str, Any]], depth: int = 1) -> Iterator[tuple[list[Any], int]]:
    level = list(options)
    yield level, depth
    for option in level:
        if option["children"]:
            yield from _levels(option["children"], depth + 1)


@register
class Tags(FieldType):
    """Free words."""

    key, zh, en, family = "tags", "标签", "Tags", "choice"
    settings = Counted
    stores, text_format, can_be_unique = "list", "tag、tag", False

    def expression_type(self, field: FormField) -> Any:
        """A list of texts."""
        return ["text"]

    def read(self, value: Any, field: FormField) -> list[str]:
        """Words, each once, in their order."""
        items = read_list(value, field.settings["items_min"], field.settings["items_max"])
        words = read_each(items, lambda item: fields.read_by(_TAG, item))
        return list(dict.fromkeys(words))

    def to_text(self, value: Any, field: FormField) -> str:
        """The words."""
        return "、".join(value or ())

    def from_text(self, text: str, field: FormField) -> Any:
        """The words."""
        return split_items(text)

    def check(self, field: FormField) -> list[Fault]:
        """Its numbers of items are a range."""
        return limits_check(field, "items_min", "items_max")


@register
class Colour(FieldType):
    """A colour."""

    key, zh, en, family = "colour", "颜色", "Colour", "choice"
    text_format, can_be_unique = "#RRGGBB", False

    def read(self, value: Any, field: FormField) -> str:
        """#RRGGBB in capitals."""
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise refuse("colour")
        return value.upper()


def split_items(text: str) -> list[str]:
    """The items of a cell."""
    return [part.strip() for part in re.split(r"[、,,;;|\n]", text) if part.strip()]
