"""What becomes of deliveries: goods come back, and what was recorded by mistake is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.orders.changes import positive_amount, require_order, stage
from services.limits.operations.over_limit import is_over_limit


def return_delivery(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record that goods of an order came back; `Invalid` for more than was delivered.

    Of a closed order exposure falls, of an open one it is reserved again until that is closed or amended:
    the goods are still to be delivered. What was invoiced stays a receivable until a credit note comes.
    """
    order = require_order(work, received)
    amount = positive_amount(received["amount"], order["currency"])
    is_new = store.find_delivery(work, order["id"], received["return_no"]) is None
    if is_new and amount > order["delivered_total"]:
        raise invalid_field("amount", "return_exceeds", "退货金额大于已交货金额")
    return record_return(work, order, received)


def record_return(work: UnitOfWork, order: dict[str, Any], received: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a locked order, whatever has been delivered: the delivery may be still to come."""
    returned = {
        "id": new_id(),
        "order_id": order["id"],
        "delivery_no": received["return_no"],
        "amount": -positive_amount(received["amount"], order["currency"]),
        "delivered_at": received.get("returned_at") or dates.today(work),
        "recorded_at": work.now,
        "reversed_on": None,
    }
    if not store.add_delivery(work, returned):
        known = store.find_delivery(work, order["id"], received["return_no"])
        if known is None or known["amount"] != returned["amount"]:
            raise Conflict("该退货单号已用于另一笔交货或退货", code="delivery_exists")
        return _answer(work, order, known)
    order["delivered_total"] += returned["amount"]
    stage(work, order, "return", returned["delivered_at"])
    return _changed(work, order, returned, "order_returned", received.get("reason"))


def reverse_delivery(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take back a delivery or a return that was recorded by mistake; 409 when it was taken back already."""
    order = require_order(work, received)
    delivery = store.find_delivery(work, order["id"], received["delivery_no"])
    if delivery is None:
        raise NotFound("没有这笔交货", code="unknown_delivery")
    if delivery["reversed_on"] is not None:
        raise Conflict("交货已冲销", code="already_reversed")
    on = dates.today(work)
    delivery["reversed_on"] = on
    store.reverse_delivery(work, delivery["id"], on)
    order["delivered_total"] -= delivery["amount"]
    stage(work, order, "reverse_delivery")
    return _changed(work, order, delivery, "order_delivery_reversed", received.get("reason"))


def _changed(
    work: UnitOfWork,
    order: dict[str, Any],
    delivery: Mapping[str, Any],
    event: str,
    why: str | None,
) -> dict[str, Any]:
    over_limit = is_over_limit(work, order)
    shown = events.delivery_view(delivery, order["currency"])
    events.order_event(work, event, order, delivery=shown, reason=why, over_limit=over_limit)
    tell_accounts(work, [order["customer_id"]])
    return {**_answer(work, order, delivery), "over_limit": over_limit}


def _answer(work: UnitOfWork, order: Mapping[str, Any], delivery: Mapping[str, Any]) -> dict[str, Any]:
    shown = events.delivery_view(delivery, order["currency"])
    return {"status": order["status"], "order": events.order_view(order), "delivery": shown}
