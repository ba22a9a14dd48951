"""The shapes of applications."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, validates_schema

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    IdField,
    IntegerField,
    ObjectField,
    StrictSchema,
    TextField,
    refuse,
)

_TERM_DAYS_MAX = 3_650


class _Asked(StrictSchema):
    term_days = IntegerField(minimum=0, maximum=_TERM_DAYS_MAX, load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)
    reason = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)
    form_fields = ObjectField(load_default=dict, data_key="fields")

    @validates_schema
    def _validity(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            raise refuse("validity", "失效日期不能早于生效日期")


class NewApplication(_Asked):
    """What a salesperson asks for a customer."""

    type = TextField(max_length=40, load_default="credit")
    customer_id = TextField(max_length=100, required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)


class ApplicationChange(_Asked):
    """What of a draft changes."""

    application_id = TextField(max_length=100, required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class ApplicationKey(StrictSchema):
    """Names an application by id or number."""

    application_id = TextField(max_length=100, required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)
    reason = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)


class Step(ApplicationKey):
    """A step that the flow takes with an application."""

    step = TextField(max_length=20, required=True)
    instance_id = IdField(load_default=None, allow_none=True)
    approved = ObjectField(load_default=None, allow_none=True)
    problem = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)


class Application(Schema):
    """An application as answered."""

    id = IdField()
    number = TextField()
    type = TextField()
    customer_id = IdField()
    status = TextField()
    amount = TextField()
    currency = CurrencyField()
    term_days = IntegerField(allow_none=True)
    approved = ObjectField(allow_none=True)
    version = IntegerField()
