"""Texts: of one line, of many, and rich ones, whose HTML is sanitised."""

from __future__ import annotations

from typing import Any

import nh3
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import Fault, refuse
from services.common.forms.types.base import FieldType, FormField, limits_check, register

_TAGS = {
    *("a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre"),
    *("s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_SCHEMES = {"http", "https", "mailto", "tel"}


class TextSettings(fields.StrictSchema):
    """How long a text may be, in characters."""

    min_length = fields.IntegerField(minimum=0, maximum=100_000, load_default=0)
    max_length = fields.IntegerField(minimum=1, maximum=10_000, load_default=200)
    placeholder = fields.TextField(max_length=200)


class LongTextSettings(TextSettings):
    """The same, of longer ones."""

    max_length = fields.IntegerField(minimum=1, maximum=100_000, load_default=2_000)
    rows = fields.IntegerField(minimum=1, maximum=50, load_default=4)


@register
class Text(FieldType):
    """A text of one line."""

    key, zh, en = "text", "单行文本", "Text"
    settings = TextSettings
    multiline = False

    def read(self, value: Any, field: FormField) -> str:
        """A text without control characters, of the length that the settings allow."""
        text = fields.clean_text(value, multiline=self.multiline)
        return checked_length(text, field)

    def check(self, field: FormField) -> list[Fault]:
        """Its lengths are a range."""
        return limits_check(field, "min_length", "max_length")


@register
class Textarea(Text):
    """A text of many lines."""

    key, zh, en = "textarea", "多行文本", "Long text"
    settings = LongTextSettings
    multiline = True
    can_be_unique = False


@register
class RichText(Textarea):
    """A text with formats: HTML of which only harmless tags and links stay."""

    key, zh, en = "rich_text", "富文本", "Rich text"
    text_format = "html"

    def read(self, value: Any, field: FormField) -> str:
        """The HTML with everything taken out that could run or load something."""
        text = fields.clean_text(value, multiline=True)
        checked_length(text, field)
        clean: str = nh3.clean(text, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)
        return clean

    def to_text(self, value: Any, field: FormField) -> str:
        """The text alone."""
        return "" if value is None else str(nh3.clean(value, tags=set())).strip()


def checked_length(text: str, field: FormField) -> str:
    """A text, refused when it is blank, too long or too short."""
    if not text:
        raise refuse("blank")
    if len(text) > field.settings["max_length"]:
        raise refuse("too_long", most=field.settings["max_length"])
    if len(text) < field.settings["min_length"]:
        raise refuse("too_short", least=field.settings["min_length"])
    return text


class SymbologySettings(fields.StrictSchema):
    """Which kind of code is drawn."""

    symbology = fields.TextField(
        load_default="code128", validate=validate.OneOf(["code128", "ean13", "ean8", "qr", "itf14"])
    )


_SYMBOL_DIGITS = {"ean13": 13, "ean8": 8, "itf14": 14}
_SYMBOL_LENGTH_MAX = {"code128": 80, "qr": 2_000}


@register
class Barcode(FieldType):
    """What a barcode or QR code says; EAN and ITF codes have the right check digit."""

    key, zh, en = "barcode", "条码/二维码", "Barcode"
    settings = SymbologySettings

    def read(self, value: Any, field: FormField) -> str:
        """The text of the code."""
        symbology = field.settings["symbology"]
        text = fields.clean_text(value)
        if not text:
            raise refuse("blank")
        digits = _SYMBOL_DIGITS.get(symbology)
        if digits is not None:
            if len(text) != digits or not text.isascii() or not text.isdigit() or not _gtin_holds(text):
                raise refuse("barcode", symbology=symbology)
        elif len(text) > _SYMBOL_LENGTH_MAX[symbology] or (symbology == "code128" and not text.isascii()):
            raise refuse("barcode", symbology=symbology)
        return text


def _gtin_holds(text: str) -> bool:
    """GS1 general specifications: from the right, weights 1 and 3 in turn sum up to a multiple of ten."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text))) % 10 == 0
