"""The rules of the limit ledger: stages, limits, states and aging. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.common.money import EXACT, round_down

ZERO = Decimal(0)

UNSET = "unset"
ZERO_LIMIT = "zero"
AMOUNT = "amount"
UNLIMITED = "unlimited"
EXPIRED = "expired"
FROZEN = "frozen"
OVER_LIMIT = "over-limit"

# What binds exposure: an order that was taken. A held, refused, cancelled or closed one reserves nothing.
OPEN_ORDER = "reserved"

BUCKETS: tuple[tuple[str, int | None], ...] = (
    ("current", 0),
    ("1-30", 30),
    ("31-60", 60),
    ("61-90", 90),
    ("91-180", 180),
    (">180", None),
)


@dataclass(frozen=True)
class Stages:
    """Exposure by stage, in one currency."""

    reserved: Decimal = ZERO
    delivered: Decimal = ZERO
    receivable: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """The whole exposure; below zero where a customer has paid more than was invoiced."""
        return EXACT.add(EXACT.add(self.reserved, self.delivered), self.receivable)

    def __add__(self, other: Stages) -> Stages:
        return Stages(
            EXACT.add(self.reserved, other.reserved),
            EXACT.add(self.delivered, other.delivered),
            EXACT.add(self.receivable, other.receivable),
        )

    def __sub__(self, other: Stages) -> Stages:
        return Stages(
            EXACT.subtract(self.reserved, other.reserved),
            EXACT.subtract(self.delivered, other.delivered),
            EXACT.subtract(self.receivable, other.receivable),
        )

    def times(self, sign: int) -> Stages:
        """The same, or the same taken away (−1)."""
        return self if sign == 1 else Stages() - self

    def __bool__(self) -> bool:
        return bool(self.reserved or self.delivered or self.receivable)


def order_stages(
    amount: Decimal, delivered_total: Decimal, invoiced_total: Decimal, *, is_open: bool
) -> Stages:
    """What an order itself binds, from its totals alone, in whatever order its documents came.

    What was invoiced is a receivable of the invoice; what was delivered beyond that is delivered; what is
    left of an open order is reserved. So a delivery or an invoice never counts twice beside its order.
    A total is below zero while what it takes back has not come yet: then there is nothing of it.
    """
    invoiced_total = max(ZERO, invoiced_total)
    delivered = max(ZERO, delivered_total - invoiced_total)
    reserved = max(ZERO, amount - max(delivered_total, invoiced_total)) if is_open else ZERO
    return Stages(reserved=reserved, delivered=delivered)


@dataclass(frozen=True)
class Grant:
    """A limit granted for a time. `amount` is None exactly when it is unlimited."""

    kind: str
    amount: Decimal | None
    currency: str
    valid_from: date
    valid_to: date | None
    term_days: int | None = None
    replaced_on: date | None = None

    def is_valid(self, on: date) -> bool:
        """Whether it counts on a date; its last day included, the day of its replacement not."""
        if self.replaced_on is not None and on >= self.replaced_on:
            return False
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class Limit:
    """The effective limit on a date: `state` is unset, zero, amount, unlimited or expired.

    `guaranteed` is the part of its amount that guarantees, collateral and insurance make.
    """

    state: str
    amount: Decimal | None = None
    term_days: int | None = None
    guaranteed: Decimal = ZERO

    @property
    def unlimited(self) -> bool:
        """Whether any exposure is within it."""
        return self.state == UNLIMITED

    def available(self, exposure: Decimal) -> Decimal | None:
        """Effective limit − exposure, below zero when over the limit; None when unlimited.

        Where there is no limit in force, nothing is available beyond what is bound: 0 − exposure.
        """
        return None if self.unlimited else EXACT.subtract(self.amount or ZERO, exposure)


@dataclass(frozen=True)
class Guarantee:
    """A guarantee, collateral or insurance: while valid it raises a limit by value × accepted percent."""

    value: Decimal
    currency: str
    accepted_percent: Decimal
    valid_from: date
    valid_to: date | None = None
    released_on: date | None = None

    def is_valid(self, on: date) -> bool:
        """Whether it counts on a date; its last day included, the day of its release not."""
        if self.released_on is not None and on >= self.released_on:
            return False
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    @property
    def accepted(self) -> Decimal:
        """What it is worth to a limit, in whole units of its currency; a part of one counts for nothing."""
        return round_down(self.value * self.accepted_percent / 100, self.currency)


def guarantee_of(row: Mapping[str, Any]) -> Guarantee:
    """A guarantee as the rules see it."""
    return Guarantee(**{name: row[name] for name in Guarantee.__dataclass_fields__})


def limit_on(on: date, grants: Sequence[Grant], guarantees: Iterable[Guarantee] = ()) -> Limit:
    """The effective limit on a date: Σ grants valid on it + Σ guarantee × accepted percent.

    A guarantee alone makes no limit: without a grant there is no credit.
    """
    if not any(grant.valid_from <= on for grant in grants):
        return Limit(UNSET)
    valid = [grant for grant in grants if grant.is_valid(on)]
    if not valid:
        return Limit(EXPIRED)
    in_force = base_grant(on, valid)
    term_days = in_force.term_days if in_force else None
    if any(grant.amount is None for grant in valid):
        return Limit(UNLIMITED, None, term_days)
    guaranteed = sum((one.accepted for one in guarantees if one.is_valid(on)), ZERO)
    amount = sum((grant.amount or ZERO for grant in valid), ZERO) + guaranteed
    return Limit(AMOUNT if amount else ZERO_LIMIT, amount, term_days, guaranteed)


def base_grant(on: date, grants: Iterable[Grant]) -> Grant | None:
    """The grant that sets the payment term on a date: the newest valid one, a base one where there is any."""
    valid = [grant for grant in grants if grant.is_valid(on)]
    bases = [grant for grant in valid if grant.kind == "base"] or valid
    return max(bases, key=lambda grant: grant.valid_from, default=None)


def limit_dates(on: date, grants: Iterable[Grant], guarantees: Iterable[Guarantee]) -> list[date]:
    """The dates after `on` from which the limit is another one, as far as is known by then."""
    found: set[date] = set()
    carriers: list[Grant | Guarantee] = [*grants, *guarantees]
    for one in carriers:
        found.add(one.valid_from)
        if one.valid_to is not None:
            found.add(one.valid_to + timedelta(days=1))
    return sorted(day for day in found if day > on)


def account_state(limit: Limit, exposure: Decimal, *, frozen: bool) -> str:
    """The one state an account is shown in: frozen before over-limit before what its limit says."""
    if frozen:
        return FROZEN
    if limit.amount is not None and exposure > limit.amount:
        return OVER_LIMIT
    return limit.state


def utilisation(limit: Limit, exposure: Decimal) -> Decimal | None:
    """Exposure ÷ effective limit, rounded to four decimals; None where there is no limit to divide by."""
    if not limit.amount:
        return None
    return (exposure / limit.amount).quantize(Decimal("0.0001"))


def days_overdue(due: date, on: date) -> int:
    """Business date − due date, never below zero."""
    return max(0, (on - due).days)


def aging_bucket(due: date, on: date) -> str:
    """The bucket of an open item on a date."""
    days = days_overdue(due, on)
    return next(name for name, last in BUCKETS if last is None or days <= last)


@dataclass(frozen=True)
class OverdueItem:
    """An open invoice past its due date."""

    invoice_no: str
    open_amount: Decimal
    due_date: date


@dataclass(frozen=True)
class Overdue:
    """What is overdue of an account in one currency: its amount, and the oldest due date if there is one."""

    amount: Decimal = ZERO
    oldest_due: date | None = None

    def max_days(self, on: date) -> int:
        """The days overdue of the oldest item on a date."""
        return 0 if self.oldest_due is None else days_overdue(self.oldest_due, on)


def overdue_of(items: Sequence[OverdueItem]) -> Overdue:
    """What these items come to."""
    oldest = min((item.due_date for item in items), default=None)
    return Overdue(sum((item.open_amount for item in items), ZERO), oldest)


def is_cured(cure: Mapping[str, Any] | None, max_days_overdue: int) -> bool:
    """Whether the cause of a freeze is gone; a freeze without a cure ends only by a person."""
    if not cure:
        return False
    return max_days_overdue <= int(cure["at_most"])
