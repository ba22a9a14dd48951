"""What the system fills in: formulas and running numbers."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from marshmallow import validate

from services.common import fields
from services.common.forms.texts import refuse
from services.common.forms.types.base import FieldType, FormField, register

_PERIODS = ("never", "year", "month", "day")


class FormulaSettings(fields.StrictSchema):
    """`result` is the type that the formula must have; `decimals` rounds a number."""

    result = fields.TextField(
        load_default="number", validate=validate.OneOf(["number", "text", "date", "datetime", "bool"])
    )
    decimals = fields.IntegerField(minimum=0, maximum=12, load_default=None, allow_none=True)
    unit = fields.TextField(max_length=20)


@register
class Formula(FieldType):
    """A value computed from the other fields, whenever the record is written."""

    key, zh, en, family = "formula", "公式", "Formula", "computed"
    settings = FormulaSettings
    stores = "formula"
    is_computed = True
    why_not_written = "computed"
    can_be_unique = False

    @property
    def operators(self) -> tuple[str, ...]:
        """Those of its result."""
        return ("=", "<>", "<", "<=", ">", ">=", "is_empty")

    def expression_type(self, field: FormField) -> Any:
        """The type of its result."""
        return field.settings["result"]

    def unit(self, field: FormField) -> str:
        """What it counts."""
        return str(field.settings.get("unit") or "")

    def read(self, value: Any, field: FormField) -> Any:
        """Nobody writes it."""
        raise refuse("computed")


class AutoNumberSettings(fields.StrictSchema):
    """A prefix, the period after which it starts anew, and the digits of the number."""

    prefix = fields.TextField(max_length=20, load_default="", allow_blank=True)
    period = fields.TextField(load_default="never", validate=validate.OneOf(_PERIODS))
    digits = fields.IntegerField(minimum=1, maximum=12, load_default=6)


@register
class AutoNumber(FieldType):
    """A running number, given once: `HT-202603-000001`."""

    key, zh, en, family = "auto_number", "自动编号", "Automatic number", "computed"
    settings = AutoNumberSettings
    is_computed = True
    why_not_written = "computed"
    fits_sub_tables = False

    def read(self, value: Any, field: FormField) -> Any:
        """Nobody writes it."""
        raise refuse("computed")


def period_of(field: FormField, day: date) -> str:
    """Within what a number runs: 2026, 202603, 20260301, or nothing."""
    formats = {"never": "", "year": "%Y", "month": "%Y%m", "day": "%Y%m%d"}
    return day.strftime(formats[field.settings["period"]])


def written_number(field: FormField, period: str, number: int) -> str:
    """The number as people see it."""
    parts = (field.settings["prefix"], period, f"{number:0{field.settings['digits']}d}")
    return re.sub(r"-{2,}", "-", "-".join(part for part in parts if part))
