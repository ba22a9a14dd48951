"""Exchange rates: from any currency to any other through the base currency. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from services.common.money import EXACT
from services.limits.ledger import Stages

ONE = Decimal(1)
DIGITS_MAX = 12
# What a rate may be; with so many digits it has at most 20 decimals.
SMALLEST, LARGEST = Decimal("0.00000001"), Decimal(10) ** 9
_CROSS = Context(prec=DIGITS_MAX, rounding=ROUND_HALF_UP)


class RateMissing(LookupError):
    """Nobody has set a rate of these currencies to the base currency by a date."""

    def __init__(self, currencies: Iterable[str]) -> None:
        super().__init__()
        self.currencies = tuple(sorted(currencies))


@dataclass(frozen=True)
class Rates:
    """The rates in force on a date: how many units of the base currency one unit of each currency is."""

    base: str
    on: date
    to_base: Mapping[str, Decimal]

    def between(self, source: str, target: str) -> Decimal:
        """How many units of `target` one unit of `source` is, to 12 significant digits; through the base.

        Raises `RateMissing` with whichever of both has no rate.
        """
        if source == target:
            return ONE
        missing = {each for each in (source, target) if each != self.base and each not in self.to_base}
        if missing:
            raise RateMissing(missing)
        of_source, of_target = (ONE if each == self.base else self.to_base[each] for each in (source, target))
        return of_source if of_target == ONE else _CROSS.divide(of_source, of_target)


def is_rate(number: Decimal) -> bool:
    """Whether a number may be a rate: within bounds, with at most 12 significant digits."""
    return SMALLEST <= number <= LARGEST and len(number.normalize().as_tuple().digits) <= DIGITS_MAX


def converted(stages: Stages, rate: Decimal) -> Stages:
    """Each stage times a rate, exactly."""
    if rate == ONE:
        return stages
    parts = (stages.reserved, stages.delivered, stages.receivable)
    return Stages(*(EXACT.multiply(part, rate) for part in parts))
