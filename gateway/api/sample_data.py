"""The sample company: made in the background, followed, and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import eventlet
from flask import Request

from gateway.context import Context
from gateway.identity import tokens
from gateway.local import body
from gateway.routes import admin_route
from gateway.sample_data import operations
from gateway.sample_data.maker import Maker
from gateway.sign_in import passwords
from gateway.sign_in.schema import password_field
from services.common import keys
from services.common.errors import Conflict, Forbidden
from services.common.fields import StrictSchema

_PAGE = 200
# The answer is sent before everything stops.
_ANSWERED_SECONDS = 1.0


class SampleInput(StrictSchema):
    """The password with which the people of the sample sign in."""

    password = password_field(required=True)


def _status(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.read(lambda work: operations.status(work, context.ground.sample_maker))


def _make(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    received = body(SampleInput())
    maker = _maker(context)
    session = context.session_id
    if session is None:
        raise Forbidden("请由管理员登录后操作, 不能使用 API 密钥", code="session_needed")
    if _codes(context, 1):
        raise Conflict("已有客户: 示例数据只能在没有客户的系统中生成", code="customers_there")
    context.read_raw(lambda work: passwords.check(work, received["password"], {}))
    settings, now = context.settings, context.ground.database.clock.now()
    secret = keys.session_secret(settings.keys_dir, settings.secret_key)
    token = tokens.access_token(secret, UUID(context.caller.id), session, now)
    answer = context.apply("make_sample_data", {}, lambda work: operations.begin(work, maker))
    eventlet.spawn_n(operations.run, context.ground.database, maker, token, received["password"])
    return answer


def _remove(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    maker = _maker(context)

    def own_customers(of_sample: set[str]) -> int:
        return len(_codes(context) - of_sample)

    def ask(work: Any) -> Any:
        return operations.ask_for_removal(work, maker, own_customers)

    answer = context.apply("remove_sample_data", {}, ask)
    eventlet.spawn_after(_ANSWERED_SECONDS, maker.remove)
    return answer


def _maker(context: Context) -> Maker:
    maker: Maker | None = context.ground.sample_maker
    if maker is None:
        raise Conflict("此安装不能在线生成示例数据: 请运行 credit demo", code="sample_data_elsewhere")
    return maker


def _codes(context: Context, pages_max: int | None = None) -> set[str]:
    """The codes of all customers, or of the first pages."""
    codes: set[str] = set()
    after, read = None, 0
    while True:
        asked = {"where": {}, "page_size": _PAGE, **({"page_after": after} if after else {})}
        answer = context.ask("customer", "list_customers", asked)
        codes |= {item["code"] for item in answer["items"]}
        after, read = answer["next"], read + 1
        if after is None or read == pages_max:
            return codes


_PATH = "/admin/sample-data"
ROUTES = [
    admin_route("GET", _PATH, "system", "How the sample company stands", _status),
    admin_route(
        "POST",
        f"{_PATH}:make",
        "system",
        "Make the sample company in the background; only where there are no customers",
        _make,
        body=SampleInput,
        status=202,
    ),
    admin_route(
        "POST",
        f"{_PATH}:remove",
        "system",
        "Remove it: everything starts anew; only while there are no other customers",
        _remove,
        status=202,
    ),
]
