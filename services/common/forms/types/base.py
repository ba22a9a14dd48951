"""What a field type is: its settings, what it takes, how it is stored, searched, written and masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from marshmallow import ValidationError

from services.common import fields
from services.common.forms.texts import Fault, Refused, fault, faults_of, refuse

# How values lie in the database, and with which operators each can be searched.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": ("=", "<>", "in", "contains", "starts_with", "is_empty"),
    "number": ("=", "<>", "<", "<=", ">", ">=", "in", "is_empty"),
    "date": ("=", "<>", "<", "<=", ">", ">=", "is_empty"),
    "datetime": ("=", "<>", "<", "<=", ">", ">=", "is_empty"),
    "bool": ("=", "is_empty"),
    "list": ("has", "is_empty"),
    "document": ("is_empty",),
    "nothing": (),
}


class NoSettings(fields.StrictSchema):
    """A type without settings of its own."""


class Label(fields.StrictSchema):
    """A name in Chinese and, if there is one, in English."""

    zh = fields.TextField(max_length=50, required=True)
    en = fields.TextField(max_length=100, load_default=None, allow_none=True)


@dataclass(frozen=True)
class FormField:
    """One field of a definition: its key in the record, its labels, and what it takes.

    `settings` are those of its type, loaded; `conditions` are its expressions by their names (`visible_when`,
    `required_when`, `default_formula`, `formula`) as text; `columns` are those of a sub-table.
    """

    key: str
    label: Mapping[str, str]
    type: str
    required: bool = False
    unique: bool = False
    searchable: bool = False
    read_only: bool = False
    default: Any = None
    pattern: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[FormField, ...] = ()
    # A formula that reads a roll-up: computed when it is read, and kept by no record.
    late: bool = False

    @property
    def options(self) -> tuple[Mapping[str, Any], ...]:
        """The options of a field to choose from."""
        return tuple(self.settings.get("options") or ())

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that one may choose."""
        return tuple(option["value"] for option in self.options)

    @property
    def currency(self) -> str:
        """The currency of a field that holds money."""
        return str(self.settings.get("currency") or "")


class FieldType:
    """A type of field; a subclass is registered by `register` and has no state.

    `stores` says how its values lie in the database (a key of `OPERATORS`), `mask` how field rights mask
    them, `text_format` how they are written in imports and exports.
    """

    key: ClassVar[str]
    zh: ClassVar[str]
    en: ClassVar[str]
    family: ClassVar[str] = "text"
    settings: ClassVar[type[fields.StrictSchema]] = NoSettings
    stores: ClassVar[str] = "text"
    mask: ClassVar[str] = "text"
    text_format: ClassVar[str] = "text"
    can_be_unique: ClassVar[bool] = True
    is_computed: ClassVar[bool] = False
    # Why nobody writes it, a code of `texts`; empty where people do.
    why_not_written: ClassVar[str] = ""
    # What stands in a row of a sub-table as well.
    fits_sub_tables: ClassVar[bool] = True

    @property
    def has_value(self) -> bool:
        """Whether a record holds something under its key."""
        return self.stores != "nothing"

    @property
    def can_be_searched(self) -> bool:
        """Whether an index can serve it."""
        return self.stores not in ("document", "nothing")

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of a search."""
        return OPERATORS[self.stores]

    def expression_type(self, field: FormField) -> Any:
        """Its type in expressions, see `expressions.types.declared`."""
        return "text" if self.stores in ("text", "nothing") else self.stores

    def unit(self, field: FormField) -> str:
        """What its numbers count."""
        return ""

    def load(self, value: Any, field: FormField) -> Any:
        """The value in plain JSON as it is stored; `Refused` for what it does not take. Never given null."""
        try:
            return self.read(value, field)
        except ValidationError as problem:
            raise Refused(faults_of(problem)) from problem

    def read(self, value: Any, field: FormField) -> Any:
        """What a subclass takes; it may raise `Refused` or `ValidationError`."""
        raise NotImplementedError

    def unique_form(self, value: Any) -> Any:
        """A stored value as it is compared with others: two that are equal have one form."""
        return value

    def to_text(self, value: Any, field: FormField) -> str:
        """A stored value as an export writes it."""
        return "" if value is None else str(value)

    def from_text(self, text: str, field: FormField) -> Any:
        """What an import hands to `load`, of a text that is not empty."""
        return text

    def check(self, field: FormField) -> list[Fault]:
        """What is wrong with the settings of a field of this type, beyond their shape."""
        return []


TYPES: dict[str, FieldType] = {}
# Names that definitions had before.
ALIASES: Mapping[str, str] = {"bool": "switch"}


def register(kind: type[FieldType]) -> type[FieldType]:
    """Make a type known."""
    TYPES[kind.key] = kind()
    return kind


def type_of(field: FormField) -> FieldType:
    """The type of a field."""
    return TYPES[field.type]


def limits_check(field: FormField, least: str = "minimum", most: str = "maximum") -> list[Fault]:
    """Of two settings that are a range: that it is not empty."""
    low, high = field.settings.get(least), field.settings.get(most)
    return [fault("range_empty", least)] if low is not None and high is not None and low > high else []


def read_list(value: Any, least: int, most: int) -> list[Any]:
    """A list of so many items."""
    if not isinstance(value, list):
        raise refuse("not_a_list")
    if len(value) > most:
        raise refuse("too_many", most=most)
    if len(value) < least:
        raise refuse("too_few", least=least)
    return value


def read_each(items: list[Any], read: Any) -> list[Any]:
    """Every item read; the faults of all of them, each at its place."""
    faults: list[Fault] = []
    found = []
    for place, item in enumerate(items):
        try:
            found.append(read(item))
        except Refused as problem:
            faults += [one.below(str(place)) for one in problem.faults]
        except ValidationError as problem:
            faults += [one.below(str(place)) for one in faults_of(problem)]
    if faults:
        raise Refused(faults)
    return found


class Counted(fields.StrictSchema):
    """Settings of what holds several values."""

    items_min = fields.IntegerField(minimum=0, maximum=1000, load_default=0)
    items_max = fields.IntegerField(minimum=1, maximum=1000, load_default=100)
