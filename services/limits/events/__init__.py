"""What the limit ledger publishes, and its own copy of what it listens to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.common.strict_json import Plain
from services.limits.ledger import guarantee_of
from services.limits.pools import CUSTOMER, PoolKey
from services.limits.terms import term_of, term_view

_ORDER_FIELDS = (
    "id",
    "order_no",
    "source",
    "company",
    "order_date",
    "delivery_date",
    "salesperson",
    "currency",
    "status",
    "revision",
    "valid_until",
    "expired_on",
)


def order_view(order: Mapping[str, Any]) -> Plain:
    """An order as callers and subscribers see it; amounts as text in its currency.

    `customer_id` is who ordered, `payer_id` who owes: the same unless another was named.
    """
    currency = order["currency"]
    amounts = {
        "amount": order["amount"],
        "reserved": order["reserved"],
        "delivered": order["delivered_total"],
        "invoiced": order["invoiced_total"],
    }
    shown = {name: order[name] for name in _ORDER_FIELDS}
    shown |= {name: format_amount(amount, currency) for name, amount in amounts.items()}
    shown["customer_id"] = order["sold_to_id"] or order["customer_id"]
    shown["payer_id"] = order["customer_id"]
    return Plain.of(shown)


def delivery_view(delivery: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A delivery as callers and subscribers see it; a return has an amount below zero."""
    return {**delivery, "amount": format_amount(delivery["amount"], currency)}


def grant_view(grant: Mapping[str, Any]) -> dict[str, Any]:
    """A grant as callers and subscribers see it."""
    names = (
        "id",
        "kind",
        "segment",
        "change",
        "unlimited",
        "currency",
        "valid_from",
        "valid_to",
        "term_days",
    )
    amount = grant["amount"]
    return {
        **{name: grant[name] for name in names},
        "term": term_view(term_of(grant["term"], grant["term_days"])),
        "amount": None if amount is None else format_amount(amount, grant["currency"]),
        "application_id": grant["application_id"],
        "reason": grant["reason"],
        "replaced_on": grant["replaced_on"],
        "granted_by": grant["granted_by"],
        "granted_at": grant["granted_at"],
    }


_GUARANTEE_FIELDS = (
    "id",
    "customer_id",
    "pool_kind",
    "pool_key",
    "segment",
    "kind",
    "currency",
    "provider",
    "reference",
    "valid_from",
    "valid_to",
    "reason",
    "accepted_by",
    "accepted_at",
    "released_on",
    "released_by",
    "release_reason",
)


def guarantee_view(guarantee: Mapping[str, Any]) -> dict[str, Any]:
    """A guarantee as callers and subscribers see it; `accepted` is what it adds to the limit."""
    accepted = guarantee_of(guarantee).accepted
    return {
        **{name: guarantee[name] for name in _GUARANTEE_FIELDS},
        "value": format_amount(guarantee["value"], guarantee["currency"]),
        "accepted_percent": f"{guarantee['accepted_percent'].normalize():f}",
        "accepted": format_amount(accepted, guarantee["currency"]),
    }


def order_event(
    work: UnitOfWork, name: str, order: Mapping[str, Any], decision: Any = None, **extra: Any
) -> Plain:
    """`order_reserved`, `order_held`, `order_refused`, `order_amended`, `order_cancelled` and so on.

    Answers the order as it is told.
    """
    shown = order_view(order)
    work.add_event(
        name,
        subject=order["id"],
        ordering_key=order["customer_id"],
        data={"order": shown, "decision": decision, **extra},
    )
    return shown


def credit_granted(work: UnitOfWork, customer_id: UUID, grant: Mapping[str, Any]) -> None:
    """A limit was granted."""
    work.add_event(
        "credit_granted",
        subject=grant["id"],
        ordering_key=customer_id,
        data={"customer_id": customer_id, "grant": grant_view(grant)},
    )


def pool_limit_granted(
    work: UnitOfWork, pool: PoolKey, grant: Mapping[str, Any], shown: Mapping[str, Any]
) -> None:
    """A pool other than a customer's overall one has a limit; tells how it stands."""
    work.add_event(
        "pool_limit_granted",
        subject=pool.name,
        ordering_key=pool.name,
        data={"grant": grant_view(grant), "pool": dict(shown)},
    )


def pool_released(work: UnitOfWork, pool: PoolKey, reason: str) -> None:
    """A pool controls nothing any more."""
    work.add_event(
        "pool_released",
        subject=pool.name,
        ordering_key=pool.name,
        data={**pool._asdict(), "reason": reason, "by": work.caller.actor},
    )


def customer_reassigned(
    work: UnitOfWork, customer_id: UUID, joined: Sequence[Mapping[str, Any]], *, over_limit: bool
) -> None:
    """A customer brings what it owes to other pools: those it joins, and whether one is over its limit."""
    work.add_event(
        "customer_reassigned",
        subject=customer_id,
        ordering_key=customer_id,
        data={"customer_id": customer_id, "joined": list(joined), "over_limit": over_limit},
    )


def exposure_merged(
    work: UnitOfWork,
    giver: UUID,
    taker: UUID,
    documents: Mapping[str, int],
    pools: Sequence[Mapping[str, Any]],
) -> None:
    """All that one customer owed and owned is another's: how many documents, and how its pools stand."""
    over = any(pool["available"] is not None and Decimal(pool["available"]) < 0 for pool in pools)
    told = {"customer_id": giver, "into_id": taker, "documents": dict(documents)}
    work.add_event(
        "exposure_merged",
        subject=taker,
        ordering_key=taker,
        data={**told, "pools": list(pools), "over_limit": over},
    )


def pool_revalued(work: UnitOfWork, pool: PoolKey, shown: Mapping[str, Any], *, over_limit: bool) -> None:
    """Other exchange rates make another exposure, or another limit, of a pool; tells how it stands."""
    work.add_event(
        "pool_revalued",
        subject=pool.name,
        ordering_key=pool.key if pool.kind == CUSTOMER else pool.name,
        data={"pool": dict(shown), "over_limit": over_limit},
    )


def exchange_rates_set(work: UnitOfWork, rates: Sequence[Mapping[str, Any]]) -> None:
    """Rates to the base currency were set, each from a date on."""
    work.add_event("exchange_rates_set", subject="exchange-rates", data={"rates": list(rates)})


def group_copy(group: Mapping[str, Any]) -> dict[str, Any]:
    """What the customer service tells of a customer group, as the ledger keeps it."""
    parent = group.get("parent_id")
    return {
        "id": UUID(str(group["id"])),
        "code": group["code"],
        "name": group["name"],
        "parent_id": None if parent is None else UUID(str(parent)),
    }


def guarantee_event(work: UnitOfWork, name: str, pool: PoolKey, guarantee: Mapping[str, Any]) -> None:
    """`guarantee_accepted` or `guarantee_released`, of a customer or of a pool that several share."""
    work.add_event(
        name,
        subject=guarantee["id"],
        ordering_key=guarantee["customer_id"] or pool.name,
        data={"customer_id": guarantee["customer_id"], "guarantee": guarantee_view(guarantee)},
    )


def account_changed(work: UnitOfWork, account: Mapping[str, Any]) -> None:
    """An account's limit, exposure, freezes or overdue items are other than they were."""
    customer_id = account["customer_id"]
    work.add_event(
        "account_changed", subject=customer_id, ordering_key=customer_id, data={"account": account}
    )


def freeze_changed(
    work: UnitOfWork, name: str, freeze: Mapping[str, Any], on: date, reason: str | None
) -> None:
    """`customer_frozen` or `customer_unfrozen`."""
    customer_id = freeze["customer_id"]
    work.add_event(
        name,
        subject=customer_id,
        ordering_key=customer_id,
        data={
            "customer_id": customer_id,
            "source": freeze["source"],
            "reason": reason,
            "by": work.caller.actor,
            "business_date": on,
        },
    )


def ledger_settings_changed(work: UnitOfWork, settings: Mapping[str, Any]) -> None:
    """What is set for the whole ledger is other than it was."""
    work.add_event("ledger_settings_changed", subject="settings", data={"settings": dict(settings)})


def business_date_opened(work: UnitOfWork, on: date) -> None:
    """A business day has begun."""
    work.add_event(
        "business_date_opened", subject=on.isoformat(), ordering_key="business-date", data={"date": on}
    )


def business_date_closed(work: UnitOfWork, on: date, *, root: str, before: str | None, pools: int) -> None:
    """A business day is over: the root over the chains of all pools, which covers the root before it.

    `pools` is how many had new entries.
    """
    work.add_event(
        "business_date_closed",
        subject=on.isoformat(),
        ordering_key="business-date",
        data={"date": on, "root": root, "before": before, "pools": pools},
    )


def customer_aged(work: UnitOfWork, customer_id: UUID, data: Mapping[str, Any]) -> None:
    """A customer is overdue on a business date, with every open item that is."""
    work.add_event(
        "customer_aged",
        subject=customer_id,
        ordering_key=customer_id,
        data={"customer_id": customer_id, **data},
    )


def blacklisted_for(customer: Mapping[str, Any]) -> str | None:
    """Why the customer service has put a customer on the black list; None when it is not on it."""
    return customer.get("list_reason") if customer.get("list_kind") == "blacklist" else None


def customer_copy(customer: Mapping[str, Any], *, active: bool = True) -> dict[str, Any]:
    """What the customer service tells of a customer, as the ledger keeps it."""
    group = customer.get("group_id")
    return {
        "id": UUID(str(customer["id"])),
        "code": customer["code"],
        "name": customer["name"],
        "salesperson": customer.get("salesperson"),
        "department": customer.get("department"),
        "group_id": None if group is None else UUID(str(group)),
        "whitelisted": customer.get("list_kind") == "whitelist",
        "active": active,
    }
