"""The rules of the limit ledger: stages, limits, states, aging and the decision on an order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.common.money import quantize, round_down

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
STRENGTHS = ("ignore", "warn", "approve", "block")
_PAY_INVOICES_MAX = 20

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
        return self.reserved + self.delivered + self.receivable

    def __add__(self, other: Stages) -> Stages:
        return Stages(
            self.reserved + other.reserved,
            self.delivered + other.delivered,
            self.receivable + other.receivable,
        )

    def __sub__(self, other: Stages) -> Stages:
        return Stages(
            self.reserved - other.reserved,
            self.delivered - other.delivered,
            self.receivable - other.receivable,
        )

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
        return None if self.unlimited else (self.amount or ZERO) - exposure


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


@dataclass(frozen=True)
class Reason:
    """Why an order does not simply pass. `strength` is warn, approve or block."""

    code: str
    message: str
    strength: str = "block"
    pool: str = "customer"
    needed: Decimal | None = None
    available: Decimal | None = None
    rule: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The reason as the decision shows it."""
        return {
            "code": self.code,
            "message": self.message,
            "strength": self.strength,
            "pool": self.pool,
            "needed": self.needed,
            "available": self.available,
            **({"rule": self.rule} if self.rule else {}),
        }


@dataclass(frozen=True)
class Check:
    """What an order is judged on. Amounts in `currency`; `increase` is what it would add to the exposure.

    `binds` is what it would reserve more, whether that counts yet or is due beyond the credit horizon.
    `later` finds the limits known to follow, each with the date from which it holds: only a refusal asks.
    """

    increase: Decimal
    currency: str
    limit: Limit
    limit_currency: str | None
    exposure: Decimal
    binds: Decimal = ZERO
    freezes: Sequence[Mapping[str, Any]] = ()
    overdue: Sequence[OverdueItem] = ()
    later: Callable[[], Sequence[tuple[date, Limit]]] = tuple


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: reserved, held or refused, every reason, and what would let it pass."""

    result: str
    reasons: tuple[Reason, ...] = ()
    would_pass_if: dict[str, Any] = field(default_factory=dict)


def judge(check: Check, rule_reasons: Sequence[Reason] = ()) -> Verdict:
    """Judge an order by what can never be switched off, and add what the rules say.

    Every reason is told, not only the first. A block refuses, an approve holds, a warn lets pass.
    """
    reasons = (*_hard_reasons(check), *rule_reasons)
    strengths = {reason.strength for reason in reasons}
    if "block" in strengths:
        return Verdict("refused", reasons, _would_pass_if(check, reasons))
    if "approve" in strengths:
        return Verdict("held", reasons, {"approval": True})
    return Verdict("reserved", reasons)


def _hard_reasons(check: Check) -> list[Reason]:
    available = check.limit.available(check.exposure)

    def reason(code: str, message: str) -> Reason:
        return Reason(code, message, needed=check.increase, available=available)

    reasons = [reason("customer_frozen", f"客户已冻结: {freeze['reason']}") for freeze in check.freezes]
    if check.limit.state == UNSET:
        return [*reasons, reason("limit_unset", "客户还没有授信额度")]
    if check.limit_currency is not None and check.limit_currency != check.currency:
        text = f"授信额度的币种是 {check.limit_currency}, 订单的币种是 {check.currency}"
        return [*reasons, Reason("currency_mismatch", text, needed=check.increase, available=None)]
    if check.limit.state == EXPIRED:
        return [*reasons, reason("limit_expired", "客户的授信额度已过期")]
    if available is not None and check.increase > available:
        short = check.increase - available
        needed, left, missing = (
            _shown(amount, check.currency) for amount in (check.increase, available, short)
        )
        text = f"可用额度不足: 需要 {needed}, 可用 {left}, 还差 {missing} {check.currency}"
        code = "limit_zero" if check.limit.state == ZERO_LIMIT else "limit_exceeded"
        reasons.append(reason(code, text))
    return reasons


def _shown(amount: Decimal, currency: str) -> str:
    return f"{quantize(amount, currency):,f}"


def _would_pass_if(check: Check, reasons: Sequence[Reason]) -> dict[str, Any]:
    """The smallest changes that would let the order pass, each where it would help."""
    codes = {reason.code for reason in reasons if reason.strength == "block"}
    wanted: dict[str, Any] = {}
    if codes & {"limit_unset", "limit_expired"}:
        wanted["limit_needed"] = max(ZERO, check.exposure) + check.increase
    if "currency_mismatch" in codes:
        wanted["limit_currency"] = check.currency
    available = check.limit.available(check.exposure)
    if codes & {"limit_exceeded", "limit_zero"} and available is not None:
        short = check.increase - available
        wanted["largest_amount"] = max(ZERO, available)
        wanted["payment_needed"] = short
        wanted["limit_needed"] = check.exposure + check.increase
    if codes and codes <= {"limit_unset", "limit_expired", "limit_exceeded", "limit_zero"}:
        passes_on = next((on for on, limit in check.later() if _is_within(check, limit)), None)
        if passes_on is not None:
            wanted["date"] = passes_on
    if "customer_frozen" in codes:
        wanted["unfreeze"] = [str(freeze["source"]) for freeze in check.freezes]
    if check.overdue and codes & {"limit_exceeded", "customer_frozen"}:
        oldest = sorted(check.overdue, key=lambda item: (item.due_date, item.invoice_no))
        wanted["pay_invoices"] = [item.invoice_no for item in oldest[:_PAY_INVOICES_MAX]]
        wanted["overdue_amount"] = sum((item.open_amount for item in check.overdue), ZERO)
    return wanted


def _is_within(check: Check, limit: Limit) -> bool:
    """Whether the order would be within another limit, with the exposure of today."""
    if limit.state in (UNSET, EXPIRED):
        return False
    available = limit.available(check.exposure)
    return available is None or check.increase <= available


def is_cured(cure: Mapping[str, Any] | None, max_days_overdue: int) -> bool:
    """Whether the cause of a freeze is gone; a freeze without a cure ends only by a person."""
    if not cure:
        return False
    return max_days_overdue <= int(cure["at_most"])
