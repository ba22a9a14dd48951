"""The shapes of what is set for the whole ledger: credit horizon, reservations, disputes, exchange rates."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema
from marshmallow.fields import List, Nested

from services.common.fields import (
    CurrencyField,
    DateField,
    FlagField,
    InstantField,
    IntegerField,
    NumberField,
    StrictSchema,
    TextField,
    refuse,
)
from services.limits import rates

RATES_MAX = 5_000


class LedgerSettings(StrictSchema):
    """What to set for the whole ledger; what is left out stays. Days are business days' calendar days."""

    # Orders due for delivery more days ahead do not count in the exposure; null: all count.
    horizon_days = IntegerField(minimum=0, maximum=3_650, allow_none=True)
    # How many days an order reserves that names no `valid_until`; null: until it is closed.
    reservation_days = IntegerField(minimum=0, maximum=3_650, allow_none=True)
    # Whether what is disputed counts as overdue. It does unless an administrator says otherwise, so that
    # nobody escapes a freeze by opening a dispute.
    disputes_are_overdue = FlagField()


class RateInput(StrictSchema):
    """One unit of `currency` is `rate` units of the base currency, from a date on (the business date)."""

    currency = CurrencyField(required=True)
    rate = NumberField(required=True, minimum=rates.SMALLEST, maximum=rates.LARGEST)
    valid_from = DateField(load_default=None, allow_none=True)
    source = TextField(max_length=100, load_default=None, allow_none=True)

    @validates_schema
    def _has_few_digits(self, data: dict[str, Any], **_: Any) -> None:
        if not rates.is_rate(data["rate"]):
            raise refuse("too_precise", f"汇率最多 {rates.DIGITS_MAX} 位有效数字", "rate")


class RatesInput(StrictSchema):
    """Exchange rates to be set together, and where they come from unless one says otherwise."""

    rates = List(Nested(RateInput()), required=True)
    source = TextField(max_length=100, load_default="manual")

    @validates_schema
    def _not_too_many(self, data: dict[str, Any], **_: Any) -> None:
        if not 1 <= len(data["rates"]) <= RATES_MAX:
            raise refuse("batch_size", f"一次提交 1 到 {RATES_MAX} 条", "rates")


class RatesMoment(StrictSchema):
    """The exchange rates in force on a date, as they were known at an instant; both default to now."""

    on = DateField(load_default=None, allow_none=True)
    known_at = InstantField(load_default=None, allow_none=True)
