"""What carries a limit: grants, and the guarantees, collateral and insurance that raise it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, invalid_field
from services.common.ids import new_id
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.accounts import account_view, require_customer, tell_accounts
from services.limits.operations.payment_terms import asked_term
from services.limits.pools import CUSTOMER, PoolKey


def grant_credit(work: UnitOfWork, granted: Mapping[str, Any]) -> dict[str, Any]:
    """Grant a limit, or raise, cut or replace the one in force. One application grants once.

    A new base grant replaces the one before it, a temporary one stands beside the others. With `change`
    raise or cut the amount is the difference, and what is left out stays as it was; `Conflict` when not
    exactly one grant of that kind and currency is in force, `Invalid` for a cut below zero. A cut below the
    exposure is allowed: the account is over its limit then.
    """
    customer = require_customer(work, granted["customer_id"])
    store.lock_customers(work, [customer["id"]])
    if granted.get("application_id"):
        already = store.grant_of_application(work, granted["application_id"])
        if already is not None:
            return _answer(work, already)
    grant = grant_to(work, PoolKey(CUSTOMER, str(customer["id"])), granted, customer["id"])
    events.credit_granted(work, customer["id"], grant)
    tell_accounts(work, [customer["id"]])
    return _answer(work, grant)


def grant_to(
    work: UnitOfWork, pool: PoolKey, granted: Mapping[str, Any], customer_id: UUID | None = None
) -> dict[str, Any]:
    """Grant a limit to a pool that is locked, or raise, cut or replace the one in force; the new grant."""
    on = dates.today(work)
    change = granted["change"]
    before = _to_change(work, pool, granted, on) if change in ("raise", "cut") else None
    grant = {
        "id": new_id(),
        "customer_id": customer_id,
        "pool_kind": pool.kind,
        "pool_key": pool.key,
        "segment": pool.segment,
        "kind": granted["kind"],
        "change": change,
        "amount": None if granted["unlimited"] else granted["amount"],
        "unlimited": granted["unlimited"],
        "currency": granted["currency"],
        "valid_from": granted["valid_from"] or on,
        **asked_term(granted),
        "valid_to": granted["valid_to"],
        "application_id": granted["application_id"],
        "reason": granted["reason"],
        "granted_by": work.caller.actor,
        "granted_at": work.now,
        "replaced_on": None,
    }
    if before is not None:
        grant["amount"] = _changed_amount(before, change, granted["amount"])
        says_no_term = granted["term"] is None and granted["term_days"] is None
        kept = {"valid_to": granted["valid_to"] is None, "term_days": says_no_term, "term": says_no_term}
        grant.update({name: before[name] for name, stays in kept.items() if stays})
    _check_validity(grant)
    if grant["kind"] == "base" or change != "grant":
        store.replace_grants(work, pool, grant["kind"], grant["valid_from"])
    store.add_grant(work, grant)
    return grant


def list_grants(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """Every grant of a customer, newest first."""
    require_customer(work, customer_id)
    return {"items": [events.grant_view(row) for row in store.grants_of(work, customer_id)], "next": None}


def accept_guarantee(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Accept a guarantee, collateral or insurance: from its first day on it raises the effective limit."""
    customer = require_customer(work, received["customer_id"])
    store.lock_customers(work, [customer["id"]])
    pool = PoolKey(CUSTOMER, str(customer["id"]))
    return _guarantee_answer(work, accept_for(work, pool, received, customer["id"]))


def accept_for(
    work: UnitOfWork, pool: PoolKey, received: Mapping[str, Any], customer_id: UUID | None
) -> dict[str, Any]:
    """Accept a guarantee for a pool that is locked; tells it."""
    names = ("kind", "value", "currency", "accepted_percent", "provider", "reference", "valid_to", "reason")
    guarantee = {
        "id": new_id(),
        "customer_id": customer_id,
        "pool_kind": pool.kind,
        "pool_key": pool.key,
        "segment": pool.segment,
        **{name: received[name] for name in names},
        "valid_from": received["valid_from"] or dates.today(work),
        "accepted_by": work.caller.actor,
        "accepted_at": work.now,
        "released_on": None,
        "released_by": None,
        "release_reason": None,
    }
    _check_validity(guarantee)
    store.add_guarantee(work, guarantee)
    events.guarantee_event(work, "guarantee_accepted", pool, guarantee)
    return guarantee


def release_guarantee(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """End a guarantee before its time, as from the business date; 409 when it was released already."""
    customer = require_customer(work, received["customer_id"])
    store.lock_customers(work, [customer["id"]])
    pool = PoolKey(CUSTOMER, str(customer["id"]))
    return _guarantee_answer(work, release_of(work, pool, received["guarantee_id"], received["reason"]))


def release_of(work: UnitOfWork, pool: PoolKey, guarantee_id: UUID, reason: str) -> dict[str, Any]:
    """End a guarantee of a pool that is locked; tells it."""
    found = [row for row in store.guarantees_of_pool(work, pool) if row["id"] == guarantee_id]
    if not found:
        raise NotFound("没有这份担保", code="unknown_guarantee")
    if found[0]["released_on"] is not None:
        raise Conflict("担保已解除", code="already_released")
    released = store.release_guarantee(work, found[0], dates.today(work), reason)
    events.guarantee_event(work, "guarantee_released", pool, released)
    return released


def list_guarantees(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """Every guarantee of a customer's overall limit, newest first."""
    require_customer(work, customer_id)
    rows = store.guarantees_of(work, customer_id)
    return {"items": [events.guarantee_view(row) for row in rows], "next": None}


def _check_validity(carrier: Mapping[str, Any]) -> None:
    if carrier["valid_to"] is not None and carrier["valid_to"] < carrier["valid_from"]:
        raise Invalid("失效日期早于生效日期", code="validity")


def _to_change(work: UnitOfWork, pool: PoolKey, granted: Mapping[str, Any], on: date) -> dict[str, Any]:
    rows = [
        row
        for row in store.grants_of_pool(work, pool)
        if row["kind"] == granted["kind"] and row["currency"] == granted["currency"]
    ]
    in_force = [row for row, grant in zip(rows, store.as_grants(rows), strict=True) if grant.is_valid(on)]
    if len(in_force) != 1:
        problem = "没有生效的额度可以调整" if not in_force else "有多个生效的额度, 请改用 replace"
        raise Conflict(problem, code="no_grant_to_change" if not in_force else "several_grants")
    if in_force[0]["amount"] is None:
        raise Conflict("不限额的额度不能按差额调整, 请改用 replace", code="grant_unlimited")
    return in_force[0]


def _changed_amount(before: Mapping[str, Any], change: str, difference: Decimal) -> Decimal:
    amount: Decimal = before["amount"] + (difference if change == "raise" else -difference)
    if amount < 0:
        raise invalid_field("amount", "cut_too_large", "调减金额大于现有额度")
    return amount


def _answer(work: UnitOfWork, grant: Mapping[str, Any]) -> dict[str, Any]:
    return {"grant": events.grant_view(grant), "account": account_view(work, grant["customer_id"])}


def _guarantee_answer(work: UnitOfWork, guarantee: Mapping[str, Any]) -> dict[str, Any]:
    tell_accounts(work, [guarantee["customer_id"]])
    account = account_view(work, guarantee["customer_id"])
    return {"guarantee": events.guarantee_view(guarantee), "account": account}
