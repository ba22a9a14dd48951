"""JSON at the borders: nothing is read that could be read in two ways, nothing is written inexactly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn
from uuid import UUID

import orjson

from services.common.errors import MalformedRequest, PayloadTooLarge

BYTES_MAX = 10 * 1024 * 1024
DEPTH_MAX = 64
KEYS_MAX = 100_000
_NUMBER_LENGTH_MAX = 64
_EXPONENT_MAX = 64
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(
    data: bytes | bytearray | memoryview | str,
    *,
    bytes_max: int = BYTES_MAX,
    depth_max: int = DEPTH_MAX,
    keys_max: int = KEYS_MAX,
) -> Any:
    """Read one JSON document; numbers with a fraction or an exponent become `Decimal`.

    `PayloadTooLarge` for more than `bytes_max` bytes, `MalformedRequest` for everything else that is not
    one clear document: NaN, Infinity, a key twice, a NUL character, a lone surrogate, invalid UTF-8, deeper
    than `depth_max`, more than `keys_max` keys, numbers of more than 64 characters or beyond 10^±64.
    """
    text = _text(data, bytes_max)
    reader = _Reader(keys_max)
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.pairs,
            parse_float=reader.fraction,
            parse_int=reader.integer,
            parse_constant=reader.constant,
        )
    except json.JSONDecodeError as problem:
        raise MalformedRequest(
            f"JSON 格式不正确 (第 {problem.lineno} 行第 {problem.colno} 列)", code="json_malformed"
        ) from problem
    except RecursionError as problem:
        raise _too_deep(depth_max) from problem
    # A document cannot be deeper than it has opening brackets: small ones need no walk.
    if "\\u" in text or text.count("[") + text.count("{") > depth_max:
        _walk(value, depth_max)
    return value


def dumps(value: Any) -> str:
    """Compact JSON of a value that may hold what `to_plain` takes; `ValueError` for NaN and infinities."""
    if type(value) is Plain:
        return value.text.decode()
    if type(value) is PlainList:
        return dumps_plain(list(value)).decode()
    try:
        return _compact.encode(value)
    except TypeError:
        # A key that is no text; `to_plain` knows more of them.
        return _compact.encode(to_plain(value))


def dumps_plain(value: Any) -> bytes:
    """Compact JSON of what `to_plain` has made, many times faster; it may hold `Written` pieces."""
    if type(value) is Plain:
        return value.text
    try:
        return orjson.dumps(value, _written, orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        # Integers beyond 64 bits, which the fast writer does not know.
        return _compact.encode(value).encode()


def to_plain(value: Any) -> Any:
    """The same value in JSON's own types.

    Decimal → text without exponent, datetime → UTC with `Z`, date and UUID → text, tuples and sets → lists
    (sets sorted), keys → text. `ValueError` for what has no exact form (NaN, infinity, a naive datetime),
    `TypeError` for an unknown type.
    """
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool or kind is Plain or kind is Written:
        return value
    if kind is dict:
        return {key if type(key) is str else _key(key): to_plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [to_plain(item) for item in value]
    convert = _CONVERT.get(kind)
    return convert(value) if convert else _other(value)


# What JSON has is written as it is, without a copy; anything else goes through `to_plain`.
_compact = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=lambda value: to_plain(value)
)


class Plain(dict[str, Any]):
    """What `to_plain` has made of a mapping: it need not be looked through again, and is written once.

    So nobody may change it (`TypeError`): an answer, the event that tells it and the kept answer hold the
    same one.
    """

    __slots__ = ("_text",)
    _text: bytes

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Plain:
        """What `to_plain` makes of a mapping."""
        return cls(to_plain(dict(value)))

    def __setitem__(self, key: str, value: Any) -> NoReturn:
        raise TypeError(f"{key}: what was written as JSON already is copied, not changed")

    def __delitem__(self, key: str) -> NoReturn:
        self[key] = None

    @property
    def text(self) -> bytes:
        """Its compact JSON."""
        try:
            return self._text
        except AttributeError:
            self._text = dumps_plain(dict(self))
            return self._text


class PlainList(list[Any]):
    """A list of what `to_plain` has made, to be written as it is."""


# JSON that is text already, and is written as it stands: `Written("{}")`.
Written = orjson.Fragment


def _written(value: Any) -> Any:
    return Written(value.text) if type(value) is Plain else to_plain(value)


class _Reader:
    """The hooks of one reading; counts keys as they come."""

    def __init__(self, keys_max: int) -> None:
        self._keys_left = keys_max
        self._keys_max = keys_max

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._keys_left -= len(pairs)
        if self._keys_left < 0:
            raise MalformedRequest(f"JSON 的键超过 {self._keys_max} 个", code="json_too_many_keys")
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, _value in pairs:
                if key in seen:
                    name = _printable(key)
                    raise MalformedRequest(
                        f"JSON 中的键重复: {name}",
                        code="json_duplicate_key",
                        errors=[{"field": name, "code": "json_duplicate_key", "message": "键重复"}],
                    )
                seen.add(key)
        return result

    @staticmethod
    def fraction(text: str) -> Decimal:
        number = Decimal(text) if len(text) <= _NUMBER_LENGTH_MAX else None
        # Beyond such exponents the plain form of the number would fill the memory.
        if number is None or abs(number.adjusted()) > _EXPONENT_MAX:
            raise MalformedRequest("JSON 中的数字过长或过大", code="json_number")
        return number

    @staticmethod
    def integer(text: str) -> int:
        if len(text) > _NUMBER_LENGTH_MAX:
            raise MalformedRequest("JSON 中的数字过长", code="json_number")
        return int(text)

    @staticmethod
    def constant(name: str) -> Any:
        raise MalformedRequest(f"JSON 不允许 {name}", code="json_not_a_number")


def _text(data: bytes | bytearray | memoryview | str, bytes_max: int) -> str:
    size = len(data) if not isinstance(data, memoryview) else data.nbytes
    if size > bytes_max:
        raise PayloadTooLarge(f"请求内容超过 {bytes_max} 字节", code="too_large", bytes_max=bytes_max)
    if isinstance(data, str):
        _check_text(data)
        return data
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise MalformedRequest(
            f"内容不是有效的 UTF-8 (字节 {problem.start})", code="json_not_utf8"
        ) from problem


def _walk(value: Any, depth_max: int) -> None:
    level: list[Any] = [value]
    depth = 0
    while level:
        below: list[Any] = []
        for item in level:
            if type(item) is str:
                _check_text(item)
            elif type(item) is dict:
                for key in item:
                    _check_text(key)
                below.append(item.values())
            elif type(item) is list:
                below.append(item)
        if below:
            depth += 1
            if depth > depth_max:
                raise _too_deep(depth_max)
        level = [item for items in below for item in items]


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise MalformedRequest("文本中不允许 NUL 字符", code="json_nul")
    if not text.isascii() and _SURROGATE.search(text):
        raise MalformedRequest("文本中有不成对的代理字符", code="json_lone_surrogate")


def _too_deep(depth_max: int) -> MalformedRequest:
    return MalformedRequest(f"JSON 嵌套超过 {depth_max} 层", code="json_too_deep")


def _printable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text[:100]).replace("\x00", "\ufffd")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} has no exact form in JSON")
    return f"{value:f}"


def _float(value: float) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} has no exact form in JSON")
    return value


def _datetime(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _set(value: Iterable[Any]) -> list[Any]:
    return sorted((to_plain(item) for item in value), key=lambda item: (str(type(item)), item))


_CONVERT: dict[type, Callable[[Any], Any]] = {
    Decimal: _decimal,
    UUID: str,
    datetime: _datetime,
    date: date.isoformat,
    float: _float,
    set: _set,
    frozenset: _set,
}


def _other(value: Any) -> Any:
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, Mapping):
        return to_plain(dict(value))
    if isinstance(value, str):
        return str(value)
    for kind, convert in _CONVERT.items():
        if isinstance(value, kind):
            return convert(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _key(key: Any) -> str:
    plain = to_plain(key)
    if not isinstance(plain, str):
        plain = json.dumps(plain)
    return plain
