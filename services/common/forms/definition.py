"""A form's definition: its fields, their types and labels, read from JSON and checked before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import marshmallow
import orjson
from marshmallow import ValidationError, validate

from services.common import fields, strict_json
from services.common.errors import Invalid, MalformedRequest, PayloadTooLarge
from services.common.forms import checking
from services.common.forms.texts import Fault, Refused, fault, faults_of
from services.common.forms.types import ALIASES, TYPES, FormField, Label, type_of

FIELDS_MAX = 300
COLUMNS_MAX = 50
DEFINITION_BYTES_MAX = 1024 * 1024
_FAULTS_MAX = 100
KEY_PATTERN = r"^[a-z][a-z0-9_-]{0,49}\Z"
# The expressions of a field, and those of them that are conditions.
CONDITIONS = ("visible_when", "required_when")
EXPRESSIONS = (*CONDITIONS, "default_formula", "formula")
_TEXT_MAX = 20_000


@dataclass(frozen=True)
class Check:
    """What must not be: a condition over several fields, what is said of it, and the field it is said at."""

    when: str
    message: Mapping[str, str]
    field: str | None = None


@dataclass(frozen=True)
class FormDefinition:
    """A form: its key, its version, and its fields in their order.

    `unique` has the groups of fields whose values together stand in one record only.
    """

    key: str
    version: int
    title: Mapping[str, str]
    fields: tuple[FormField, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[Check, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, FormField]:
        """The fields by their keys."""
        return {field.key: field for field in self.fields}

    def field(self, key: str) -> FormField | None:
        """The field with this key, if there is one."""
        return self.by_key.get(key)

    @cached_property
    def holding(self) -> tuple[FormField, ...]:
        """The fields of which a record holds a value: no layout elements, roll-ups and formulas over them."""
        return tuple(field for field in self.fields if type_of(field).has_value and not field.late)

    @cached_property
    def searched(self) -> tuple[FormField, ...]:
        """The fields whose texts people find a record by."""
        families = ("text", "identity", "choice", "people", "computed")
        return tuple(
            one
            for one in self.holding
            if type_of(one).family in families and type_of(one).stores in ("text", "list")
        )

    @cached_property
    def unique_rules(self) -> tuple[tuple[str, ...], ...]:
        """What is unique alone, then what is together."""
        alone = tuple((field.key,) for field in self.fields if field.unique)
        return (*alone, *self.unique)

    @cached_property
    def file_fields(self) -> Mapping[str, FormField]:
        """The fields that hold files by their paths: `执照`, or `明细.照片` of a column of a sub-table."""
        found = {one.key: one for one in self.fields if type_of(one).family == "file"}
        for table in self.fields:
            columns = (one for one in table.columns if type_of(one).family == "file")
            found |= {f"{table.key}.{one.key}": one for one in columns}
        return found

    @cached_property
    def people_fields(self) -> Mapping[str, Mapping[str, str]]:
        """The fields that name people: by field, the type by column, `""` for the field itself."""
        found: dict[str, dict[str, str]] = {}
        for one in self.fields:
            if type_of(one).family == "people":
                found[one.key] = {"": one.type}
            columns = {each.key: each.type for each in one.columns if type_of(each).family == "people"}
            if columns:
                found[one.key] = columns
        return found

    def of_type(self, *types: str) -> tuple[FormField, ...]:
        """The fields of these types."""
        return tuple(field for field in self.fields if field.type in types)


class _Pattern(fields.StrictSchema):
    """A regular expression (RE2 syntax) that the whole text must match, and what is said when it does not."""

    regex = fields.TextField(max_length=500, required=True)
    message = marshmallow.fields.Nested(Label)


class _Check(fields.StrictSchema):
    when = fields.TextField(max_length=_TEXT_MAX, multiline=True, required=True)
    message = marshmallow.fields.Nested(Label, required=True)
    field = fields.TextField(max_length=50, load_default=None, allow_none=True)


def _expression() -> fields.TextField:
    return fields.TextField(max_length=_TEXT_MAX, multiline=True, load_default=None, allow_none=True)


class FieldShape(fields.StrictSchema):
    """What every field has, whatever its type; the settings of its type stand beside it."""

    key = fields.TextField(max_length=50, required=True)
    label = marshmallow.fields.Nested(Label, required=True)
    type = fields.TextField(max_length=50, required=True)
    help = fields.TextField(max_length=500, multiline=True, allow_none=True)
    required = fields.FlagField(load_default=False)
    unique = fields.FlagField(load_default=False)
    searchable = fields.FlagField(load_default=False)
    read_only = fields.FlagField(load_default=False)
    default = marshmallow.fields.Raw(load_default=None, allow_none=True)
    pattern = marshmallow.fields.Nested(_Pattern, load_default=None, allow_none=True)
    default_formula = _expression()
    visible_when = _expression()
    required_when = _expression()
    formula = _expression()
    fields_ = marshmallow.fields.Raw(data_key="fields", load_default=None, allow_none=True)


class DefinitionShape(fields.StrictSchema):
    """The JSON of a definition; its fields are read one by one."""

    key = fields.TextField(max_length=50, required=True, validate=validate.Regexp(KEY_PATTERN))
    title = marshmallow.fields.Nested(Label, required=True)
    fields_ = marshmallow.fields.List(marshmallow.fields.Raw(), data_key="fields", required=True)
    unique = marshmallow.fields.List(
        marshmallow.fields.List(fields.TextField(max_length=50), validate=validate.Length(min=2, max=5)),
        load_default=list,
        validate=validate.Length(max=20),
    )
    checks = marshmallow.fields.List(
        marshmallow.fields.Nested(_Check), load_default=list, validate=validate.Length(max=100)
    )


_FIELD = FieldShape()
_DEFINITION = DefinitionShape()
_SETTINGS = {key: kind.settings() for key, kind in TYPES.items()}
_COMMON = {field.data_key or name for name, field in _FIELD.fields.items()}


def read_definition(received: Any, version: int) -> FormDefinition:
    """The definition in received or stored JSON, without its expressions, see `compile_form`.

    `Invalid` names every fault at its place, `PayloadTooLarge` refuses what is larger than a definition is.
    """
    if not isinstance(received, Mapping):
        raise MalformedRequest("请求内容应为 JSON 对象", code="not_an_object")
    if len(orjson.dumps(strict_json.to_plain(received))) > DEFINITION_BYTES_MAX:
        too_large = fault("definition_too_large", "fields", most=DEFINITION_BYTES_MAX // 1024)
        raise PayloadTooLarge(too_large.zh, code=too_large.code, errors=[too_large.as_error()])
    try:
        loaded = _DEFINITION.load(received)
    except ValidationError as problem:
        raise refused(faults_of(problem)) from problem
    found, faults = read_fields(loaded["fields_"], FIELDS_MAX)
    faults = [one.below("fields") for one in faults]
    checks = tuple(Check(**each) for each in loaded["checks"])
    groups = tuple(tuple(group) for group in loaded["unique"])
    definition = FormDefinition(loaded["key"], version, loaded["title"], found, groups, checks)
    if not faults:
        faults = checking.faults_in(definition)
    if faults:
        raise refused(faults)
    return definition


def refused(faults: list[Fault]) -> Invalid:
    """The refusal of a definition."""
    first = faults[0]
    errors = [one.as_error() for one in faults[:_FAULTS_MAX]]
    return Invalid(f"表单定义有误: {first.path} {first.zh}", code="invalid", errors=errors)


def read_fields(received: Any, most: int) -> tuple[tuple[FormField, ...], list[Fault]]:
    """The fields in a list, and what is wrong with them."""
    if not isinstance(received, list):
        return (), [fault("not_a_list")]
    if len(received) > most:
        return (), [fault("too_many_fields", most=most)]
    faults: list[Fault] = []
    found: list[FormField] = []
    for place, each in enumerate(received):
        try:
            found.append(_read_field(each))
        except Refused as problem:
            faults += [one.below(str(place)) for one in problem.faults]
    return tuple(found), faults


def _read_field(received: Any) -> FormField:
    if not isinstance(received, Mapping):
        raise Refused([fault("not_an_object")])
    try:
        common = _FIELD.load({name: value for name, value in received.items() if name in _COMMON})
    except ValidationError as problem:
        raise Refused(faults_of(problem)) from problem
    kind = ALIASES.get(common["type"], common["type"])
    if kind not in TYPES:
        raise Refused([fault("type_unknown", "type", type=kind)])
    try:
        settings = _SETTINGS[kind].load(
            {name: value for name, value in received.items() if name not in _COMMON}
        )
    except ValidationError as problem:
        raise Refused(faults_of(problem)) from problem
    columns: tuple[FormField, ...] = ()
    if kind == "sub_table":
        columns, faults = read_fields(common["fields_"] or [], COLUMNS_MAX)
        if faults:
            raise Refused([one.below("fields") for one in faults])
    elif common["fields_"] is not None:
        raise Refused([fault("unknown_field", "fields")])
    plain = ("key", "label", "required", "unique", "searchable", "read_only", "default", "pattern")
    conditions = {name: common[name] for name in EXPRESSIONS if common[name]}
    return FormField(
        type=kind,
        settings=settings,
        conditions=conditions,
        columns=columns,
        **{name: common[name] for name in plain},
    )
