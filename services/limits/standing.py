"""How a pool stands: its limit, and what it holds of all currencies, in the limit's own. Pure.

Nothing is rounded of what is held, so that no order passes or fails by a rounding; what carries a limit in
another currency counts in whole units of the limit's, a part of one for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from services.common.money import EXACT, round_down
from services.limits.ledger import ZERO, Grant, Guarantee, Limit, Stages, limit_on
from services.limits.rates import RateMissing, Rates, converted

_ALL = Decimal(100)
_NOTHING = Stages()


@dataclass(frozen=True)
class Balance:
    """What a pool holds in one currency; `beyond` of what is reserved does not count yet."""

    stages: Stages = _NOTHING
    beyond: Decimal = ZERO


@dataclass(frozen=True)
class Standing:
    """A pool's limit in its `currency`, what carries it, and what the pool holds, all in that currency.

    `balances` are what is held by currency. `rates` are those that were used; `missing` are the currencies
    without a rate: what is held or granted in them is left out, so that nobody can say what is available.
    """

    on: date
    currency: str
    limit: Limit
    stages: Stages = _NOTHING
    beyond: Decimal = ZERO
    grants: Sequence[Grant] = ()
    guarantees: Sequence[Guarantee] = ()
    balances: Mapping[str, Balance] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def counted(self) -> Decimal:
        """The exposure that counts: without what is beyond the credit horizon."""
        return EXACT.subtract(self.stages.total, self.beyond)


def currencies_needed(
    currency: str,
    on: date,
    grants: Iterable[Grant],
    guarantees: Iterable[Guarantee],
    balances: Mapping[str, Balance],
) -> set[str]:
    """The currencies whose rates `stand` asks for."""
    carriers: list[Grant | Guarantee] = [*grants, *guarantees]
    found = {each.currency for each in carriers if _may_count(each, on)}
    return {currency} | found | {each for each, held in balances.items() if held.stages}


def stand(
    currency: str,
    grants: Iterable[Grant],
    guarantees: Iterable[Guarantee],
    balances: Mapping[str, Balance],
    rates: Rates,
) -> Standing:
    """How a pool stands on the date of the rates, in the currency of its limit."""
    used: dict[str, Decimal] = {}
    missing: set[str] = set()

    def rate_of(source: str) -> Decimal | None:
        try:
            rate = rates.between(source, currency)
        except RateMissing as lack:
            missing.update(lack.currencies)
            return None
        if source != currency:
            used[source] = rate
        return rate

    def in_currency(carrier: Grant | Guarantee) -> Decimal:
        rate = rate_of(carrier.currency)
        worth = carrier.accepted if isinstance(carrier, Guarantee) else carrier.amount
        return ZERO if rate is None or worth is None else round_down(EXACT.multiply(worth, rate), currency)

    carrying = [
        replace(grant, amount=in_currency(grant), currency=currency)
        if grant.currency != currency and grant.amount is not None and _may_count(grant, rates.on)
        else grant
        for grant in grants
    ]
    raising = [
        guarantee
        if guarantee.currency == currency or not _may_count(guarantee, rates.on)
        else replace(guarantee, value=in_currency(guarantee), accepted_percent=_ALL, currency=currency)
        for guarantee in guarantees
    ]
    stages, beyond = Stages(), ZERO
    for each, held in balances.items():
        rate = rate_of(each) if held.stages else None
        if rate is not None:
            stages += converted(held.stages, rate)
            beyond = EXACT.add(beyond, EXACT.multiply(held.beyond, rate))
    limit = limit_on(rates.on, carrying, raising)
    # Nobody needs to know how much of an unlimited limit is used.
    lacking = () if limit.unlimited else tuple(sorted(missing))
    return Standing(
        rates.on, currency, limit, stages, beyond, carrying, raising, dict(balances), used, lacking
    )


def _may_count(carrier: Grant | Guarantee, on: date) -> bool:
    """Whether it counts on a date or may come to."""
    ended = carrier.replaced_on if isinstance(carrier, Grant) else carrier.released_on
    ended_by_then = ended is not None and ended <= on
    return not ended_by_then and (carrier.valid_to is None or carrier.valid_to >= on)
