"""Opening business days: one by one, in short steps, never backwards once there are documents.

A day goes through steps, each a row's word in `business_dates`, and each transaction moves it on by one
piece: `limits` (accounts whose limit begins or ends are told), `aging` (overdue customers are told), `open`
(the day's work), `closing` (what every pool holds is kept), `closed` (the root over all chains is told, and
the next day is open). So whatever ends the process, the day goes on where it stood, and nobody waits for
more than the customers of one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from services.common import faults
from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.common.money import format_amount
from services.limits import chain, events, ledger, store
from services.limits.operations.accounts import tell_accounts

LIMITS, AGING, OPEN, CLOSING, CLOSED = "limits", "aging", "open", "closing", "closed"
# Customers whose orders wait for one piece of a step, for some 20 ms.
_TOLD_AT_ONCE = 100
_AGED_AT_ONCE = 100
_CLOSED_AT_ONCE = 300


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
    day = store.day_of(work, current) or _begin(work, current, OPEN)
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


def _begin(work: UnitOfWork, on: date, step: str) -> dict[str, Any]:
    store.add_day(work, on, step)
    return {"date": on, "step": step, "reached": None, "overdue_customers": 0}


def _open(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    store.set_clock(work, on, follows_schedule=follows_schedule)
    work.forget("business_date")
    _begin(work, on, LIMITS)
    events.business_date_opened(work, on)
    faults.point("roll-over-opening")


# --- what opens with a day -------------------------------------------------------------------------------


def _begin_day(work: UnitOfWork, day: dict[str, Any]) -> bool:
    """Tell what opens with a day, the next piece of it; False when everything is told."""
    for step, following, most, tell in (
        (LIMITS, AGING, _TOLD_AT_ONCE, _tell_limits),
        (AGING, OPEN, _AGED_AT_ONCE, _age),
    ):
        if day["step"] != step:
            continue
        reached = tell(work, day, most)
        is_last = len(reached) < most
        place = {"step": following, "reached": None} if is_last else {"step": step, "reached": reached[-1]}
        day.update(place)
        store.change_day(work, day["date"], {**place, "overdue_customers": day["overdue_customers"]})
        faults.point(f"roll-over-{step}")
        if reached:
            return True
    return False


def _tell_limits(work: UnitOfWork, day: Mapping[str, Any], most: int) -> list[UUID]:
    ids = store.customers_whose_limit_changes(work, day["date"], day["reached"], most)
    tell_accounts(work, ids)
    return ids


def _age(work: UnitOfWork, day: dict[str, Any], most: int) -> list[UUID]:
    on = day["date"]
    ids = store.next_overdue_customers(work, on, day["reached"], most)
    # A payment that is being recorded comes before or after, never in between.
    store.lock_customers(work, ids)
    rows = store.overdue_of(work, on, ids)
    for (customer_id, currency), group in groupby(rows, lambda row: (row["customer_id"], row["currency"])):
        events.customer_aged(work, customer_id, _aged(list(group), currency, on))
        day["overdue_customers"] += 1
    return ids


def _aged(items: Sequence[Mapping[str, Any]], currency: str, on: date) -> dict[str, Any]:
    first = items[0]
    return {
        "customer_name": first["name"],
        "customer_code": first["code"],
        "salesperson": first["salesperson"],
        "department": first["department"],
        "business_date": on,
        "currency": currency,
        "overdue_amount": format_amount(sum((item["open_amount"] for item in items), Decimal(0)), currency),
        "max_days_overdue": max(ledger.days_overdue(item["due_date"], on) for item in items),
        "items": [
            {
                "invoice_no": item["invoice_no"],
                "due_date": item["due_date"],
                "open_amount": format_amount(item["open_amount"], currency),
                "days_overdue": ledger.days_overdue(item["due_date"], on),
            }
            for item in items
        ],
    }


# --- what closes with it ---------------------------------------------------------------------------------


def _close_some(work: UnitOfWork, day: Mapping[str, Any]) -> bool:
    """Keep what the next pools hold; False when all are closed. Entries may still come to any of them."""
    after = day["reached"] if day["step"] == CLOSING else None
    pools = store.pools_to_close(work, day["date"], after, _CLOSED_AT_ONCE)
    if not pools:
        return False
    store.lock_customers(work, _owners(pools))
    store.close_pools(work, day["date"], [pool["id"] for pool in pools])
    store.change_day(work, day["date"], {"step": CLOSING, "reached": pools[-1]["id"]})
    faults.point("roll-over-closing")
    return True


def _owners(pools: Iterable[Mapping[str, Any]]) -> list[UUID]:
    return [UUID(pool["key"]) for pool in pools if pool["kind"] == "customer"]


def _close(work: UnitOfWork, on: date) -> None:
    before = store.last_root(work)
    root, pools = store.root_on(work, on, before or chain.ROOT)
    store.change_day(work, on, {"step": CLOSED, "reached": None, "root": root})
    events.business_date_closed(work, on, root=root, before=before, pools=pools)
