"""Exchange rates by date, and whose accounts they concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    any_,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
    tuple_,
    union,
)

from services.common.db import UnitOfWork
from services.limits.model import exchange_rates, grants, guarantees, pools

_asked = (
    func.unnest(bindparam("currencies", type_=ARRAY(Text)))
    .table_valued(column("currency", Text), name="asked")
    .render_derived()
)
_of_currencies = any_(bindparam("currencies", type_=ARRAY(Text)))


def _in_force(*known: Any) -> Select[Any]:
    """The rate of each currency that is asked for: one look into an index, however many rates there were."""
    last = (
        select(exchange_rates.c.rate)
        .where(
            exchange_rates.c.base == bindparam("base"),
            exchange_rates.c.currency == _asked.c.currency,
            exchange_rates.c.valid_from <= bindparam("on"),
            *known,
        )
        .order_by(exchange_rates.c.valid_from.desc(), exchange_rates.c.identity.desc())
        .limit(1)
        .lateral("last")
    )
    return select(_asked.c.currency, last.c.rate).select_from(_asked.join(last, true()))


_IN_FORCE = _in_force()
_KNOWN_IN_FORCE = _in_force(exchange_rates.c.set_at <= bindparam("known_at"))
_CURRENCIES = select(exchange_rates.c.currency).where(exchange_rates.c.base == bindparam("base")).distinct()


def _concerned() -> Select[Any]:
    """Whoever holds something in these currencies, or has a limit or a guarantee in them, as (kind, key)."""
    holds = or_(pools.c.reserved != 0, pools.c.delivered != 0, pools.c.receivable != 0)
    found = [
        (select(pools.c.kind, pools.c.key), pools.c.currency, holds, (pools.c.kind, pools.c.key)),
        (
            select(grants.c.pool_kind.label("kind"), grants.c.pool_key.label("key")),
            grants.c.currency,
            grants.c.replaced_on.is_(None),
            (grants.c.pool_kind, grants.c.pool_key),
        ),
        (
            select(guarantees.c.pool_kind.label("kind"), guarantees.c.pool_key.label("key")),
            guarantees.c.currency,
            guarantees.c.released_on.is_(None),
            (guarantees.c.pool_kind, guarantees.c.pool_key),
        ),
    ]
    after = tuple_(bindparam("kind", type_=Text), bindparam("key", type_=Text))
    parts = []
    for statement, currency, counts, key in found:
        wanted = statement.where(currency == _of_currencies, counts, tuple_(*key) > after)
        parts.append(wanted.order_by(*key).limit(bindparam("most")).subquery().select())
    every = union(*parts).subquery("concerned")
    place = (every.c.kind, every.c.key)
    return select(*place).order_by(*place).limit(bindparam("most"))


_CONCERNED = _concerned()


def add_exchange_rates(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rates."""
    work.rows.insert(exchange_rates, rows)


def rates_in_force(
    work: UnitOfWork, currencies: Iterable[str], on: date, known_at: datetime | None = None
) -> dict[str, Decimal]:
    """The rates to the base currency in force on a date, as they were known at an instant, by currency."""
    asked: dict[str, Any] = {"currencies": sorted(currencies), "base": work.base_currency, "on": on}
    if known_at is None:
        return {row.currency: row.rate for row in work.execute(_IN_FORCE, asked)}
    found = work.execute(_KNOWN_IN_FORCE, {**asked, "known_at": known_at})
    return {row.currency: row.rate for row in found}


def currencies_with_rates(work: UnitOfWork) -> list[str]:
    """The currencies that ever had a rate to the base currency."""
    return sorted(work.execute(_CURRENCIES, {"base": work.base_currency}).scalars())


def exchange_rates_with(where: Mapping[str, Any]) -> Select[Any]:
    """Rates with these values in their columns, to be paged."""
    statement = select(exchange_rates)
    return statement.where(*(exchange_rates.c[name] == value for name, value in where.items()))


def currencies_changing(work: UnitOfWork, on: date) -> list[str]:
    """The currencies that have another rate from a date on."""
    changing = select(exchange_rates.c.currency).where(exchange_rates.c.valid_from == on).distinct()
    return sorted(work.execute(changing).scalars())


def next_concerned(
    work: UnitOfWork, currencies: Sequence[str], after: tuple[str, str], most: int
) -> list[tuple[str, str]]:
    """The next (kind, key) of pools that a change of the rates of these currencies concerns."""
    kind, key = after
    asked = {"currencies": list(currencies), "kind": kind, "key": key, "most": most}
    return [(row.kind, row.key) for row in work.execute(_CONCERNED, asked)]
