"""What the ERP tells of an order that is there: it ended, was reopened, delivered, or goods came back.

What comes before its order waits for it, and is applied as soon as that comes, by whichever route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import CreditError, Invalid, NotFound, is_passing
from services.common.fields import parse_date
from services.limits import store
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.orders.changes import record_delivery, release_order, reopen_locked
from services.limits.operations.orders.deliveries import record_return
from services.limits.operations.waiting import set_aside

ENDED = ("cancelled", "closed")
Body = Mapping[str, Any]


def apply_waiting(work: UnitOfWork, order: Mapping[str, Any]) -> bool:
    """Apply what waited for an order that has come; returns whether anything did.

    What cannot be applied, because the order was refused, say, is parked by itself: the order stands.
    """
    key = store.key_of_order(order["source"], order["company"], order["order_no"])
    rows = store.take_waiting(work, "order", [key])
    for row in rows:
        try:
            with work.attempt():
                LATER_STATES[row["routing_key"]](work, row["body"])
        except CreditError as refusal:
            if is_passing(refusal):
                raise
            set_aside(work, row, refusal.detail)
    return bool(rows)


def _named_order(work: UnitOfWork, body: Body) -> dict[str, Any]:
    names = {"source": str(body.get("source")), "company": str(body.get("company") or "")}
    order = store.order_of(work, names["source"], names["company"], _text(body, "order_no"))
    if order is None:
        raise NotFound("没有这个订单", code="unknown_order")
    store.lock_customers(work, [order["customer_id"]])
    return order


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"ERP 报文缺少 {name}", code=name)
    return value


def _revision(body: Body) -> int | None:
    revision = body.get("revision")
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
        raise Invalid("ERP 报文的 revision 应为整数", code="revision")
    return revision


def _is_old(order: Mapping[str, Any], body: Body) -> bool:
    revision = _revision(body)
    return revision is not None and revision <= order["revision"]


def _end(status: str) -> Callable[[UnitOfWork, Body], dict[str, Any]]:
    def apply(work: UnitOfWork, body: Body) -> dict[str, Any]:
        order = _named_order(work, body)
        if _is_old(order, body):
            return {"status": "duplicate"}
        if order["status"] == status:
            return _noted(work, order, body)
        release_order(work, order, status, _revision(body))
        tell_accounts(work, [order["customer_id"]])
        return {"status": status}

    return apply


def _reopen(work: UnitOfWork, body: Body) -> dict[str, Any]:
    order = _named_order(work, body)
    if _is_old(order, body):
        return {"status": "duplicate"}
    if order["status"] not in ENDED:
        # What it opens again has not been closed yet: when that comes, it comes too late.
        return _noted(work, order, body)
    return reopen_locked(work, order, _revision(body))


def _noted(work: UnitOfWork, order: dict[str, Any], body: Body) -> dict[str, Any]:
    """Remember the revision of a document that finds everything as it wants it."""
    order["revision"] = max(order["revision"], _revision(body) or 0)
    store.save_order(work, order)
    return {"status": "duplicate"}


def _deliver(work: UnitOfWork, body: Body) -> dict[str, Any]:
    order = _named_order(work, body)
    received = {"delivery_no": _text(body, "delivery_no"), "amount": body.get("amount")}
    return record_delivery(work, order, {**received, "delivered_at": _day(body, "delivered_at")})


def _return(work: UnitOfWork, body: Body) -> dict[str, Any]:
    order = _named_order(work, body)
    received = {"return_no": _text(body, "return_no"), "amount": body.get("amount")}
    return record_return(work, order, {**received, "returned_at": _day(body, "returned_at")})


def _day(body: Body, name: str) -> Any:
    day = body.get(name)
    return None if day is None else parse_date(day)


LATER_STATES: Mapping[str, Callable[[UnitOfWork, Body], dict[str, Any]]] = {
    "order.cancelled": _end("cancelled"),
    "order.closed": _end("closed"),
    "order.reopened": _reopen,
    "order.delivered": _deliver,
    "order.returned": _return,
}
