"""Fields of the shapes that cross a border: strict about what they take, Chinese in what they answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow
from marshmallow import RAISE, Schema, ValidationError, missing, validate
from marshmallow.exceptions import SCHEMA

from services.common import money, uscc
from services.common.errors import Invalid, MalformedRequest

DATE_MIN = date(1900, 1, 1)
DATE_MAX = date(2999, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?")
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEW_LINES = frozenset("\n\r\t")


class Message(str):
    """A message for people that also knows its machine-readable code."""

    code: str

    def __new__(cls, code: str, text: str) -> Message:
        message = super().__new__(cls, text)
        message.code = code
        return message

    def format(self, *args: object, **kwargs: object) -> Message:
        """The message with its places filled in; the code stays."""
        return Message(self.code, super().format(*args, **kwargs))


class StrictSchema(Schema):
    """A shape that refuses, by name, every field it does not know."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": Message("unknown_field", "未知字段"),
        "type": Message("not_an_object", "应为 JSON 对象"),
    }


def load(schema: Schema, received: Any, *, partial: bool = False) -> dict[str, Any]:
    """What a schema makes of received JSON.

    Raises `MalformedRequest` when it is no object at all, `Invalid` with one error per field otherwise.
    """
    if not isinstance(received, Mapping):
        raise MalformedRequest("请求内容应为 JSON 对象", code="not_an_object")
    try:
        loaded: dict[str, Any] = schema.load(received, partial=partial)
    except ValidationError as problem:
        errors = errors_of(problem)
        first = errors[0]
        raise Invalid(
            f"输入有误: {first['field']} {first['message']}", code="invalid", errors=errors
        ) from problem
    return loaded


def read_by(field: marshmallow.fields.Field[Any], value: Any) -> Any:
    """What a field without validators makes of a value: the same as `deserialize`, at half its cost."""
    return field.deserialize(value) if value is None else field._deserialize(value, None, None)


def errors_of(problem: ValidationError) -> list[dict[str, Any]]:
    """The places at fault, flat: `{"field": "contacts.0.phone", "code", "message"}`."""
    return list(_flatten("", problem.messages))


def _flatten(path: str, messages: Any) -> list[dict[str, Any]]:
    if isinstance(messages, Mapping):
        found: list[dict[str, Any]] = []
        for key, below in messages.items():
            name = "" if key == "_schema" else str(key)
            found += _flatten(".".join(part for part in (path, name) if part), below)
        return found
    if isinstance(messages, (list, tuple)):
        return [error for message in messages for error in _flatten(path, message)]
    return [{"field": path, "code": getattr(messages, "code", "invalid"), "message": str(messages)}]


def refuse(code: str, text: str, field: str = SCHEMA) -> ValidationError:
    """The error that a field or a schema's check raises for a wrong value; a check may name the field."""
    return ValidationError(Message(code, text), field)


class TextField(marshmallow.fields.Field[str]):
    """Text without surrounding blanks, NUL, control characters and lone surrogates.

    One line unless `multiline`; never empty unless `allow_blank`.
    """

    def __init__(
        self,
        *,
        max_length: int = 200,
        min_length: int = 0,
        multiline: bool = False,
        allow_blank: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_length = max_length
        self.min_length = min_length
        self.multiline = multiline
        self.allow_blank = allow_blank

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = clean_text(value, multiline=self.multiline)
        if not text and not self.allow_blank:
            raise refuse("blank", "不能为空")
        if len(text) > self.max_length:
            raise refuse("too_long", f"最多 {self.max_length} 个字符")
        if text and len(text) < self.min_length:
            raise refuse("too_short", f"至少 {self.min_length} 个字符")
        return text


def clean_text(value: Any, *, multiline: bool = False) -> str:
    """Text without surrounding blanks; `ValidationError` for what is no clean text."""
    if not isinstance(value, str):
        raise refuse("not_text", "应为文本")
    text = value.strip()
    if text.isascii() and text.isprintable():
        return text
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and not (multiline and character in _NEW_LINES):
            raise refuse("control_character", "包含不允许的控制字符")
    return text


class AmountField(marshmallow.fields.Field[Decimal]):
    """An amount as decimal text, in the currency that stands beside it under `currency_key`.

    More decimals than the currency has are refused. Without a currency beside it, the schema's default for
    that field counts, then `currency`.
    """

    def __init__(
        self,
        *,
        currency_key: str = "currency",
        currency: str | None = None,
        positive: bool = True,
        allow_zero: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.currency_key = currency_key
        self.currency = currency
        self.positive = positive
        self.allow_zero = allow_zero

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        currency = self._currency(obj)
        return money.format_amount(value, currency) if currency else f"{value:f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        currency = self._currency(data)
        if currency is None:
            raise refuse("currency_needed", "缺少有效的币种, 无法读取金额")
        try:
            amount = money.parse_amount(value, currency)
        except Invalid as problem:
            raise refuse(problem.code, problem.detail) from problem
        if self.positive and (amount < 0 or (amount == 0 and not self.allow_zero)):
            raise refuse("amount_not_positive", "金额不能为负" if self.allow_zero else "金额必须大于零")
        return amount

    def _currency(self, beside: Any) -> str | None:
        named: Any = missing
        if isinstance(beside, Mapping):
            named = beside.get(self.currency_key, missing)
        if named is missing or named is None:
            named = self._default_currency()
        return named if money.is_currency(named) else None

    def _default_currency(self) -> Any:
        siblings = getattr(self.root, "fields", None) or {}
        siblings = getattr(self.parent, "fields", None) or siblings
        field = siblings.get(self.currency_key)
        default = field.load_default if field is not None else missing
        if callable(default):
            default = default()
        return self.currency if default is missing or default is None else default


class CurrencyField(marshmallow.fields.Field[str]):
    """The ISO 4217 code of a currency in use, in capitals."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not money.is_currency(value):
            raise refuse("currency_unknown", "应为 ISO 4217 币种代码, 例如 CNY")
        return value


class DateField(marshmallow.fields.Field[date]):
    """A calendar day as `YYYY-MM-DD`, from 1900 to 2999."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        return parse_date(value)


def parse_date(value: Any) -> date:
    """The day in strict `YYYY-MM-DD`; `ValidationError` for anything else."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise refuse("date_malformed", "日期应为 YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError as problem:
        raise refuse("date_unknown", "日期不存在") from problem
    if not DATE_MIN <= day <= DATE_MAX:
        raise refuse("date_range", f"日期应在 {DATE_MIN} 与 {DATE_MAX} 之间")
    return day


class InstantField(marshmallow.fields.Field[datetime]):
    """An instant as in RFC 3339 with its offset (`2026-03-01T08:00:00+08:00`); loaded as UTC."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        return parse_instant(value)


def parse_instant(value: Any) -> datetime:
    """The instant of strict RFC 3339 text, in UTC; `ValidationError` for anything else."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise refuse("instant_malformed", "时间应为带时区的 ISO 8601 格式, 例如 2026-03-01T08:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise refuse("instant_unknown", "时间不存在") from problem
    if not DATE_MIN <= moment.date() <= DATE_MAX:
        raise refuse("instant_range", f"时间应在 {DATE_MIN} 与 {DATE_MAX} 之间")
    return moment


class IntegerField(marshmallow.fields.Field[int]):
    """A whole number, as a JSON number or as plain ASCII digits (as in a query string)."""

    def __init__(self, *, minimum: int = -(10**18), maximum: int = 10**18, **options: Any) -> None:
        super().__init__(**options)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse("not_an_integer", "应为整数")
        if not self.minimum <= value <= self.maximum:
            raise refuse("out_of_range", f"应在 {self.minimum} 与 {self.maximum} 之间")
        return value


class NumberField(marshmallow.fields.Field[Decimal]):
    """An exact number that is no money: a JSON number or plain decimal text, at most 12 decimals."""

    def __init__(
        self, *, minimum: Decimal | None = None, maximum: Decimal | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        text = f"{value:f}" if isinstance(value, Decimal) else value
        if isinstance(value, int) and not isinstance(value, bool):
            text = str(value)
        if not isinstance(text, str) or not _NUMBER.fullmatch(text):
            raise refuse("not_a_number", "应为数字")
        number = Decimal(text)
        if number.is_zero():
            number = abs(number)
        if self.minimum is not None and number < self.minimum:
            raise refuse("out_of_range", f"不能小于 {self.minimum}")
        if self.maximum is not None and number > self.maximum:
            raise refuse("out_of_range", f"不能大于 {self.maximum}")
        return number


class FlagField(marshmallow.fields.Field[bool]):
    """Yes or no: a JSON boolean, or the words `true` and `false` (as in a query string)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        if value == "true" or value == "false":
            return bool(value == "true")
        raise refuse("not_a_flag", "应为 true 或 false")


class IdField(marshmallow.fields.Field[UUID]):
    """An identifier in its 36-character form."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise refuse("not_an_id", "应为 UUID")
        return UUID(value)


class UsccField(marshmallow.fields.Field[str]):
    """A unified social credit code with the right check character, loaded in capitals."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return uscc.check(clean_text(value))
        except Invalid as problem:
            raise refuse(problem.code, problem.detail) from problem


class ObjectField(marshmallow.fields.Field[dict[str, Any]]):
    """A JSON object whose members are checked elsewhere."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise refuse("not_an_object", "应为 JSON 对象")
        return dict(value)


def _speak_chinese() -> None:
    """Give marshmallow's own fields and validators Chinese messages with codes."""
    known = marshmallow.fields
    known.Field.default_error_messages = {
        "required": Message("required", "必填"),
        "null": Message("null", "不能为空"),
        "validator_failed": Message("invalid", "值不正确"),
    }
    for kind, key, message in (
        (known.Nested, "type", Message("not_an_object", "应为 JSON 对象")),
        (known.List, "invalid", Message("not_a_list", "应为列表")),
        (known.Dict, "invalid", Message("not_an_object", "应为 JSON 对象")),
        (known.Mapping, "invalid", Message("not_an_object", "应为 JSON 对象")),
        (known.String, "invalid", Message("not_text", "应为文本")),
        (known.String, "invalid_utf8", Message("not_text", "应为 UTF-8 文本")),
        (known.UUID, "invalid_uuid", Message("not_an_id", "应为 UUID")),
        (known.Integer, "invalid", Message("not_an_integer", "应为整数")),
        (known.Number, "invalid", Message("not_a_number", "应为数字")),
        (known.Number, "too_large", Message("not_a_number", "数字过大")),
        (known.Boolean, "invalid", Message("not_a_flag", "应为 true 或 false")),
    ):
        kind.default_error_messages = {**kind.__dict__.get("default_error_messages", {}), key: message}
    validate.OneOf.default_message = Message("not_a_choice", "应为以下之一: {choices}")
    validate.Regexp.default_message = Message("pattern", "格式不正确")
    validate.Email.default_message = Message("email", "不是有效的邮箱地址")
    validate.Length.message_min = Message("too_short", "至少 {min} 项")
    validate.Length.message_max = Message("too_long", "最多 {max} 项")
    validate.Length.message_all = Message("length", "长度应在 {min} 与 {max} 之间")
    validate.Range.message_min = Message("out_of_range", "不能小于 {{min}}")
    validate.Range.message_max = Message("out_of_range", "不能大于 {{max}}")
    validate.Range.message_all = Message("out_of_range", "应在 {{min}} 与 {{max}} 之间")


_speak_chinese()
