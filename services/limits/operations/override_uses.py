"""What may let an order pass that a limit or a rule would not, and that it is used up by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits import store
from services.limits.deciding import Check, Override
from services.limits.events.overrides import override_event
from services.limits.operations import dates

_OF_ORDER = ("order_no", "source", "company")


def usable(work: UnitOfWork, order: Mapping[str, Any]) -> Callable[[], Sequence[Override]]:
    """What finds the overrides that an order may use: those for it first, then what ends first.

    Only an order that would not pass asks.
    """

    def find() -> list[Override]:
        on = dates.today(work)
        found = [row for row in store.live_overrides(work, order["customer_id"]) if _fits(row, order, on)]
        found.sort(key=lambda row: (row["order_no"] is None, row["valid_until"] or date.max, row["id"]))
        return [Override(row["id"], row["amount"] - row["used_amount"]) for row in found]

    return find


def use(
    work: UnitOfWork, override: Override, order: Mapping[str, Any], check: Check, decision_id: Any
) -> None:
    """Use an override up by an order that it has let pass; tells it."""
    live = store.live_overrides(work, order["customer_id"])
    row = next(row for row in live if row["id"] == override.id)
    on, amount = dates.today(work), check.needed
    made = {
        "id": new_id(),
        "override_id": row["id"],
        "customer_id": row["customer_id"],
        "order_id": order["id"],
        "order_no": order["order_no"],
        "decision_id": decision_id,
        "amount": amount,
        "currency": row["currency"],
        "used_on": on,
        "used_by": work.caller.actor,
        "used_at": work.now,
    }
    values = {"used_amount": row["used_amount"] + amount, "used_count": row["used_count"] + 1}
    store.change_override(work, row["id"], values)
    store.add_override_use(work, made)
    override_event(work, "override_used", row | values, on, order_no=order["order_no"])


def _fits(override: Mapping[str, Any], order: Mapping[str, Any], on: date) -> bool:
    if override["valid_until"] is not None and override["valid_until"] < on:
        return False
    named = all(override[name] in (None, order[name]) for name in _OF_ORDER)
    return bool(override["currency"] == order["currency"] and named)
