"""The doors of a service: RPC endpoints that check who asks for what, and answer as plain JSON."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from marshmallow import Schema

from services.common import field_rights, idempotency, telemetry
from services.common.caller import Caller
from services.common.errors import CreditError, Forbidden, Invalid, MalformedRequest
from services.common.fields import load
from services.common.messaging.authenticity import Envelope
from services.common.messaging.rpc import Endpoint
from services.common.rights import resource_of
from services.common.strict_json import Plain, to_plain

if TYPE_CHECKING:
    from services.common.messaging.service import Service

_log = logging.getLogger(__name__)
PUBLIC = "public"
SERVICES_ONLY = "services-only"
# What an endpoint that asks for no right works under: nobody holds it, so it reaches no scoped record.
_SIGNED_IN = "signed-in"


@dataclass(frozen=True)
class OfService:
    """A right that the service says, by a method that is given the input: of doors that several share."""

    method: str


# A right that depends on what is asked for: that of the form whose records it is about.
Permission = str | Callable[[Any], str] | OfService | None


@dataclass(frozen=True)
class Call:
    """One request as a door method sees it: `input` is loaded by the endpoint's schema.

    `right` is what the endpoint asks for; how far it reaches is what its units of work go by. A request that
    brought no idempotency key has that of its message, so that one delivered or sent again changes nothing.
    """

    method: str
    input: Any
    received: Any
    caller: Caller
    idempotency_key: str
    trace_id: str
    right: str
    envelope: Envelope


@dataclass(frozen=True)
class EndpointDeclaration:
    """What an endpoint declares: its shape and the permission that it asks for."""

    schema: Schema | None
    permission: Permission


def endpoint(schema: Schema | None, permission: Permission) -> Callable[[Callable[..., Any]], Any]:
    """Make a method an RPC endpoint: `method(self, call)`, answered as plain JSON.

    `permission` is what the caller must hold; `None` lets in anybody signed in, `SERVICES_ONLY` only
    services, `PUBLIC` everybody (infrastructure that tells nothing). A function says it of the input as it
    was received, before its shape is known.
    """

    def register(method: Callable[..., Any]) -> Any:
        def entry(self: Service, request: Any, envelope: Envelope) -> dict[str, Any]:
            return _answer(self, method, EndpointDeclaration(schema, permission), request, envelope)

        entry.__name__ = method.__name__
        entry.__doc__ = method.__doc__
        entry.__credit_endpoint__ = EndpointDeclaration(schema, permission)  # type: ignore[attr-defined]
        return Endpoint.decorator(entry)

    return register


def _answer(
    service: Service,
    method: Callable[..., Any],
    declared: EndpointDeclaration,
    request: Any,
    envelope: Envelope,
) -> dict[str, Any]:
    started = time.perf_counter()
    answer: dict[str, Any]
    call: Call | None = None
    try:
        call = _open(service, method.__name__, declared, request, envelope)
        # Plain for good: `many` looks through no answer again.
        answer = Plain(ok=to_plain(method(service, call)))
    except CreditError as refusal:
        answer = {"error": refusal.to_dict()}
    except Exception:  # noqa: BLE001 - the caller gets an answer, the log the cause
        _log.exception("%s.%s failed", service.name, method.__name__)
        answer = {"error": CreditError("服务内部错误, 请联系管理员", code="internal_error").to_dict()}
    if call is not None and call.caller.fields:
        # A refusal may show a record as well: that of an order under the same number, say.
        answer = field_rights.conceal(call.caller, call.right, to_plain(answer))
    outcome = str(answer["error"]["status"]) if "error" in answer else "ok"
    elapsed = time.perf_counter() - started
    telemetry.rpc_seconds.labels(service.name, method.__name__, outcome).observe(elapsed)
    return answer


def _open(
    service: Service, name: str, declared: EndpointDeclaration, request: Any, envelope: Envelope
) -> Call:
    schema, asked = declared.schema, declared.permission
    if not isinstance(request, dict):
        raise MalformedRequest("内部请求格式错误")
    received = request.get("input")
    trace_id = str(request.get("trace_id") or "")
    telemetry.bind_trace(trace_id)
    if asked == PUBLIC:
        caller = Caller(kind="anonymous", id="", username="")
    else:
        caller = service.ground.verifier.verify(request.get("caller"), envelope.sender)
    if isinstance(asked, OfService):
        asked = cast(Callable[[Any], str], getattr(service, asked.method))
    permission = asked(received) if callable(asked) else asked
    if permission == SERVICES_ONLY:
        if caller.kind != "service":
            raise Forbidden("该接口仅供内部服务使用")
    elif permission not in (None, PUBLIC):
        caller.require(str(permission))
    key = request.get("idempotency_key")
    if key is None:
        key = idempotency.key_of_message(envelope.identity)
    elif not isinstance(key, str) or not 0 < len(key) <= idempotency.KEY_LENGTH_MAX:
        raise Invalid("Idempotency-Key 应为 1 到 200 个字符", code="idempotency_key_invalid")
    right = permission or _SIGNED_IN
    field_rights.require_written(caller, right, received)
    loaded = received or {} if schema is None else load(schema, {} if received is None else received)
    if caller.fields and isinstance(loaded, Mapping):
        names = [*(loaded.get("where") or ()), str(loaded.get("sort") or "").removeprefix("-")]
        field_rights.require_seen(caller, resource_of(right), filter(None, names))
    return Call(name, loaded, received, caller, key, trace_id, right, envelope)
