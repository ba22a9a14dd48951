"""Opening business days: one by one, in short steps, never backwards once there are documents.

A day goes through steps, each a row's word in `business_dates`, and each transaction moves it on by one
piece: `expiry` (orders whose last day is over reserve no longer), `limits` (accounts are told whose limit
begins or ends, or of which orders come inside the credit horizon), `rates` (pools are told whose currencies
have other exchange rates from this day on), `aging` (overdue customers are told),
`open` (the day's work), `closing` (what every pool holds is kept), `closed` (the root over all chains is
told, and the next day is open). So whatever ends the process, the day goes on where it stood, and nobody
waits for more than the customers of one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.common import faults
from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.limits import chain, events, store
from services.limits.operations import horizon, revaluation
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.aging import tell_next_aged
from services.limits.operations.expiry import expire_reservations
from services.limits.pools import CUSTOMER, SHARED_KINDS

EXPIRY, LIMITS, RATES, AGING = "expiry", "limits", "rates", "aging"
OPEN, CLOSING, CLOSED = "open", "closing", "closed"
# Customers whose orders wait for one piece of a step, for some 20 ms.
_EXPIRED_AT_ONCE = 100
_TOLD_AT_ONCE = 100
_AGED_AT_ONCE = 100
_CLOSED_AT_ONCE = 300
# More than the steps of one small day: closing the one before, opening it, telling what begins with it.
_STEPS_TOGETHER_MAX = 6


def open_some(work: UnitOfWork, target: date, *, by_schedule: bool = False) -> bool:
    """Move on towards the opening of `target` by the steps that one transaction can take.

    Small steps, which most days consist of, go together; nobody waits for more customers than those of one
    large piece. See `open_next`.
    """
    book = store.book_of(work)
    for _ in range(_STEPS_TOGETHER_MAX):
        if not open_next(work, target, by_schedule=by_schedule):
            return False
        # What one step has posted, the next one asks the database for.
        book.flush()
        if len(book.customers) >= _TOLD_AT_ONCE:
            break
    return True


def open_next(work: UnitOfWork, target: date, *, by_schedule: bool = False) -> bool:
    """Move on by one step towards the opening of `target`; False when nothing is left to do.

    An installation without documents jumps to any date; with documents every day between is run in order.
    Whoever opens a date calls this, each time in a transaction of its own, until it answers False; several
    may do so at once. Locks the business clock, then the customers of one piece. `Conflict` for a date
    before the open one.
    """
    clock = store.lock_clock(work)
    follows = target == work.local_date
    if clock is None:
        _open(work, target, follows_schedule=follows)
        return True
    current: date = clock["date"]
    if not by_schedule and target < current and store.has_documents(work):
        raise Conflict(f"营业日期只能向前: 现在是 {current}", code="business_date_backwards")
    day = store.day_of(work, current) or store.add_day(work, current, OPEN)
    if _begin_day(work, day):
        return True
    if target == current and not by_schedule:
        store.set_clock(work, current, follows_schedule=follows or clock["follows_schedule"])
    if target == current or (by_schedule and (not clock["follows_schedule"] or target < current)):
        return False
    if not store.has_documents(work):
        store.change_day(work, current, {"step": CLOSED})
        _open(work, target, follows_schedule=follows)
    elif not _close_some(work, day):
        _close(work, current)
        _open(work, current + timedelta(days=1), follows_schedule=follows)
    return True


def _open(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    store.set_clock(work, on, follows_schedule=follows_schedule)
    work.forget("business_date")
    store.add_day(work, on, EXPIRY)
    events.business_date_opened(work, on)
    faults.point("roll-over-opening")


# --- what opens with a day -------------------------------------------------------------------------------


def _begin_day(work: UnitOfWork, day: dict[str, Any]) -> bool:
    """Do what opens with a day, the next piece of it; False when everything is done."""
    for step, following, most, do in (
        (EXPIRY, LIMITS, _EXPIRED_AT_ONCE, _expire),
        (LIMITS, RATES, _TOLD_AT_ONCE, _tell_limits),
        (AGING, OPEN, _AGED_AT_ONCE, _age),
    ):
        if day["step"] == RATES and _follow_rates(work, day):
            return True
        if day["step"] != step:
            continue
        reached = do(work, day, most)
        is_last = len(reached) < most
        if is_last and step == LIMITS and not revaluation.follow_opened_date(work):
            following = AGING
        place = {"step": following, "reached": None} if is_last else {"step": step, "reached": reached[-1]}
        store.change_day(work, day["date"], {**place, "overdue_customers": day["overdue_customers"]})
        faults.point(f"roll-over-{step}")
        if reached:
            return True
    return False


def _follow_rates(work: UnitOfWork, day: dict[str, Any]) -> bool:
    """Tell the next pools of the day's rates; False, and the day moves on, when there are none left.

    How far it has come, the settings know.
    """
    more = revaluation.follow_rates(work)
    if not more:
        store.change_day(work, day["date"], {"step": AGING})
    faults.point("roll-over-rates")
    return more


def _expire(work: UnitOfWork, day: Mapping[str, Any], most: int) -> list[UUID]:
    return expire_reservations(work, day["reached"], most)


def _tell_limits(work: UnitOfWork, day: Mapping[str, Any], most: int) -> list[UUID]:
    changed = store.customers_whose_limit_changes(work, day["date"], day["reached"], most)
    ids = sorted({*changed, *horizon.coming_inside(work, day["reached"], most)})[:most]
    tell_accounts(work, ids)
    return ids


def _age(work: UnitOfWork, day: dict[str, Any], most: int) -> list[UUID]:
    ids, told = tell_next_aged(work, day["reached"], most)
    day["overdue_customers"] += told
    return ids


# --- what closes with it ---------------------------------------------------------------------------------


def _close_some(work: UnitOfWork, day: Mapping[str, Any]) -> bool:
    """Keep what the next pools hold; False when all are closed. Entries may still come to any of them."""
    after = day["reached"] if day["step"] == CLOSING else None
    pools = store.pools_to_close(work, day["date"], after, _CLOSED_AT_ONCE)
    if not pools:
        return False
    store.lock_customers(work, _owners(pools))
    shared = [(pool["kind"], pool["key"]) for pool in pools if pool["kind"] in SHARED_KINDS]
    store.lock_shared_pools(work, sorted(shared))
    store.close_pools(work, day["date"], [pool["id"] for pool in pools])
    store.change_day(work, day["date"], {"step": CLOSING, "reached": pools[-1]["id"]})
    faults.point("roll-over-closing")
    return True


def _owners(pools: Iterable[Mapping[str, Any]]) -> list[UUID]:
    return [UUID(pool["key"]) for pool in pools if pool["kind"] == CUSTOMER]


def _close(work: UnitOfWork, on: date) -> None:
    before = store.last_root(work)
    root, pools = store.root_on(work, on, before or chain.ROOT)
    store.change_day(work, on, {"step": CLOSED, "reached": None, "root": root})
    events.business_date_closed(work, on, root=root, before=before, pools=pools)
