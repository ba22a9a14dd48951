"""The values of a record, checked against its form's definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import marshmallow
from marshmallow import ValidationError, validate

from services.common import fields, strict_json
from services.common.errors import Invalid
from services.common.forms.definition import FormDefinition, FormField, read_definition

_NUMBER_MAX = Decimal(10) ** 18


class PhoneField(fields.TextField):
    """A telephone number: digits with the usual separators."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=30, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        digits = sum(sign.isdigit() for sign in text)
        if not text.isascii() or not set(text) <= set("0123456789+-() ,#") or not 5 <= digits <= 20:
            raise fields.refuse("phone", "不是有效的电话号码")
        return text


class EmailField(fields.TextField):
    """A mail address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.isascii():
            raise fields.refuse("email", "不是有效的邮箱地址")
        validate.Email()(text)
        return text


def values_schema(definition: FormDefinition) -> marshmallow.Schema:
    """The shape of the form's values: unknown fields are refused by name, empty ones are `None`."""
    made: dict[str, Any] = {field.key: _field(field) for field in definition.fields}
    return fields.StrictSchema.from_dict(made, name=f"{definition.key.title()}FormV{definition.version}")()


@dataclass(frozen=True)
class Form:
    """A definition together with the schema made from it."""

    definition: FormDefinition
    schema: marshmallow.Schema


def compile_form(stored: Mapping[str, Any], version: int) -> Form:
    """The form of a stored definition; compiled once for each definition."""
    return _compiled(strict_json.dumps(stored), version)


@lru_cache(maxsize=256)
def _compiled(stored: str, version: int) -> Form:
    definition = read_definition(strict_json.loads(stored), version)
    return Form(definition, values_schema(definition))


def load_values(form: Form, received: Any, *, partial: bool = False) -> dict[str, Any]:
    """Checked values as plain JSON, numbers and money as decimal text.

    With `partial`, required fields may be absent, but may not be emptied. `Invalid` names every field at
    fault as `fields.<key>`.
    """
    if not isinstance(received, Mapping):
        error = {"field": "fields", "code": "not_an_object", "message": "应为 JSON 对象"}
        raise Invalid("输入有误: fields 应为 JSON 对象", code="invalid", errors=[error])
    try:
        loaded = form.schema.load(received, partial=partial)
    except ValidationError as problem:
        errors = [{**error, "field": f"fields.{error['field']}"} for error in fields.errors_of(problem)]
        said = "; ".join(_said(form.definition, error) for error in errors[:5])
        raise Invalid(f"表单填写有误: {said}", code="invalid", errors=errors) from problem
    plain: dict[str, Any] = strict_json.to_plain(loaded)
    return plain


def _said(definition: FormDefinition, error: Mapping[str, Any]) -> str:
    key = error["field"].removeprefix("fields.")
    field = definition.field(key)
    return f"{field.label['zh'] if field else key} {error['message']}"


def _field(field: FormField) -> marshmallow.fields.Field[Any]:
    return _MAKERS[field.type](field, {"required": field.required, "allow_none": not field.required})


def _text(field: FormField, options: dict[str, Any]) -> marshmallow.fields.Field[Any]:
    return fields.TextField(max_length=field.max_length, multiline=True, **options)


def _number(field: FormField, options: dict[str, Any]) -> marshmallow.fields.Field[Any]:
    return fields.NumberField(minimum=-_NUMBER_MAX, maximum=_NUMBER_MAX, **options)


def _money(field: FormField, options: dict[str, Any]) -> marshmallow.fields.Field[Any]:
    # No field of a form holds the currency: the definition names it.
    return fields.AmountField(currency_key="", currency=field.currency, positive=False, **options)


def _select(field: FormField, options: dict[str, Any]) -> marshmallow.fields.Field[Any]:
    return fields.TextField(validate=validate.OneOf(field.choices), **options)


_MAKERS: dict[str, Callable[[FormField, dict[str, Any]], marshmallow.fields.Field[Any]]] = {
    "text": _text,
    "number": _number,
    "money": _money,
    "date": lambda field, options: fields.DateField(**options),
    "select": _select,
    "bool": lambda field, options: fields.FlagField(**options),
    "phone": lambda field, options: PhoneField(**options),
    "email": lambda field, options: EmailField(**options),
    "uscc": lambda field, options: fields.UsccField(**options),
}
