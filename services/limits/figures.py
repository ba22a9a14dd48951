"""How a pool stands, as everybody is shown it: limit, exposure by stage, available, utilisation. Pure.

What is shown is in whole units of the limit's currency: exposure rounded up, available down, so that an order
of what is shown as available passes, and the stages add up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.common.money import EXACT, ceiling, format_amount, whole_parts
from services.limits.ledger import ZERO, Stages, account_state, utilisation
from services.limits.standing import Standing


def figures(standing: Standing, *, frozen: bool = False) -> dict[str, Any]:
    """The figures of API.md, amounts as text in the currency of the limit.

    `by_currency` is what is held in each currency, `rates` are those that made it one sum; where a rate is
    missing (`rates_missing`) the sum leaves out what is held in that currency, and orders are refused.
    """
    limit, currency, counted = standing.limit, standing.currency, standing.counted
    used = utilisation(limit, counted)
    shown = exposure_view(standing.stages, standing.beyond, currency)
    available = limit.available(ceiling(counted, currency))
    return {
        "currency": currency,
        "state": account_state(limit, counted, frozen=frozen),
        "limit": None if limit.amount is None else format_amount(limit.amount, currency),
        "guaranteed": format_amount(limit.guaranteed, currency),
        "unlimited": limit.unlimited,
        "exposure": shown,
        "available": None if available is None else format_amount(available, currency),
        "utilisation": None if used is None else str(used),
        "by_currency": [
            {"currency": each, "exposure": exposure_view(held.stages, held.beyond, each)}
            for each, held in sorted(standing.balances.items())
            if held.stages
        ],
        "rates": rates_view(standing),
        "rates_missing": list(standing.missing),
    }


def rates_view(standing: Standing) -> dict[str, str]:
    """The rates to the limit's currency that were used, by currency."""
    return {each: f"{rate:f}" for each, rate in sorted(standing.rates.items())}


def exposure_view(stages: Stages, beyond: Decimal, currency: str) -> dict[str, str]:
    """Exposure by stage as text in a currency; the stages add up to the total, which is rounded up."""
    total = ceiling(stages.total, currency)
    counted = ceiling(EXACT.subtract(stages.total, beyond), currency)
    parts = whole_parts([stages.reserved, stages.delivered, stages.receivable], total, currency)
    figures = dict(zip(("reserved", "delivered", "receivable"), parts, strict=True))
    figures |= {"total": total, "beyond_horizon": total - counted if beyond else ZERO}
    return {name: format_amount(amount, currency) for name, amount in figures.items()}
