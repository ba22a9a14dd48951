"""Orders that are there: what they bind is checked and moved, by every route alike; changed and read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.common.money import parse_amount
from services.common.paging import page
from services.limits import events, ledger, store
from services.limits.ledger import OPEN_ORDER, ZERO, Stages
from services.limits.model import orders
from services.limits.operations import checking, dates, override_uses, validity
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.filters import wanted_columns
from services.limits.operations.over_limit import is_over_limit
from services.limits.operations.posting import post

_FILTERS = ("status", "order_no", "source", "company")


def take_order(
    work: UnitOfWork,
    order: dict[str, Any],
    action: str,
    *,
    event: str | None = None,
    forced: bool = False,
    flagged: bool = False,
    leaving: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge an order as it is to be, and write what came of it: order, entry, decision and event.

    `order` holds its new amount and totals, and under `reserved` and `delivered` what it binds until now.
    With `forced` it has happened already: it is taken and flagged, whatever the verdict; with `flagged`
    something of it has happened. `leaving` is the order as it was of another payer, or in another currency:
    it leaves those pools as far as it is taken into these. What a special approval lets pass uses that up,
    and is flagged as well. Where more does not pass, what was open, or is to be opened again, stays as it
    was.
    """
    wanted = ledger.order_stages(
        order["amount"], order["delivered_total"], order["invoiced_total"], is_open=True
    )
    bound = Stages(reserved=order["reserved"], delivered=order["delivered"])
    with left_out(work, leaving) if leaving else nullcontext():
        more = wanted if leaving else wanted - bound
        check = checking.check_of(work, order, more.total)
    verdict, rules = checking.judge(work, check, order)
    is_approved = action == "release" and verdict.result == "held"
    result = "reserved" if forced or is_approved else verdict.result
    decision = checking.document(work, order, action, check, verdict, rules, result)
    order["decision_id"] = decision["id"]
    kept = (
        store.held_order(work, order["id"]) if order["status"] == OPEN_ORDER or action == "reopen" else None
    )
    if kept is not None and result != "reserved":
        order = kept
    else:
        if result == OPEN_ORDER and action in ("reopen", "release", "override"):
            validity.begin_again(work, order)
        order["status"] = result
        if leaving:
            leave(work, leaving)
            order.update(reserved=ZERO, delivered=ZERO)
        target = wanted if result == "reserved" else Stages(delivered=wanted.delivered)
        move_order(work, order, target, action)
    is_let_pass = verdict.override is not None and not forced
    if verdict.override is not None and is_let_pass:
        override_uses.use(work, verdict.override, order, check, decision["id"])
    shown = checking.decision_view(decision)
    name = event if event and result == "reserved" else f"order_{result}"
    flag = {"over_limit": is_over_limit(work, order)} if forced or flagged or is_let_pass else {}
    told = events.order_event(work, name, order, shown, **flag)
    return {"status": result, "order": told, "decision": shown, **flag}


class _LeftOut(Exception):
    """An order was left out for long enough."""


@contextmanager
def left_out(work: UnitOfWork, order: Mapping[str, Any]) -> Iterator[None]:
    """Look at the pools as they are without what an order binds; nothing stays of that."""
    try:
        with work.attempt():
            _leave_pools(work, order)
            yield
            raise _LeftOut
    except _LeftOut:
        return


def leave(work: UnitOfWork, order: Mapping[str, Any]) -> None:
    """Take what an order binds out of the pools of who paid it until now, and tell the account."""
    _leave_pools(work, order)
    tell_accounts(work, [order["customer_id"]])


def _leave_pools(work: UnitOfWork, order: Mapping[str, Any]) -> None:
    move_order(work, dict(order), Stages(), "hand_over")


def move_order(
    work: UnitOfWork, order: dict[str, Any], target: Stages, action: str, dated: date | None = None
) -> None:
    """Bring what an order binds to `target`, by one entry, and save the order.

    `dated` is the date of the document that moves it, where it has one.
    """
    delta = target - Stages(reserved=order["reserved"], delivered=order["delivered"])
    before = store.held_order(work, order["id"])
    if delta or (before is not None and before["delivery_date"] != order["delivery_date"]):
        order["effective_date"] = dates.effective_date(work, dated, order)
    order["reserved"], order["delivered"] = target.reserved, target.delivered
    order["updated_at"] = work.now
    store.save_order(work, order)
    post(work, action, "order", order, delta, order["effective_date"])


# --- changes of an order ---------------------------------------------------------------------------------


def amend_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change an order's amount or delivery date; what it binds more is checked like a new order.

    Where the larger amount does not pass, the order stays as it was.
    """
    order = require_order(work, received)
    if received.get("revision") and received["revision"] <= order["revision"]:
        return unchanged(work, order)
    if order["status"] in ("cancelled", "closed"):
        raise Conflict("订单已取消或关闭, 请先重新打开", code="order_not_open")
    amount = order["amount"]
    if received.get("amount"):
        amount = positive_amount(received["amount"], order["currency"])
    _take_dates(work, order, received)
    take_content(order, amount, received.get("revision") or order["revision"] + 1)
    answer = take_order(work, order, "amend", event="order_amended")
    tell_accounts(work, [order["customer_id"]])
    return answer


def take_content(order: dict[str, Any], amount: Decimal, revision: int) -> None:
    """Give an order the amount that it has from a revision on."""
    order["amount"], order["content_revision"] = amount, revision
    order["revision"] = max(order["revision"], revision)


def take_state(work: UnitOfWork, order: dict[str, Any], received: Mapping[str, Any]) -> None:
    """Give an order the whole state that a later revision of it tells."""
    take_content(order, received["amount"], received["revision"])
    _take_dates(work, order, received)
    order["delivery_date"] = received["delivery_date"]


def _take_dates(work: UnitOfWork, order: dict[str, Any], received: Mapping[str, Any]) -> None:
    """Give an order the dates that are named anew."""
    for name in ("delivery_date", "order_date"):
        order[name] = received.get(name) or order[name]
    if received.get("valid_until") is not None:
        order["valid_until"] = validity.reserves_until(work, received)


def close_order(work: UnitOfWork, received: Mapping[str, Any], status: str) -> dict[str, Any]:
    """Cancel or close an order: what was only reserved is released, what was delivered stays."""
    order = require_order(work, received)
    if order["status"] == status or _is_old(order, received):
        return unchanged(work, order)
    if order["status"] in ("cancelled", "closed"):
        raise Conflict("订单已取消或关闭", code="order_not_open")
    if status == "cancelled" and (order["delivered_total"] or order["invoiced_total"]):
        raise Conflict("订单已有交货或发票, 只能关闭", code="order_has_documents")
    release_order(work, order, status, received.get("revision"))
    tell_accounts(work, [order["customer_id"]])
    return unchanged(work, order)


def release_order(work: UnitOfWork, order: dict[str, Any], status: str, revision: int | None) -> None:
    """Write that an order is cancelled or closed."""
    order["status"] = status
    order["revision"] = max(order["revision"], revision or 0)
    left = ledger.order_stages(
        order["amount"], order["delivered_total"], order["invoiced_total"], is_open=False
    )
    move_order(work, order, left, "cancel" if status == "cancelled" else "close")
    events.order_event(work, f"order_{status}", order)


def reopen_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Open a cancelled or closed order again: it meets the same check as a new one."""
    order = require_order(work, received)
    if _is_old(order, received):
        return unchanged(work, order)
    if order["status"] not in ("cancelled", "closed"):
        raise Conflict("订单没有取消或关闭", code="order_not_closed")
    return reopen_locked(work, order, received.get("revision"))


def reopen_locked(work: UnitOfWork, order: dict[str, Any], revision: int | None) -> dict[str, Any]:
    """The same for a locked order that is cancelled or closed, by news of a revision, if it has one."""
    order["revision"] = revision or order["revision"] + 1
    store.save_order(work, order)
    answer = take_order(work, order, "reopen", event="order_reopened")
    tell_accounts(work, [order["customer_id"]])
    return answer


def release_hold(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let a held order pass what only asked for an approval; limit and freezes still count."""
    order = require_order(work, received)
    if order["status"] != "held":
        raise Conflict(f"订单没有被拦截, 状态是 {order['status']}", code="order_not_held")
    answer = take_order(work, order, "release")
    tell_accounts(work, [order["customer_id"]])
    return answer


def deliver_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record a delivery: exposure moves from reserved to delivered; over-delivery adds what was not reserved.

    It has happened, so it is recorded whatever the limit says, and flagged where it is over it.
    """
    return record_delivery(work, require_order(work, received), received)


def record_delivery(work: UnitOfWork, order: dict[str, Any], received: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a locked order; `Conflict` with code `order_not_reserved` where it did not pass."""
    amount = positive_amount(received["amount"], order["currency"])
    if order["status"] in ("held", "refused"):
        raise Conflict("订单没有通过信用检查, 不能发货", code="order_not_reserved")
    delivery = {
        "id": new_id(),
        "order_id": order["id"],
        "delivery_no": received["delivery_no"],
        "amount": amount,
        "delivered_at": received.get("delivered_at") or dates.today(work),
        "recorded_at": work.now,
        "reversed_on": None,
    }
    if not store.add_delivery(work, delivery):
        kept = store.find_delivery(work, order["id"], received["delivery_no"])
        if kept is None or kept["amount"] != amount:
            raise Conflict("该交货单号已用于另一笔交货", code="delivery_exists")
        return unchanged(work, order)
    order["delivered_total"] += amount
    stage(work, order, "deliver", delivery["delivered_at"])
    shown = events.delivery_view(delivery, order["currency"])
    over_limit = is_over_limit(work, order)
    events.order_event(work, "order_delivered", order, None, delivery=shown, over_limit=over_limit)
    tell_accounts(work, [order["customer_id"]])
    return {**unchanged(work, order), "delivery": shown, "over_limit": over_limit}


def stage(work: UnitOfWork, order: dict[str, Any], action: str, dated: date | None = None) -> None:
    """Bring what an order binds in line with its totals after one of them has moved.

    `dated` is the date of the document that has moved it, where it has one.
    """
    stages = ledger.order_stages(
        order["amount"],
        order["delivered_total"],
        order["invoiced_total"],
        is_open=order["status"] == OPEN_ORDER,
    )
    move_order(work, order, stages, action, dated)


def restage(work: UnitOfWork, order: dict[str, Any], action: str, dated: date | None = None) -> None:
    """The same, and tell it: for what is no change of the order itself."""
    stage(work, order, action, dated)
    events.order_event(work, "order_restaged", order)


# --- reading ---------------------------------------------------------------------------------------------


def get_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One order with its last decision."""
    order = _only(store.find_orders(work, received["order_no"], received["source"], received["company"]))
    return unchanged(work, order)


def list_orders(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of orders, newest first; `where` takes status, order_no, source, company, and of customers
    `customer_id` (who ordered or pays) and `payer_id`."""
    return page(
        work,
        store.orders_with(work, wanted_columns(received["where"], _FILTERS, ("payer_id",))),
        received,
        sort={"created_at": orders.c.created_at, "order_date": orders.c.order_date},
        key=orders.c.id,
        default_sort="-created_at",
        to_item=events.order_view,
    )


def require_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """An order to be changed. Locks its customer, then the order; `NotFound` with code `unknown_order`."""
    found = _only(
        store.find_orders(work, received["order_no"], received.get("source"), received.get("company"))
    )
    store.lock_customers(work, [found["customer_id"]])
    order = store.order_of(work, found["source"], found["company"], found["order_no"])
    if order is None:
        raise NotFound("没有这个订单", code="unknown_order")
    return order


def positive_amount(text: Any, currency: str) -> Decimal:
    """An amount above zero in a currency known from elsewhere; `Invalid` names the field."""
    amount = parse_amount(text, currency)
    if amount <= 0:
        raise invalid_field("amount", "amount_not_positive", "金额必须大于零")
    return amount


def _only(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not found:
        raise NotFound("没有这个订单", code="unknown_order")
    if len(found) > 1:
        raise Conflict("有多个来源使用该订单号, 请给出 source 与 company", code="order_ambiguous")
    return found[0]


def _is_old(order: Mapping[str, Any], received: Mapping[str, Any]) -> bool:
    revision = received.get("revision")
    return revision is not None and revision <= order["revision"]


def unchanged(work: UnitOfWork, order: Mapping[str, Any]) -> dict[str, Any]:
    """An order as it is, with its last decision."""
    decision = store.find_decision(work, order["decision_id"])
    return {
        "status": order["status"],
        "order": events.order_view(order),
        "decision": None if decision is None else checking.decision_view(decision),
    }
