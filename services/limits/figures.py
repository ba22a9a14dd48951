"""How a pool stands, as everybody is shown it: limit, exposure by stage, available, utilisation. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.common.money import format_amount
from services.limits.ledger import ZERO, Limit, Stages, account_state, utilisation


def figures(
    currency: str, limit: Limit, stages: Stages, *, beyond: Decimal = ZERO, frozen: bool = False
) -> dict[str, Any]:
    """The figures of API.md, amounts as text in `currency`; `beyond` of what is reserved does not count."""
    counted = stages.total - beyond
    used = utilisation(limit, counted)

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else format_amount(amount, currency)

    return {
        "currency": currency,
        "state": account_state(limit, counted, frozen=frozen),
        "limit": text(limit.amount),
        "guaranteed": text(limit.guaranteed),
        "unlimited": limit.unlimited,
        "exposure": {
            "reserved": text(stages.reserved),
            "delivered": text(stages.delivered),
            "receivable": text(stages.receivable),
            "total": text(stages.total),
            "beyond_horizon": text(beyond),
        },
        "available": text(limit.available(counted)),
        "utilisation": None if used is None else str(used),
    }
