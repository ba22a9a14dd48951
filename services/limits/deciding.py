"""The decision on an order: every reason, and the smallest changes that would let it pass. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from services.common.money import EXACT, ceiling, divide_down, divide_up, floor, format_amount
from services.limits.ledger import EXPIRED, UNSET, ZERO, ZERO_LIMIT, Limit, OverdueItem
from services.limits.rates import ONE

STRENGTHS = ("ignore", "warn", "approve", "block")
CUSTOMER_POOL = "customer"
# A freeze for as long as the customer is on the black list.
BLACKLIST = "blacklist"
_FREEZE_CODES = frozenset({"customer_frozen", "customer_blacklisted"})
_PAY_INVOICES_MAX = 20
# What the limit itself says against an order; nothing else keeps it from passing on another date.
_LIMIT_CODES = frozenset({"limit_unset", "limit_expired", "limit_zero", "limit_exceeded"})
# What a special approval lets pass beside the rules: whoever has no limit at all, is frozen, or whose
# exposure nobody can tell, needs another remedy.
_OVERRIDABLE = frozenset({"limit_expired", "limit_zero", "limit_exceeded"})


class Amount(NamedTuple):
    """An amount in a currency, as a decision tells it."""

    value: Decimal
    currency: str

    @property
    def text(self) -> str:
        """The amount as it stands on the wire."""
        return format_amount(self.value, self.currency)


@dataclass(frozen=True)
class Reason:
    """Why an order does not simply pass; `strength` is warn, approve or block."""

    code: str
    message: str
    strength: str = "block"
    pool: str = CUSTOMER_POOL
    needed: Amount | None = None
    available: Amount | None = None
    rule: str | None = None
    # The currencies without a rate to the base currency on a date.
    missing: tuple[str, ...] = ()
    on: date | None = None

    def to_dict(self) -> dict[str, Any]:
        """The reason as the decision shows it."""
        currency = self.needed.currency if self.needed else None
        return {
            "code": self.code,
            "message": self.message,
            "strength": self.strength,
            "pool": self.pool,
            "needed": None if self.needed is None else self.needed.text,
            "available": None if self.available is None else self.available.text,
            **({"currency": currency} if currency else {}),
            **({"rule": self.rule} if self.rule else {}),
            **({"rates_missing": list(self.missing), "date": self.on} if self.missing else {}),
        }


@dataclass(frozen=True)
class PoolCheck:
    """One pool that an order must pass, in the limit's own `currency`, to the last digit.

    `rate` turns the order's currency into the limit's; `rates` are all that were used, and `missing` the
    currencies that have none on the date `on`, without which nothing passes. `later` finds the limits known
    to follow, each with the date from which it holds: only a refusal asks.
    """

    name: str
    title: str
    currency: str
    limit: Limit
    exposure: Decimal
    increase: Decimal
    later: Callable[[], Sequence[tuple[date, Limit]]] = tuple
    rate: Decimal = ONE
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    on: date | None = None

    @property
    def available(self) -> Decimal | None:
        """Effective limit − exposure; None when unlimited."""
        return self.limit.available(self.exposure)

    @property
    def short(self) -> Decimal:
        """How much more would have to be available."""
        available = self.available
        return ZERO if available is None else max(ZERO, EXACT.subtract(self.increase, available))

    @property
    def is_over(self) -> bool:
        """Whether it has no room for the increase, or nobody can tell for want of a rate."""
        return bool(self.short or self.missing)


@dataclass(frozen=True)
class Override:
    """A special approval that an order may use, and how much it still lets pass, in the order's currency."""

    id: UUID
    left: Decimal


@dataclass(frozen=True)
class Check:
    """What an order is judged on: `increase` is what it would add to the exposure, in `currency`.

    `binds` is what it would reserve more, whether that counts yet or is due beyond the credit horizon.
    `pools` are those it must pass, the customer's own first. `overrides` finds the special approvals that it
    may use, in their order: only an order that would not pass asks.
    """

    increase: Decimal
    currency: str
    pools: Sequence[PoolCheck]
    binds: Decimal = ZERO
    freezes: Sequence[Mapping[str, Any]] = ()
    overdue: Sequence[OverdueItem] = ()
    whitelisted: bool = False
    overrides: Callable[[], Sequence[Override]] = tuple

    @property
    def needed(self) -> Decimal:
        """What a special approval must let pass: all that the order binds more, counted or not."""
        return max(self.increase, self.binds)

    @property
    def overdue_amount(self) -> Decimal:
        """What is overdue altogether, in `currency`, to the last digit."""
        total = ZERO
        for item in self.overdue:
            total = EXACT.add(total, item.open_amount)
        return total

    @property
    def own(self) -> PoolCheck:
        """The customer's own pool."""
        return self.pools[0]


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: reserved, held or refused, every reason, and what would let it pass.

    `override` is the special approval without which it would not have passed.
    """

    result: str
    reasons: tuple[Reason, ...] = ()
    would_pass_if: dict[str, Any] = field(default_factory=dict)
    override: Override | None = None


def judge(check: Check, rule_reasons: Sequence[Reason] = ()) -> Verdict:
    """Judge an order by what can never be switched off, and add what the rules say.

    Every reason of every pool is told, not only the first. A block refuses, an approve holds, a warn lets
    pass. Of a customer of the white list, rules only warn. A special approval lets pass what the limit and
    the rules say, never a freeze.
    """
    if check.whitelisted:
        rule_reasons = [replace(reason, strength="warn") for reason in rule_reasons]
    frozen = [
        Reason(
            *_freeze_text(freeze),
            needed=_needed(check.own),
            available=_available(check.own),
        )
        for freeze in check.freezes
    ]
    of_pools = [reason for pool in check.pools if (reason := _limit_reason(pool)) is not None]
    reasons = (*frozen, *of_pools, *rule_reasons)
    strengths = {reason.strength for reason in reasons}
    if strengths & {"block", "approve"}:
        override = _override(check, reasons)
        if override is not None:
            return Verdict("reserved", reasons, override=override)
    if "block" in strengths:
        return Verdict("refused", reasons, _would_pass_if(check, reasons))
    if "approve" in strengths:
        return Verdict("held", reasons, {"approval": True})
    return Verdict("reserved", reasons)


def _freeze_text(freeze: Mapping[str, Any]) -> tuple[str, str]:
    if freeze["source"] == BLACKLIST:
        return "customer_blacklisted", f"客户在黑名单中: {freeze['reason']}"
    return "customer_frozen", f"客户已冻结: {freeze['reason']}"


def _override(check: Check, reasons: Sequence[Reason]) -> Override | None:
    """The first special approval that is large enough, where such may let pass all that was said."""
    against = [reason for reason in reasons if reason.strength in ("block", "approve")]
    if not all(reason.rule is not None or reason.code in _OVERRIDABLE for reason in against):
        return None
    return next((override for override in check.overrides() if override.left >= check.needed), None)


def _no_less(amount: Decimal, currency: str) -> Amount:
    return Amount(ceiling(amount, currency), currency)


def _needed(pool: PoolCheck) -> Amount:
    return _no_less(pool.increase, pool.currency)


def _available(pool: PoolCheck) -> Amount | None:
    available = None if pool.missing else pool.available
    return None if available is None else Amount(floor(available, pool.currency), pool.currency)


def _limit_reason(pool: PoolCheck) -> Reason | None:
    """What the pool's limit says against the order."""

    def reason(code: str, message: str) -> Reason:
        return Reason(code, message, pool=pool.name, needed=_needed(pool), available=_available(pool))

    if pool.limit.state == UNSET:
        return reason("limit_unset", f"{pool.title}还没有授信额度")
    if pool.missing:
        lacking = f"{pool.on} 没有 {', '.join(pool.missing)} 的汇率"
        text = f"{pool.title}的敞口无法折算成 {pool.currency}: {lacking}"
        return Reason("rate_missing", text, pool=pool.name, missing=pool.missing, on=pool.on)
    if pool.limit.state == EXPIRED:
        return reason("limit_expired", f"{pool.title}的授信额度已过期")
    if not pool.short:
        return None
    code = "limit_zero" if pool.limit.state == ZERO_LIMIT else "limit_exceeded"
    return reason(code, _short_text(pool))


def _short_text(pool: PoolCheck) -> str:
    whose = "" if pool.name == CUSTOMER_POOL else pool.title
    needed, short = (f"{ceiling(each, pool.currency):,f}" for each in (pool.increase, pool.short))
    left = f"{floor(pool.available or ZERO, pool.currency):,f}"
    return f"{whose}可用额度不足: 需要 {needed}, 可用 {left}, 还差 {short} {pool.currency}"


def _would_pass_if(check: Check, reasons: Sequence[Reason]) -> dict[str, Any]:
    """The smallest changes that would let the order pass, each where it would help."""
    blocking = [reason for reason in reasons if reason.strength == "block"]
    codes = {reason.code for reason in blocking}
    named = {reason.pool for reason in blocking if reason.code in _LIMIT_CODES}
    failing = [pool for pool in check.pools if pool.name in named]
    wanted: dict[str, Any] = {}
    if failing:
        wanted |= _limits_needed(failing)
    if codes & {"limit_exceeded", "limit_zero"}:
        wanted |= _amounts_that_pass(check)
    if codes and codes <= _LIMIT_CODES:
        passes_on = _passes_on(check)
        if passes_on is not None:
            wanted["date"] = passes_on
    if "rate_missing" in codes:
        missing = {(each, pool.on) for pool in check.pools for each in pool.missing}
        wanted["rates_needed"] = [{"currency": each, "date": on} for each, on in sorted(missing)]
    if codes & _FREEZE_CODES:
        wanted["unfreeze"] = [str(freeze["source"]) for freeze in check.freezes]
    if check.overdue and codes & {"limit_exceeded", *_FREEZE_CODES}:
        oldest = sorted(check.overdue, key=lambda item: (item.due_date, item.invoice_no))
        wanted["pay_invoices"] = [item.invoice_no for item in oldest[:_PAY_INVOICES_MAX]]
        wanted["overdue_amount"] = _no_less(check.overdue_amount, check.currency).text
    return wanted


def _limits_needed(failing: Sequence[PoolCheck]) -> dict[str, Any]:
    needed = [
        {
            "pool": pool.name,
            "currency": pool.currency,
            "limit_needed": _no_less(EXACT.add(max(ZERO, pool.exposure), pool.increase), pool.currency).text,
        }
        for pool in failing
    ]
    return {"limit_needed": needed[0]["limit_needed"], "limits_needed": needed}


def _amounts_that_pass(check: Check) -> dict[str, Any]:
    """The largest amount that every pool lets pass, and the payment that would make room.

    Both are in the order's currency. Nothing smaller helps where a pool has no limit in force, or where
    nobody can tell how much of it is used.
    """
    if any(pool.limit.state in (UNSET, EXPIRED) or pool.missing for pool in check.pools):
        return {}
    room = [
        divide_down(available, pool.rate, check.currency)
        for pool in check.pools
        if (available := pool.available) is not None
    ]
    short = [divide_up(pool.short, pool.rate, check.currency) for pool in check.pools]
    return {
        "largest_amount": Amount(max(ZERO, min(room)), check.currency).text,
        "payment_needed": Amount(max(short), check.currency).text,
    }


def _passes_on(check: Check) -> date | None:
    """The first date from which the limits known by now let the order pass, with the exposure of today."""
    coming = [(pool, sorted(pool.later(), key=lambda found: found[0])) for pool in check.pools]
    for day in sorted({on for _, limits in coming for on, _ in limits}):
        on_day = ((pool, _limit_by(day, limits, pool.limit)) for pool, limits in coming)
        if all(_is_within(pool, limit) for pool, limit in on_day):
            return day
    return None


def _limit_by(day: date, limits: Sequence[tuple[date, Limit]], now: Limit) -> Limit:
    return next((limit for on, limit in reversed(limits) if on <= day), now)


def _is_within(pool: PoolCheck, limit: Limit) -> bool:
    if limit.state in (UNSET, EXPIRED):
        return False
    available = limit.available(pool.exposure)
    return available is None or pool.increase <= available
