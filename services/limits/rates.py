"""Exchange rates: from any currency to any other through the base currency. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from services.common.money import EXACT
from services.limits.ledger import Stages

ONE = Decimal(1)
DIGITS_MAX = 12
# What a rate may be; with so many digits it has at most 20 decimals.
SMALLEST, LARGEST = Decimal("0.00000001"), Decimal(10) ** 9
# How long before or after an entry was begun a rate may have been set, or a date opened, that it did or did
# not see: longer than any transaction takes.
_SEEN_WITHIN = timedelta(minutes=1)
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


class RateHistory:
    """Every rate that was ever set, and when each business date was opened: what an entry may have kept.

    `rates` are (currency, valid from, set at, rate), of one date the later ones later; `opened` are (date,
    opened at) by date. Rates and dates that changed while an entry was written count both before and after.
    """

    def __init__(
        self,
        base: str,
        rates: Iterable[tuple[str, date, datetime, Decimal]],
        opened: Iterable[tuple[date, datetime]],
    ) -> None:
        self._base = base
        self._opened = list(opened)
        self._rates: dict[str, list[tuple[date, datetime, Decimal]]] = {}
        for currency, valid_from, set_at, rate in rates:
            self._rates.setdefault(currency, []).append((valid_from, set_at, rate))
        self._known: dict[tuple[str, str, datetime], set[Decimal]] = {}

    def between(self, source: str, target: str, recorded_at: datetime) -> set[Decimal]:
        """The rates of one currency to another that an entry recorded at an instant may have kept."""
        minute = recorded_at.replace(second=0, microsecond=0)
        key = (source, target, minute)
        if key not in self._known:
            found = set()
            for of_source in self._to_base(source, minute):
                for of_target in self._to_base(target, minute):
                    rates = Rates(self._base, minute.date(), {source: of_source, target: of_target})
                    found.add(rates.between(source, target))
            self._known[key] = found
        return self._known[key]

    def _to_base(self, currency: str, minute: datetime) -> set[Decimal]:
        if currency == self._base:
            return {ONE}
        since, until = minute - _SEEN_WITHIN, minute + _SEEN_WITHIN + timedelta(minutes=1)
        first, last = self._date_at(since), self._date_at(until)
        found: set[Decimal] = set()
        before: Decimal | None = None
        for valid_from, set_at, rate in self._rates.get(currency, ()):
            if set_at <= since and valid_from <= first:
                before = rate
            elif set_at <= until and valid_from <= last:
                found.add(rate)
        return found if before is None else found | {before}

    def _date_at(self, instant: datetime) -> date:
        """The business date that was open; before the first was opened, the first."""
        return max((on for on, opened_at in self._opened if opened_at <= instant), default=self._first)

    @property
    def _first(self) -> date:
        return self._opened[0][0] if self._opened else date.min
