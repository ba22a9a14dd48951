"""Overrides (special approvals): granted for a customer or an order, ended, listed with what used them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.common.paging import page
from services.limits import store
from services.limits.events.overrides import override_event, override_view
from services.limits.ledger import ZERO
from services.limits.model import overrides
from services.limits.operations import dates
from services.limits.operations.accounts import require_customer, tell_accounts
from services.limits.operations.filters import wanted_columns
from services.limits.operations.orders import require_order, take_order

_WAITING = ("held", "refused")


def grant_override(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let orders pass beyond limits and rules, up to an amount and a count; freezes still count.

    It belongs to who pays. An order that it names, and that was held or refused, is checked anew at once:
    `{"override", "status", "order", "decision"}`, without the last three where there is no such order yet.
    `NotFound` for an unknown customer, `Conflict` for an order of another one, `Invalid` for a day that has
    passed.
    """
    customer = require_customer(work, received["customer_id"], None, received)
    on = dates.today(work)
    if received["valid_until"] is not None and received["valid_until"] < on:
        raise invalid_field("valid_until", "valid_until_past", "有效期早于营业日期")
    order = _order(work, received, customer)
    payer_id = customer["id"] if order is None else order["customer_id"]
    store.lock_customers(work, [payer_id])
    named = received if order is None else order
    override = {
        "id": new_id(),
        "customer_id": payer_id,
        **{name: received[name] for name in ("amount", "currency", "count", "order_no", "valid_until")},
        "reason": received["reason"],
        "source": named["source"],
        "company": named["company"],
        "used_amount": ZERO,
        "used_count": 0,
        "granted_on": on,
        "granted_by": work.caller.actor,
        "granted_at": work.now,
        **dict.fromkeys(("ended_on", "ended_by", "ended_at", "end_reason")),
    }
    store.add_override(work, override)
    override_event(work, "override_granted", override, on)
    answer: dict[str, Any] = {}
    if order is not None and order["status"] in _WAITING:
        answer = take_order(work, order, "override")
    tell_accounts(work, [payer_id])
    now = store.find_override(work, override["id"]) or override
    return {**answer, "override": override_view(now, on)}


def end_override(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take back what is left of an override; what it has let pass stays. 409 when it has ended."""
    found = store.find_override(work, received["override_id"])
    override = None
    if found is not None and store.is_seen(work, found["customer_id"], found):
        store.lock_customers(work, [found["customer_id"]])
        # Until the customer was locked, somebody else might have ended it.
        override = store.held_override(work, found["id"])
    if override is None:
        raise NotFound("没有这个特批", code="unknown_override")
    if override["ended_on"] is not None:
        raise Conflict("特批已终止", code="already_ended", state="ended")
    on = dates.today(work)
    values = {
        "ended_on": on,
        "ended_by": work.caller.actor,
        "ended_at": work.now,
        "end_reason": received["reason"],
    }
    store.change_override(work, override["id"], values)
    override_event(work, "override_ended", override | values, on)
    return {"override": override_view(override | values, on, store.uses_of(work, [override["id"]]))}


def list_overrides(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of overrides, newest first, each with what used it up."""
    found = page(
        work,
        store.overrides_with(work, wanted_columns(received["where"], ("order_no",))),
        received,
        sort={"granted_at": overrides.c.granted_at},
        key=overrides.c.id,
        default_sort="-granted_at",
        to_item=dict,
    )
    on, uses = dates.today(work), store.uses_of(work, [row["id"] for row in found["items"]])
    return {**found, "items": [override_view(row, on, uses) for row in found["items"]]}


def _order(
    work: UnitOfWork, received: Mapping[str, Any], customer: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The order that an override names, with its payer locked; None where there is none yet."""
    if received["order_no"] is None:
        return None
    try:
        order = require_order(work, received)
    except NotFound:
        return None
    if customer["id"] not in (order["customer_id"], order["sold_to_id"]):
        raise Conflict("该订单属于另一个客户", code="order_of_another_customer")
    return order
