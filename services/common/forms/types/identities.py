"""Numbers and addresses by which people and companies are known."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from marshmallow import validate

from services.common import fields
from services.common.expressions import Compiled, compile_tree
from services.common.forms.texts import refuse
from services.common.forms.types.base import FieldType, FormField, register

_EMAIL_LENGTH_MAX = 254
_URL_LENGTH_MAX = 2_000
_BLANKS = re.compile(r"[\s-]+")
_PHONE_TEXT = fields.TextField(max_length=30)
_EMAIL_TEXT = fields.TextField(max_length=_EMAIL_LENGTH_MAX)
_USCC = fields.UsccField()
_is_email = validate.Email(error=fields.Message("email", "不是有效的邮箱地址"))


def _holds(check: str, text: str) -> bool:
    """Whether a check of the expression language holds: forms and formulas know one rule."""
    return _check(check)({"text": text}) is True


@cache
def _check(name: str) -> Compiled:
    return compile_tree({"op": name, "args": [{"field": "text"}]})


class _Known(FieldType):
    family = "identity"


@register
class Mobile(_Known):
    """A mobile number of mainland China."""

    key, zh, en, mask = "mobile", "手机", "Mobile", "phone"

    def read(self, value: Any, field: FormField) -> str:
        """Digits alone, +86 allowed before them; blanks and hyphens between are taken out."""
        text = _BLANKS.sub("", fields.clean_text(value))
        if not _holds("MOBILE", text):
            raise refuse("mobile")
        return text


@register
class Phone(_Known):
    """A telephone number, as people write them."""

    key, zh, en, mask = "phone", "电话", "Telephone", "phone"

    def read(self, value: Any, field: FormField) -> str:
        """Digits with the usual separators."""
        return read_phone(value)


def read_phone(value: Any) -> str:
    """A telephone number: digits with the usual separators."""
    text = fields.read_by(_PHONE_TEXT, value)
    digits = sum(sign.isdigit() for sign in text)
    if not text.isascii() or not set(text) <= set("0123456789+-() ,#") or not 5 <= digits <= 20:
        raise fields.refuse("phone", "不是有效的电话号码")
    return str(text)


def read_email(value: Any) -> str:
    """A mail address."""
    text = fields.read_by(_EMAIL_TEXT, value)
    if not text.isascii():
        raise fields.refuse("email", "不是有效的邮箱地址")
    _is_email(text)
    return str(text)


@register
class Email(_Known):
    """A mail address."""

    key, zh, en, mask = "email", "邮箱", "Mail address", "email"

    def read(self, value: Any, field: FormField) -> str:
        """An address with a host."""
        return read_email(value)


@register
class Url(_Known):
    """A web address."""

    key, zh, en = "url", "网址", "Web address"

    def read(self, value: Any, field: FormField) -> str:
        """http or https with a host: nothing that a browser would run."""
        text = fields.clean_text(value)
        if len(text) > _URL_LENGTH_MAX:
            raise refuse("too_long", most=_URL_LENGTH_MAX)
        try:
            parts = urlsplit(text)
            has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError as problem:
            raise refuse("url") from problem
        if parts.scheme not in ("http", "https") or not has_host or re.search(r"[\s<>\"]", text):
            raise refuse("url")
        return text


@register
class Uscc(_Known):
    """A unified social credit code."""

    key, zh, en, mask = "uscc", "统一社会信用代码", "Credit code", "uscc"

    def read(self, value: Any, field: FormField) -> str:
        """18 characters in capitals with the right check character."""
        return str(fields.read_by(_USCC, value))


@register
class IdCard(_Known):
    """A resident identity number."""

    key, zh, en, mask = "id_card", "身份证号", "Identity number", "id_number"

    def read(self, value: Any, field: FormField) -> str:
        """18 characters with an existing birthday and the right check character."""
        text = fields.clean_text(value).upper()
        if not _holds("IDCARD", text):
            raise refuse("id_card")
        return text


class BankSettings(fields.StrictSchema):
    """`card` asks for the check digit that cards have and company accounts have not."""

    card = fields.FlagField(load_default=False)


@register
class BankAccount(_Known):
    """A bank account or card."""

    key, zh, en, mask = "bank_account", "银行账号", "Bank account", "bank_account"
    settings = BankSettings

    def read(self, value: Any, field: FormField) -> str:
        """Digits alone; blanks and hyphens between are taken out."""
        text = _BLANKS.sub("", fields.clean_text(value))
        if not text.isascii() or not text.isdigit() or not 8 <= len(text) <= 32:
            raise refuse("bank_account")
        if field.settings["card"] and not luhn_holds(text):
            raise refuse("bank_card_check")
        return text


def luhn_holds(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled, the sum a multiple of ten."""
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


class PhoneField(fields.TextField):
    """A telephone number in a shape that is no form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return read_phone(value)


class EmailField(fields.TextField):
    """A mail address in a shape that is no form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return read_email(value)
