"""The shapes of overrides (special approvals)."""

from __future__ import annotations

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    IdField,
    IntegerField,
    StrictSchema,
    TextField,
)
from services.limits.schema.ground import number_field

_COUNT_MAX = 1_000


class NewOverride(StrictSchema):
    """What is let pass beyond a limit or a rule: orders of a customer, or one order, of so much altogether.

    It counts until the end of `valid_until`, else until it is used up.
    """

    customer_id = IdField(required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    count = IntegerField(minimum=1, maximum=_COUNT_MAX, load_default=1)
    order_no = number_field(load_default=None, allow_none=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    valid_until = DateField(load_default=None, allow_none=True)
    reason = TextField(max_length=500, required=True)


class OverrideEnd(StrictSchema):
    """An override to be ended before its time, and why."""

    override_id = IdField(required=True)
    reason = TextField(max_length=500, required=True)
