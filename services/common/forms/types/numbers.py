"""Numbers: exact ones, money, percentages, ratings and sliders; stored as decimal text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from services.common import fields, money
from services.common.errors import Invalid
from services.common.expressions.values import canonical
from services.common.forms.texts import Fault, fault, refuse
from services.common.forms.types.base import FieldType, FormField, limits_check, register

_MAX = Decimal(10) ** 18
_NUMBER = fields.NumberField()


def _number(**options: Any) -> fields.NumberField:
    return fields.NumberField(minimum=-_MAX, maximum=_MAX, load_default=None, allow_none=True, **options)


class NumberSettings(fields.StrictSchema):
    """The range of a number, its decimals and what it counts."""

    minimum = _number()
    maximum = _number()
    decimals = fields.IntegerField(minimum=0, maximum=12, load_default=12)
    unit = fields.TextField(max_length=20)
    thousands = fields.FlagField(load_default=True)


class MoneySettings(fields.StrictSchema):
    """The range of an amount and its currency."""

    minimum = _number()
    maximum = _number()
    currency = fields.CurrencyField(load_default="CNY")


class RatingSettings(fields.StrictSchema):
    """How many stars there are."""

    stars = fields.IntegerField(minimum=2, maximum=20, load_default=5)
    half = fields.FlagField(load_default=False)


class SliderSettings(fields.StrictSchema):
    """The ends of a slider and its steps."""

    minimum = fields.NumberField(minimum=-_MAX, maximum=_MAX, load_default=Decimal(0))
    maximum = fields.NumberField(minimum=-_MAX, maximum=_MAX, load_default=Decimal(100))
    step = fields.NumberField(maximum=_MAX, load_default=Decimal(1))


def within(number: Decimal, least: Decimal | None, most: Decimal | None) -> Decimal:
    """A number, refused beyond its range."""
    if least is not None and number < least:
        raise refuse("below_minimum", least=f"{least:f}")
    if most is not None and number > most:
        raise refuse("above_maximum", most=f"{most:f}")
    return number


def read_number(value: Any) -> Decimal:
    """An exact number of JSON."""
    number = fields.read_by(_NUMBER, value)
    return within(number, -_MAX, _MAX)


@register
class Number(FieldType):
    """A number."""

    key, zh, en, family = "number", "数字", "Number", "number"
    settings: ClassVar[type[fields.StrictSchema]] = NumberSettings
    stores, mask, text_format = "number", "amount", "decimal"

    def read(self, value: Any, field: FormField) -> str:
        """Decimal text as it was written, within the range and with as many decimals as are allowed."""
        number = read_number(value)
        if -number.as_tuple().exponent > field.settings["decimals"]:  # type: ignore[operator]
            raise refuse("too_precise", most=field.settings["decimals"])
        return f"{within(number, field.settings['minimum'], field.settings['maximum']):f}"

    def unique_form(self, value: Any) -> Any:
        """1.50 and 1.5 are one number."""
        return canonical(Decimal(value))

    def from_text(self, text: str, field: FormField) -> Any:
        """Without thousands separators."""
        return text.replace(",", "").replace(",", "")

    def unit(self, field: FormField) -> str:
        """What it counts."""
        return str(field.settings.get("unit") or "")

    def check(self, field: FormField) -> list[Fault]:
        """Its limits are a range."""
        return limits_check(field)


@register
class Money(Number):
    """An amount in the currency that the definition names."""

    key, zh, en = "money", "金额", "Money"
    settings = MoneySettings

    def read(self, value: Any, field: FormField) -> str:
        """The amount in its currency's digits."""
        try:
            amount = money.parse_amount(value, field.currency)
        except Invalid as problem:
            raise fields.refuse(problem.code, problem.detail) from problem
        within(amount, field.settings["minimum"], field.settings["maximum"])
        return f"{amount:f}"

    def unit(self, field: FormField) -> str:
        """Its currency."""
        return field.currency


@register
class Percent(Number):
    """A share: 0.8 is 80 %."""

    key, zh, en = "percent", "百分比", "Percent"

    def unit(self, field: FormField) -> str:
        """It is written with a percent sign."""
        return "%"

    def to_text(self, value: Any, field: FormField) -> str:
        """80%"""
        return "" if value is None else f"{(Decimal(value) * 100).normalize():f}%"

    def from_text(self, text: str, field: FormField) -> Any:
        """80% and 0.8 alike."""
        plain = text.strip()
        if not plain.endswith(("%", "％")):
            return plain
        return f"{fields.read_by(_NUMBER, plain[:-1].strip()) / 100:f}"


@register
class Rating(FieldType):
    """Stars."""

    key, zh, en, family = "rating", "评分", "Rating", "number"
    settings = RatingSettings
    stores, text_format, can_be_unique = "number", "decimal", False

    def read(self, value: Any, field: FormField) -> str:
        """So many stars, or half ones where they are allowed."""
        number = within(read_number(value), Decimal(0), Decimal(field.settings["stars"]))
        step = Decimal("0.5") if field.settings["half"] else Decimal(1)
        if number % step:
            raise refuse("off_step", least=0, step=step)
        return f"{number:f}"


@register
class Slider(FieldType):
    """A number that is drawn on a scale."""

    key, zh, en, family = "slider", "滑块", "Slider", "number"
    settings = SliderSettings
    stores, text_format, can_be_unique = "number", "decimal", False

    def read(self, value: Any, field: FormField) -> str:
        """A number on one of the steps."""
        settings = field.settings
        number = within(read_number(value), settings["minimum"], settings["maximum"])
        if (number - settings["minimum"]) % settings["step"]:
            raise refuse("off_step", least=f"{settings['minimum']:f}", step=f"{settings['step']:f}")
        return f"{number:f}"

    def check(self, field: FormField) -> list[Fault]:
        """Its ends are a range, its step leads forward."""
        found = limits_check(field)
        return found if field.settings["step"] > 0 else [*found, fault("below_minimum", "step", least=0)]
