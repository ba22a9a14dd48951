"""What authentication and permission of a remembered caller cost, at both ends of a message of its own.

Over a PostgreSQL of its own. Part of `make bench`; alone: `python -m tests.bench.authentication`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402
from pathlib import Path  # noqa: E402

from flask import Request  # noqa: E402
from kombu import Message  # noqa: E402
from werkzeug.test import EnvironBuilder  # noqa: E402

from gateway.audit.trail import Origin  # noqa: E402
from gateway.identity import model, operations, roles, tokens  # noqa: E402
from gateway.identity.desk import Desk  # noqa: E402
from gateway.identity.seed import seed  # noqa: E402
from gateway.sign_in.entrance import Entrance  # noqa: E402
from services.common import field_rights, keys  # noqa: E402
from services.common.caller import CallerSigner, CallerVerifier, service_caller  # noqa: E402
from services.common.config import GATEWAY, Settings  # noqa: E402
from services.common.db import Database  # noqa: E402
from services.common.expressions import World  # noqa: E402
from services.common.messaging.authenticity import (  # noqa: E402
    ENCODING,
    MessageSigner,
    MessageVerifier,
    SharedKeys,
)
from services.common.messaging.wire import dumps  # noqa: E402
from services.common.scopes import Facts, reaches  # noqa: E402
from services.limits.rights import ORDERS  # noqa: E402
from tests.support.postgres import DatabaseServer, OwnPostgres  # noqa: E402

Figures = dict[str, float]
_TIMES = 20_000
_RIGHT = "orders.create"
_PASSWORD = "a long enough password"
_GRANT = {
    "right": _RIGHT,
    "scopes": [{"kind": "own"}, {"kind": "department_below"}],
    "condition": "amount > 1",
}


def measure(times: int = _TIMES) -> Figures:
    """The figure `auth_ms`, of a caller with a scope, a condition and a field that is kept from them."""
    with tempfile.TemporaryDirectory() as folder:
        own = OwnPostgres(Path(folder))
        own.start()
        server = DatabaseServer(own.url)
        try:
            with server.databases([GATEWAY]) as prefix:
                keys_dir = Path(folder) / "keys"
                settings = Settings(
                    database_url=server.url,
                    database_prefix=prefix,
                    keys_dir=keys_dir,
                    admin_password=_PASSWORD,
                )
                keys.make_missing_keys(keys_dir)
                database = Database(settings.database(GATEWAY), model.metadata, name=GATEWAY)
                try:
                    return {"auth_ms": round(_measure(database, settings, times), 4)}
                finally:
                    database.dispose()
        finally:
            server.close()
            own.stop()


def _measure(database: Database, settings: Settings, times: int) -> float:
    """Milliseconds a request, over many; every second or so one of them reads what has changed."""
    with database.begin(service_caller(GATEWAY)) as work:
        seed(work, settings)
        label = {"label": "x", "grants": [_GRANT], "fields": {"orders": {"amount": "read"}}}
        roles.save_role(work, "narrow", label)
        person = {"username": "sam", "name": "sam", "email": None, "department": None, "roles": ["narrow"]}
        operations.create_user(work, person, tokens.hash_password(_PASSWORD))
    desk = Desk(database, settings)
    entrance = Entrance(database, settings)
    token = entrance.sign_in("sam", _PASSWORD, Origin("127.0.0.1", "bench"))["access_token"]
    environ = EnvironBuilder(headers=[("Authorization", f"Bearer {token}")]).get_environ()
    signer = CallerSigner(keys.load_private_key(settings.keys_dir, GATEWAY), GATEWAY)
    verifier = CallerVerifier(keys.load_public_keys(settings.keys_dir), "limits")
    facts = Facts(("sam",), ("S",), ("1",), {"amount": 5, "currency": "CNY"})
    body = {"order_no": "1", "currency": "CNY"}
    sending, receiving = (SharedKeys.load(settings, name) for name in (GATEWAY, "limits"))
    vouching, checking = MessageSigner(sending), MessageVerifier(receiving)

    def once() -> None:
        caller = desk.caller_of(Request(environ))
        caller.require(_RIGHT)
        signed = signer.sign(caller, "limits")
        message = _message(vouching, dumps({"input": body, "caller": signed}))
        behind = verifier.verify(signed, checking.open(message).sender)
        behind.require(_RIGHT)
        field_rights.require_written(behind, _RIGHT, body)
        assert reaches(behind, _RIGHT, facts, ORDERS.scope_of_records, World())

    once()
    began = time.perf_counter()
    for _ in range(times):
        once()
    return (time.perf_counter() - began) / times * 1000


def _message(vouching: MessageSigner, sent: bytes) -> Message:
    """The message as the broker hands it over."""
    properties = {"reply_to": "answers", "correlation_id": uuid.uuid4().hex}
    headers = vouching.headers(
        "limits",
        "create_order",
        reply_to=properties["reply_to"],
        identity=properties["correlation_id"],
        seconds=10,
        body=sent,
    )
    info = {"routing_key": "limits.create_order"}
    return Message(  # type: ignore[no-untyped-call]
        sent, content_encoding=ENCODING, headers=headers, properties=properties, delivery_info=info
    )


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
