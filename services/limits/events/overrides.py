"""What the ledger tells of overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount

_SHOWN = (
    *("id", "customer_id", "currency", "count", "used_count", "order_no", "source", "company"),
    *("valid_until", "reason", "granted_on", "granted_by", "granted_at"),
    *("ended_on", "ended_by", "ended_at", "end_reason"),
)


def override_view(
    override: Mapping[str, Any], on: date, uses: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """An override as callers and subscribers see it on a business date, with what used it up."""
    currency = override["currency"]
    amounts = {name: format_amount(override[name], currency) for name in ("amount", "used_amount")}
    used = [
        {
            **{name: use[name] for name in ("order_no", "decision_id", "used_on", "used_by", "used_at")},
            "amount": format_amount(use["amount"], currency),
        }
        for use in uses
        if use["override_id"] == override["id"]
    ]
    return {
        **{name: override[name] for name in _SHOWN},
        **amounts,
        "status": _status(override, on),
        "uses": used,
    }


def override_event(work: UnitOfWork, name: str, override: Mapping[str, Any], on: date, **extra: Any) -> None:
    """`override_granted`, `override_used` or `override_ended`."""
    work.add_event(
        name,
        subject=override["id"],
        ordering_key=override["customer_id"],
        data={"override": override_view(override, on), **extra},
    )


def _status(override: Mapping[str, Any], on: date) -> str:
    if override["ended_on"] is not None:
        return "ended"
    if override["used_count"] >= override["count"] or override["used_amount"] >= override["amount"]:
        return "used"
    if override["valid_until"] is not None and override["valid_until"] < on:
        return "expired"
    return "open"
