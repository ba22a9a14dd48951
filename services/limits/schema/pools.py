"""The shapes of pools, and of the guarantees that raise a limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import validates_schema

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    IdField,
    InstantField,
    NumberField,
    StrictSchema,
    TextField,
    refuse,
)

SMALLEST_PERCENT = Decimal("0.0001")
POOL_KINDS = ("customer", "group", "salesperson", "department")
GUARANTEE_KINDS = ("guarantee", "collateral", "insurance")


class PoolKeyInput(StrictSchema):
    """Names a pool: a group or a customer by its id, a salesperson by user name, a department by code."""

    pool_kind = TextField(max_length=20, required=True)
    pool_key = TextField(max_length=100, required=True)
    segment = TextField(max_length=50, load_default="")

    @validates_schema
    def _known_kind(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("pool_kind") not in POOL_KINDS:
            raise refuse("pool_kind_unknown", f"信用对象应为 {', '.join(POOL_KINDS)} 之一", "pool_kind")


class PoolMoment(PoolKeyInput):
    """A pool at the end of a date, as it was known at an instant; both default to now."""

    as_of = DateField(load_default=None, allow_none=True)
    known_at = InstantField(load_default=None, allow_none=True)


class PoolReleaseInput(PoolKeyInput):
    """Why a pool is to control nothing any more."""

    reason = TextField(max_length=500, required=True)


class _Guarantee(StrictSchema):
    """A guarantee, collateral or insurance that is accepted for a share of its value, in percent."""

    kind = TextField(max_length=20, load_default="guarantee")
    value = AmountField(required=True)
    currency = CurrencyField(required=True)
    accepted_percent = NumberField(required=True, minimum=SMALLEST_PERCENT, maximum=Decimal(100))
    provider = TextField(max_length=200, required=True)
    reference = TextField(max_length=200, load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)

    @validates_schema
    def _makes_sense(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("kind") not in GUARANTEE_KINDS:
            raise refuse("kind_unknown", f"担保类型应为 {', '.join(GUARANTEE_KINDS)} 之一", "kind")
        if data["accepted_percent"] % SMALLEST_PERCENT:
            raise refuse("too_precise", "认可比例最多四位小数", "accepted_percent")
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            raise refuse("validity", "失效日期不能早于生效日期", "valid_to")


class GuaranteeInput(_Guarantee):
    """One that raises a customer's overall limit."""

    customer_id = IdField(required=True)


class PoolGuaranteeInput(_Guarantee, PoolKeyInput):
    """One that raises the limit of a pool that customers share, or of a customer in one segment."""


class PoolGuaranteeKey(PoolKeyInput):
    """Names a guarantee of a pool, and why it is released."""

    guarantee_id = IdField(required=True)
    reason = TextField(max_length=500, required=True)


class GuaranteeKey(StrictSchema):
    """Names a guarantee of a customer, and why it is released."""

    customer_id = IdField(required=True)
    guarantee_id = IdField(required=True)
    reason = TextField(max_length=500, required=True)
