"""What the customer service publishes, and its own copy of what it listens to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.common import fields, money
from services.common.db import UnitOfWork
from services.customer import customers


def customer_created(work: UnitOfWork, record: Mapping[str, Any]) -> None:
    """A customer is there."""
    work.add_event(
        "customer_created",
        subject=record["id"],
        ordering_key=record["id"],
        data={"customer": customers.snapshot(record)},
    )


def customer_updated(work: UnitOfWork, record: Mapping[str, Any]) -> None:
    """A customer's record has changed; tells the whole of it."""
    work.add_event(
        "customer_updated",
        subject=record["id"],
        ordering_key=record["id"],
        data={"customer": customers.snapshot(record)},
    )


def customer_deleted(work: UnitOfWork, customer_id: UUID) -> None:
    """A customer is gone."""
    work.add_event(
        "customer_deleted",
        subject=customer_id,
        ordering_key=customer_id,
        data={"customer_id": customer_id},
    )


def reminder_due(
    work: UnitOfWork,
    *,
    key: str,
    title: str,
    customer: Mapping[str, Any],
    days_left: int,
    role: str | None = None,
) -> None:
    """Somebody has something to do about a customer: its salesperson, or whoever has a role."""
    reminder = {
        "key": key,
        "title": title,
        "customer_id": customer["id"],
        "customer_code": customer["code"],
        "salesperson": customer["salesperson"],
        "role": role,
        "days_left": days_left,
    }
    work.add_event(
        "reminder_due", subject=customer["id"], ordering_key=customer["id"], data={"reminder": reminder}
    )


def reminder_settled(work: UnitOfWork, key: str, customer_id: UUID) -> None:
    """What was reminded of, if it was, needs nobody any more."""
    data = {"key": key, "customer_id": customer_id}
    work.add_event("reminder_settled", subject=customer_id, ordering_key=customer_id, data=data)


def customer_merged(
    work: UnitOfWork, giver: Mapping[str, Any], taker: Mapping[str, Any], merge: Mapping[str, Any]
) -> None:
    """A customer goes on as another; whoever keeps something of it hands that over."""
    into = {name: taker[name] for name in ("id", "code", "name", "salesperson", "department")}
    data = {
        "merge_id": merge["id"],
        "customer_id": giver["id"],
        "code": giver["code"],
        "into_id": taker["id"],
        "into": into,
        "reason": merge["reason"],
    }
    work.add_event("customer_merged", subject=giver["id"], ordering_key=taker["id"], data=data)


def id_of(text: Any) -> UUID:
    """An id as it stands in an event."""
    return UUID(str(text))


def group_created(work: UnitOfWork, group: Mapping[str, Any]) -> None:
    """A customer group is there."""
    _group_event(work, "group_created", group)


def group_updated(work: UnitOfWork, group: Mapping[str, Any]) -> None:
    """A customer group has another name or another parent."""
    _group_event(work, "group_updated", group)


def _group_event(work: UnitOfWork, name: str, group: Mapping[str, Any]) -> None:
    names = ("id", "code", "name", "parent_id")
    work.add_event(
        name,
        subject=group["id"],
        ordering_key=group["id"],
        data={"group": {name: group[name] for name in names}},
    )


def credit_copy(account: Mapping[str, Any]) -> dict[str, Any]:
    """What `limits.account_changed` tells of an account, as this service keeps it."""
    limit = account.get("limit")
    currency = account["currency"]
    exposure = (account.get("exposure") or {}).get("total") or "0"
    return {
        "customer_id": UUID(str(account["customer_id"])),
        "credit_status": "frozen" if account.get("frozen") else str(account["state"]),
        "credit_limit": None if limit is None else _amount(limit, currency),
        "credit_unlimited": bool(account.get("unlimited")),
        "credit_currency": currency,
        "exposure": _amount(exposure, currency),
        "payment_term_days": account.get("payment_term_days"),
    }


def rating_copy(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `risk_rules.customer_rated` tells, as this service keeps it."""
    rated_on = data.get("rated_on")
    return {
        "customer_id": UUID(str(data["customer_id"])),
        "grade": data["grade"],
        "rated_on": None if rated_on is None else _day(rated_on),
    }


def _amount(text: Any, currency: str) -> Any:
    return money.quantize(fields.NumberField().deserialize(text), currency)


def _day(text: Any) -> date:
    return fields.parse_date(text)
