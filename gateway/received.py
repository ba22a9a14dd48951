"""What a request brings: its JSON, its parameters and its headers, read strictly or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Request
from marshmallow import Schema

from services.common import strict_json
from services.common.errors import (
    Invalid,
    MalformedRequest,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from services.common.fields import load
from services.common.idempotency import KEY_LENGTH_MAX
from services.common.paging import ListInput

BODY_BYTES_MAX = strict_json.BYTES_MAX
_PARAMETERS_MAX = 100
_SEGMENT_LENGTH_MAX = 500
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")
_JSON_TYPES = ("application/json", "application/merge-patch+json")


def read_json(asked: Request) -> Any:
    """The JSON body, read strictly; `{}` for an empty one.

    `PayloadTooLarge` before anything is parsed, `UnsupportedMediaType` for what is not declared as JSON,
    `MalformedRequest` for what is no single clear document.
    """
    length = asked.content_length
    if length is not None and length > BODY_BYTES_MAX:
        raise _too_large()
    # A body without a length (chunked) is read up to the limit, never further.
    raw = _read_chunked(asked) if length is None else asked.get_data()
    if len(raw) > BODY_BYTES_MAX:
        raise _too_large()
    if not raw:
        return {}
    if asked.mimetype not in _JSON_TYPES:
        raise UnsupportedMediaType("请以 application/json 提交", code="not_json")
    return strict_json.loads(raw)


def _read_chunked(asked: Request) -> bytes:
    try:
        raw: bytes = asked.environ["wsgi.input"].read(BODY_BYTES_MAX + 1)
    except (OSError, ValueError) as problem:
        raise MalformedRequest("请求内容的分块格式不正确", code="chunks_malformed") from problem
    return raw


def read_object(asked: Request, shape: Schema | None = None) -> dict[str, Any]:
    """The body as an object with the version of `If-Match` in it, loaded by a shape if there is one."""
    body = read_json(asked)
    if not isinstance(body, dict):
        raise MalformedRequest("请求内容应为 JSON 对象", code="not_an_object")
    body = with_version(asked, body)
    return body if shape is None else load(shape, body)


def with_version(asked: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The input with the version that `If-Match` names, which must not contradict its own."""
    tag = asked.headers.get("If-Match", "").strip()
    if not tag or tag == "*":
        return given
    plain = tag.removeprefix("W/").removeprefix('"').removesuffix('"')
    if not plain.isascii() or not plain.isdigit() or len(plain) > 9:
        raise MalformedRequest('If-Match 应为版本号, 例如 "3"', code="if_match_invalid")
    version = int(plain)
    if given.get("version") not in (None, version):
        raise MalformedRequest("If-Match 与内容中的 version 不一致", code="if_match_contradicts")
    return {**given, "version": version}


def parameters(asked: Request) -> dict[str, str]:
    """The query's parameters; each may stand once, and each is clean text."""
    given: dict[str, str] = {}
    for name, values in asked.args.lists():
        if len(values) > 1:
            raise MalformedRequest(f"参数 {_shown(name)} 出现了多次", code="parameter_twice")
        if _UNREADABLE.search(name) or _UNREADABLE.search(values[0]):
            raise MalformedRequest(f"参数 {_shown(name)} 含有不允许的字符", code="parameter_unreadable")
        given[name] = values[0]
    if len(given) > _PARAMETERS_MAX:
        raise MalformedRequest(f"参数超过 {_PARAMETERS_MAX} 个", code="too_many_parameters")
    return given


def list_input(asked: Request) -> dict[str, Any]:
    """A list's parameters as every list takes them: page, order, and `where` for the rest."""
    given = parameters(asked)
    size = given.pop("page[size]", None)
    received: dict[str, Any] = {"page_after": given.pop("page[after]", None), "sort": given.pop("sort", None)}
    if size is not None:
        if not size.isascii() or not size.isdigit() or len(size) > 6:
            error = {"field": "page[size]", "code": "not_an_integer", "message": "应为正整数"}
            raise Invalid("page[size] 应为正整数", code="page_size", errors=[error])
        received["page_size"] = int(size)
    return {**received, "where": given}


def loaded_list_input(asked: Request) -> dict[str, Any]:
    """The same, checked as a service would check it: for the gateway's own lists."""
    return load(ListInput(), list_input(asked))


def segments(path: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a path, decoded; what can be nobody's number or key is not found."""
    decoded = {}
    for name, value in path.items():
        try:
            text = unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise _no_such_address() from None
        if len(text) > _SEGMENT_LENGTH_MAX or _UNREADABLE.search(text):
            raise _no_such_address()
        decoded[name] = text
    return decoded


def idempotency_key(asked: Request) -> str | None:
    """The request's idempotency key, if it has one."""
    key = asked.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise Invalid("Idempotency-Key 应为 1 到 200 个可见 ASCII 字符", code="idempotency_key_invalid")
    return key


def _no_such_address() -> NotFound:
    return NotFound("没有这个地址", code="http_404")


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge("请求内容不能超过 10 MB", code="body_too_large", bytes_max=BODY_BYTES_MAX)


def _shown(name: str) -> str:
    return _UNREADABLE.sub("?", name[:60])
