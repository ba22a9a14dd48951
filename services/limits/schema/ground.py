"""What the shapes of all documents stand on."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

from services.common.fields import FlagField, IdField, IntegerField, StrictSchema, TextField, refuse

_NUMBER_LENGTH_MAX = 100
DEFAULT_SOURCE = "api"


def number_field(**options: Any) -> TextField:
    """A document's number."""
    return TextField(max_length=_NUMBER_LENGTH_MAX, **options)


class Document(StrictSchema):
    """What every document says of where it comes from. `event_id` and `occurred_at` come with messages."""

    source = TextField(max_length=50, load_default=DEFAULT_SOURCE)
    company = TextField(max_length=50, load_default="")
    revision = IntegerField(minimum=1, maximum=1_000_000, load_default=1)
    event_id = TextField(max_length=200, load_default=None, allow_none=True)
    occurred_at = TextField(max_length=60, load_default=None, allow_none=True)
    already_effective = FlagField(load_default=False)


class OfCustomer(Document):
    """A document that names its customer, by id or by code, and who pays, where that is another.

    The payer is who owes: what the document binds counts in the payer's pools.
    """

    customer_id = IdField(load_default=None, allow_none=True)
    customer_code = TextField(max_length=50, load_default=None, allow_none=True)
    payer_id = IdField(load_default=None, allow_none=True)
    payer_code = TextField(max_length=50, load_default=None, allow_none=True)

    @validates_schema
    def _names_a_customer(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("customer_id") is None) == (data.get("customer_code") is None):
            raise refuse("customer_needed", "请给出 customer_id 或 customer_code 之一")
        if data.get("payer_id") is not None and data.get("payer_code") is not None:
            raise refuse("payer_twice", "payer_id 与 payer_code 只能给出一个", "payer_code")
