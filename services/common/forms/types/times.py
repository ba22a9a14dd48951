"""Days, instants, times of day, ranges of days, and months."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

from services.common import fields
from services.common.forms.texts import Fault, refuse
from services.common.forms.types.base import FieldType, FormField, limits_check, register

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")
_MONTH = re.compile(r"(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])")


class DateSettings(fields.StrictSchema):
    """The first and the last day that may be chosen."""

    minimum = fields.DateField(load_default=None, allow_none=True)
    maximum = fields.DateField(load_default=None, allow_none=True)


class _Days(FieldType):
    family = "date"
    settings = DateSettings

    def check(self, field: FormField) -> list[Fault]:
        """Its limits are a range."""
        return limits_check(field)

    def day(self, value: Any, field: FormField) -> str:
        """A day within the limits."""
        day = fields.parse_date(value)
        least, most = field.settings["minimum"], field.settings["maximum"]
        if least is not None and day < least:
            raise refuse("below_minimum", least=least)
        if most is not None and day > most:
            raise refuse("above_maximum", most=most)
        return day.isoformat()


@register
class Date(_Days):
    """A calendar day."""

    key, zh, en = "date", "日期", "Date"
    stores, text_format = "date", "YYYY-MM-DD"

    def read(self, value: Any, field: FormField) -> str:
        """YYYY-MM-DD."""
        return self.day(value, field)

    def from_text(self, text: str, field: FormField) -> Any:
        """2026/3/1, 2026.3.1 and 2026年3月1日 too, and the day of a cell that a table calls an instant."""
        parts = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]00:00:00)?", text)
        return f"{parts[1]}-{parts[2]:0>2}-{parts[3]:0>2}" if parts else text


@register
class DateRange(_Days):
    """From one day to another."""

    key, zh, en = "date_range", "日期区间", "Date range"
    stores, text_format, can_be_unique = "document", "YYYY-MM-DD~YYYY-MM-DD", False

    def expression_type(self, field: FormField) -> Any:
        """Its ends are columns."""
        return {"type": "record", "fields": {"start": "date", "end": "date"}}

    def read(self, value: Any, field: FormField) -> dict[str, str]:
        """`{"start", "end"}`, both of them days."""
        if not isinstance(value, dict) or set(value) != {"start", "end"}:
            raise refuse("not_an_object")
        start, end = self.day(value["start"], field), self.day(value["end"], field)
        if end < start:
            raise refuse("range_reversed")
        return {"start": start, "end": end}

    def to_text(self, value: Any, field: FormField) -> str:
        """Both days with a tilde between."""
        return "" if value is None else f"{value['start']}~{value['end']}"

    def from_text(self, text: str, field: FormField) -> Any:
        """The same, also with a wide tilde or 至."""
        ends = re.split(r"\s*(?:~|~|至)\s*", text)
        return {"start": ends[0], "end": ends[1]} if len(ends) == 2 else text


@register
class DateTime(FieldType):
    """An instant."""

    key, zh, en, family = "datetime", "日期时间", "Date and time", "date"
    stores, text_format = "datetime", "YYYY-MM-DDTHH:MM:SSZ"

    def read(self, value: Any, field: FormField) -> str:
        """An instant with its offset, stored as UTC."""
        moment = fields.parse_instant(value).astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")


@register
class Time(FieldType):
    """A time of day by the local clocks."""

    key, zh, en, family = "time", "时间", "Time", "date"
    text_format = "HH:MM"

    def read(self, value: Any, field: FormField) -> str:
        """HH:MM or HH:MM:SS."""
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise refuse("time_malformed")
        return value


@register
class YearMonth(FieldType):
    """A month of a year."""

    key, zh, en, family = "year_month", "年月", "Month", "date"
    text_format = "YYYY-MM"

    def read(self, value: Any, field: FormField) -> str:
        """YYYY-MM."""
        if not isinstance(value, str) or not _MONTH.fullmatch(value):
            raise refuse("year_month_malformed")
        return value
