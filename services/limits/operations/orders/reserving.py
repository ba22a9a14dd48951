"""New orders: checked against the limit and reserved, one by one or in batches, by every route alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.common.ids import new_id
from services.limits import events, ledger, store
from services.limits.ledger import OPEN_ORDER, ZERO
from services.limits.operations import checking, dates, validity
from services.limits.operations.accounts import lock_customers_of, require_parties, tell_accounts
from services.limits.operations.orders import early
from services.limits.operations.orders.changes import leave, stage, take_order, take_state, unchanged
from services.limits.operations.orders.later_states import apply_waiting
from services.limits.operations.over_limit import is_over_limit

_SAME_FIELDS = ("customer_id", "sold_to_id", "amount", "currency")
_TOTALS = ("delivered_total", "invoiced_total", "reserved", "delivered")
_DATES = ("delivery_date", "order_date", "valid_until")


def reserve_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Check an order and reserve its amount, or document why not.

    Answers `{"status": reserved | held | refused | duplicate, "order", "decision"}`. The same order again
    changes nothing; a refused, held or cancelled one is checked anew; another content under a number that
    is taken is a `Conflict`.
    """
    answer = reserve_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [UUID(answer["order"]["payer_id"])])
    return answer


def foresee_orders(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new orders will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    keys = [(item["source"], item["company"], item["order_no"]) for item in items]
    with store.together(work):
        store.read_arriving(work, keys)
        checking.foresee(work, customer_ids)
    early.foresee(work, keys, customer_ids)


def reserve_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for callers that reserve several orders."""
    customer, named = require_parties(work, received)
    payer = named or customer
    store.lock_customers(work, [customer["id"], payer["id"]])
    existing = store.order_of(work, received["source"], received["company"], received["order_no"])
    if existing is not None and existing["status"] == OPEN_ORDER:
        return _repeated(work, existing, customer, payer, received)
    leaving = _leaving(work, existing, payer["id"], received) if existing is not None else None
    order = _new_order(work, customer, payer, received, existing)
    forced = bool(received.get("already_effective"))
    if existing is not None or not early.is_early(work, order):
        return take_order(work, order, "reserve", forced=forced, leaving=leaving)
    return _reserve_late(work, order, forced=forced)


def _leaving(
    work: UnitOfWork, existing: dict[str, Any], payer_id: UUID, received: Mapping[str, Any]
) -> dict[str, Any] | None:
    """An order as it was, where a later revision of it names another payer, or another currency.

    `Conflict` where it is no later one, or documents of it are in the other currency.
    """
    if existing["customer_id"] == payer_id and existing["currency"] == received["currency"]:
        return None
    if received["revision"] <= existing["content_revision"]:
        raise _taken(work, existing)
    if existing["currency"] != received["currency"] and (
        existing["delivered_total"] or existing["invoiced_total"]
    ):
        raise Conflict("订单已有交货或发票, 不能更改币种", code="order_has_documents")
    if not store.is_seen(work, existing["customer_id"], existing):
        raise _taken(work, existing)
    return dict(existing)


def _taken(work: UnitOfWork, existing: Mapping[str, Any]) -> Conflict:
    taken = Conflict("该订单号已存在, 内容不同", code="order_exists")
    if store.is_seen(work, existing["customer_id"], existing):
        taken.data["order"] = events.order_view(existing)
    return taken


def _reserve_late(work: UnitOfWork, order: dict[str, Any], *, forced: bool) -> dict[str, Any]:
    """Take an order that comes after documents which name it.

    What was invoiced of it counts already, and only the rest is checked. What those documents bind may turn
    out to be of another segment, and a delivery more than was ordered: that has happened, and is flagged.
    """
    is_matched = early.match_order(work, order)
    answer = take_order(work, order, "reserve", forced=forced, flagged=is_matched)
    if not apply_waiting(work, order):
        return answer
    now = store.held_order(work, order["id"]) or order
    return {**answer, "order": events.order_view(now), "over_limit": is_over_limit(work, now)}


def check_order(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """What would come of an order, without any effect: `{"status", "decision"}`."""
    customer, payer = require_parties(work, received)
    order = _new_order(work, customer, payer or customer, received, None)
    if early.is_early(work, order):
        order["invoiced_total"] = early.invoiced_before(work, order)
    wanted = ledger.order_stages(order["amount"], ZERO, order["invoiced_total"], is_open=True)
    check = checking.check_of(work, order, wanted.total)
    verdict, rules = checking.judge(work, check, order)
    decision = checking.documented(work, order, "check", check, verdict, rules, verdict.result)
    return {"status": verdict.result, "decision": checking.decision_view(decision)}


def _repeated(
    work: UnitOfWork,
    existing: dict[str, Any],
    customer: Mapping[str, Any],
    payer: Mapping[str, Any],
    received: Mapping[str, Any],
) -> dict[str, Any]:
    if received["revision"] < existing["content_revision"]:
        return {**unchanged(work, existing), "status": "duplicate"}
    new = {**received, **_parties(customer, payer)}
    is_same = all(new[name] == existing[name] for name in _SAME_FIELDS)
    if received["revision"] == existing["content_revision"]:
        if not is_same:
            raise _taken(work, existing)
        return {**unchanged(work, existing), "status": "duplicate"}
    leaving, before = _leaving(work, existing, payer["id"], received), dict(existing)
    take_state(work, existing, received)
    if is_same and all(existing[name] == before[name] for name in _DATES):
        # Nothing is new but the revision: what comes later with a lower one is old.
        store.save_order(work, existing)
        return {**unchanged(work, existing), "status": "duplicate"}
    existing.update(_parties(customer, payer), currency=received["currency"])
    answer = take_order(work, existing, "amend", event="order_amended", leaving=leaving)
    if leaving is None or answer["status"] != OPEN_ORDER:
        return answer
    return {**answer, **_match_of_new_payer(work, existing)}


def _match_of_new_payer(work: UnitOfWork, order: dict[str, Any]) -> dict[str, Any]:
    """Match what named an order before this customer paid it, or before it was in this currency."""
    if not early.match_order(work, order):
        return {}
    stage(work, order, "match")
    flag = {"over_limit": is_over_limit(work, order)}
    events.order_event(work, "order_restaged", order, **flag)
    return {"order": events.order_view(order), **flag}


def note_state(work: UnitOfWork, existing: dict[str, Any], received: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a later revision tells of an order that has ended: it is checked once it is opened again.

    What was delivered of it goes over to another payer: that has happened, and is flagged.
    """
    customer, named = require_parties(work, received)
    payer = named or customer
    store.lock_customers(work, [customer["id"], payer["id"]])
    leaving = _leaving(work, existing, payer["id"], received)
    take_state(work, existing, received)
    if leaving is None:
        existing.update(_parties(customer, payer))
        store.save_order(work, existing)
        return {"status": existing["status"]}
    leave(work, leaving)
    existing.update(_parties(customer, payer), currency=received["currency"], delivered=ZERO)
    early.match_order(work, existing)
    stage(work, existing, "hand_over")
    flag = {"over_limit": is_over_limit(work, existing)}
    events.order_event(work, "order_restaged", existing, **flag)
    tell_accounts(work, [payer["id"]])
    return {"status": existing["status"], **flag}


def _parties(customer: Mapping[str, Any], payer: Mapping[str, Any]) -> dict[str, Any]:
    """Who pays an order, and who ordered it where that is somebody else."""
    return {
        "customer_id": payer["id"],
        "sold_to_id": None if payer["id"] == customer["id"] else customer["id"],
    }


def _new_order(
    work: UnitOfWork,
    customer: Mapping[str, Any],
    payer: Mapping[str, Any],
    received: Mapping[str, Any],
    existing: Mapping[str, Any] | None,
) -> dict[str, Any]:
    totals = existing or dict.fromkeys(_TOTALS, ZERO)
    return {
        "id": existing["id"] if existing else new_id(),
        "source": received["source"],
        "company": received["company"],
        "order_no": received["order_no"],
        **_parties(customer, payer),
        "amount": received["amount"],
        "currency": received["currency"],
        "order_date": received.get("order_date") or dates.today(work),
        "delivery_date": received.get("delivery_date"),
        "salesperson": received.get("salesperson") or customer["salesperson"],
        "status": "refused",
        "revision": max(received["revision"], existing["revision"] if existing else 0),
        "content_revision": received["revision"],
        **{name: totals[name] for name in _TOTALS},
        "decision_id": None,
        "valid_until": validity.reserves_until(work, received),
        "expired_on": None,
        "effective_date": existing["effective_date"] if existing else None,
        "created_at": existing["created_at"] if existing else work.now,
        "updated_at": work.now,
    }
