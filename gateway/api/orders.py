"""Orders: checked against the credit limit by every route alike."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.limits import schema

_ONE = "/orders/<order_no>"
_STATUS = {"reserved": 201, "held": 202, "refused": 422}


def _created(answer: dict[str, Any]) -> int:
    return _STATUS.get(answer["status"], 200)


def _changed(answer: dict[str, Any]) -> int:
    return {"held": 202, "refused": 422}.get(answer["status"], 200)


def _action(name: str, call: str, permission: str, summary: str, body: Any = schema.OrderKey) -> Route:
    return Route(
        "POST",
        f"{_ONE}:{name}",
        service="limits",
        call=call,
        permission=permission,
        body=body,
        answer=schema.OrderAnswer,
        status=_changed,
        tag="orders",
        summary=summary,
    )


ROUTES = [
    Route(
        "POST",
        "/orders",
        service="limits",
        call="reserve_order",
        permission="orders.create",
        body=schema.NewOrder,
        answer=schema.OrderAnswer,
        status=_created,
        together=True,
        tag="orders",
        summary="Check an order and reserve its amount: 201 reserved, 202 held, 422 refused",
    ),
    Route(
        "POST",
        "/orders:check",
        service="limits",
        call="check_order",
        permission="orders.check",
        body=schema.OrderToCheck,
        answer=schema.OrderAnswer,
        tag="orders",
        summary="What would come of an order, explained, without any effect",
    ),
    Route(
        "POST",
        "/orders:batch",
        service="limits",
        call="reserve_orders",
        permission="orders.create",
        body=schema.Batch,
        answer=schema.BatchAnswer,
        tag="orders",
        summary="Up to 5,000 orders; each stands alone",
        timeout_seconds=120,
    ),
    Route(
        "GET",
        "/orders",
        service="limits",
        call="list_orders",
        permission="orders.read",
        listing=True,
        tag="orders",
        summary="Orders, newest first; `status=held` is the worklist of blocked orders",
    ),
    Route(
        "GET",
        _ONE,
        service="limits",
        call="get_order",
        permission="orders.read",
        answer=schema.OrderAnswer,
        tag="orders",
        summary="One order with its last decision",
    ),
    _action("amend", "amend_order", "orders.change", "Change an order; more is checked", schema.OrderChange),
    _action("cancel", "cancel_order", "orders.change", "Cancel an order and release what it reserved"),
    _action("close", "close_order", "orders.change", "Close an order and release what is left of it"),
    _action("reopen", "reopen_order", "orders.change", "Open an order again, by the same check"),
    _action("release", "release_order", "orders.release", "Let a held order pass"),
    _action("deliver", "deliver_order", "deliveries.create", "Record a delivery", schema.Delivery),
    _action("return-delivery", "return_delivery", "deliveries.create", "Goods came back", schema.Return),
    _action(
        "reverse-delivery",
        "reverse_delivery",
        "deliveries.reverse",
        "Take back a delivery or a return that was a mistake",
        schema.DeliveryKey,
    ),
    Route(
        "GET",
        "/decisions",
        service="limits",
        call="list_decisions",
        permission="decisions.read",
        listing=True,
        tag="orders",
        summary="Documented credit decisions, newest first",
    ),
]
