"""Payment terms: net days, month's end (月结), instalments and cash, and the dates they make. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.common.money import split

NET = "net"
MONTHLY = "monthly"
INSTALMENTS = "instalments"
CASH = "cash"
KINDS = (NET, MONTHLY, INSTALMENTS, CASH)
PERCENT_SUM = Decimal(100)


@dataclass(frozen=True)
class Share:
    """One instalment: a share of the amount, in percent, due so many days after the base date."""

    percent: Decimal
    days: int


@dataclass(frozen=True)
class Term:
    """A payment term: net (base date + `days`), monthly (end of its month + `days`), instalments or cash."""

    kind: str
    days: int = 0
    shares: tuple[Share, ...] = ()

    @property
    def longest_days(self) -> int:
        """The most days that a part may stay unpaid, beside those until the month's end."""
        return max((share.days for share in self.shares), default=self.days)

    def due_dates(self, base: date, amount: Decimal, currency: str) -> list[tuple[date, Decimal]]:
        """When which part of an amount falls due, by date; the parts always sum to the amount."""
        if self.kind == MONTHLY:
            end = base.replace(day=monthrange(base.year, base.month)[1])
            return [(end + timedelta(days=self.days), amount)]
        if self.kind != INSTALMENTS:
            return [(base + timedelta(days=self.days), amount)]
        due: dict[date, Decimal] = {}
        parts = split(amount, [share.percent for share in self.shares], currency)
        for share, part in zip(self.shares, parts, strict=True):
            on = base + timedelta(days=share.days)
            due[on] = due.get(on, Decimal(0)) + part
        return sorted((on, part) for on, part in due.items() if part)


CASH_TERM = Term(CASH)


def term_of(term: Mapping[str, Any] | None, term_days: int | None) -> Term | None:
    """The term of a grant, from its columns; None where none was agreed."""
    if term is None:
        return None if term_days is None else Term(NET, term_days)
    shares = tuple(Share(Decimal(one["percent"]), one["days"]) for one in term.get("parts", ()))
    return Term(term["kind"], term.get("days", 0), shares)


def term_view(term: Term | None) -> dict[str, Any] | None:
    """A term as it is kept and shown: `{kind, days}` or `{kind, parts: [{percent, days}]}`."""
    if term is None:
        return None
    if term.kind == INSTALMENTS:
        parts = [{"percent": f"{share.percent:f}", "days": share.days} for share in term.shares]
        return {"kind": term.kind, "parts": parts}
    return {"kind": term.kind, "days": term.days}


def due_columns(due: Sequence[tuple[date, Decimal]]) -> dict[str, Any]:
    """What an invoice keeps of its due dates: the first, the last, and its instalments if it has several."""
    several = [{"due_date": on.isoformat(), "amount": str(amount)} for on, amount in due]
    return {
        "due_date": due[0][0],
        "last_due_date": due[-1][0],
        "instalments": several if len(due) > 1 else None,
    }
