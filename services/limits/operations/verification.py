"""Recomputing everything that the ledger says from what it is made of, piece by piece.

Each piece compares what belongs together in statements that see one moment, so the pieces may be read in
one unit of work or in many, while the ledger goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import MalformedRequest
from services.common.money import format_amount
from services.limits import chain, ledger, model, store
from services.limits.rates import RateHistory

Progress = Callable[[int, int], None]
_ENTRIES_AT_ONCE = 50_000
_ROWS_AT_ONCE = 2_000
_DATES_AT_ONCE = 50
# Each may be shared by every customer there is.
_SHARED_AT_ONCE = 20
_SHOWN_MAX = 200
# How long one call may take before it answers where to go on.
_SECONDS_AT_ONCE = 5.0


class Place(NamedTuple):
    """Where to go on: a check, and the id of a row, and the place in a chain, after which it goes on."""

    check: str
    after: UUID | None = None
    number: int = 0


class Piece(NamedTuple):
    """What a check found in its next rows: how many it read, and where to go on (None: it is done)."""

    differences: list[dict[str, Any]]
    rows: int
    following: Place | None


def _silent(done: int, total: int) -> None:
    """Whoever asks over the network sees no progress."""


def verify(work: UnitOfWork, progress: Progress = _silent) -> dict[str, Any]:
    """Differences between balances, entries and documents: `{"differences", "found", "counts"}`.

    Checked are: the entries of each pool form an unbroken chain that ends at its head; each pool is the sum
    of its entries, and each closing of those until its date; the rate that an entry keeps was in force when
    it was recorded; the root of each closed date covers its chains; each customer's pool is the sum of its
    documents, and each that customers share, or that is for a segment, that of the documents of those who
    draw on it; what is kept of a customer's days is the sum of the orders; each order's stages follow from
    its totals, and its reservation from the changes that are kept of it; each invoice's open amount is what
    allocations and write-offs leave, and the sum of its changes; what is disputed of it is what its
    disputes say; what is on account of a payment or a credit note is what its allocations leave; what is
    used of a special approval is the sum of its uses. `progress` gets how many rows were read, and of how
    many.
    """
    store.take_time(work)
    counts = store.counts(work)
    # Entries are read twice: for their chains, and for what they sum up to.
    total = sum(counts.values()) + counts["entries"]
    differences: list[dict[str, Any]] = []
    done, place = 0, _first()
    while place is not None:
        piece = _next_piece(work, place)
        differences += piece.differences
        done, place = done + piece.rows, piece.following
        progress(min(done, total), total)
    return {"differences": differences[:_SHOWN_MAX], "found": len(differences), "counts": counts}


def verify_some(work: UnitOfWork, after: str | None) -> dict[str, Any]:
    """The same for a few seconds: `{"differences", "found", "rows", "next"}`; `next` is to be asked for then.

    `MalformedRequest` for an `after` that no answer gave.
    """
    store.take_time(work)
    until = monotonic() + _SECONDS_AT_ONCE
    differences: list[dict[str, Any]] = []
    rows, place = 0, _first() if after is None else _read_place(after)
    while place is not None:
        piece = _next_piece(work, place)
        differences += piece.differences
        rows, place = rows + piece.rows, piece.following
        if monotonic() >= until:
            break
    return {
        "differences": differences[:_SHOWN_MAX],
        "found": len(differences),
        "rows": rows,
        "next": None if place is None else f"{place.check}:{place.after or ''}:{place.number}",
    }


def ledger_totals(work: UnitOfWork) -> dict[str, Any]:
    """What the ledger says of every customer, for comparing what reporting says."""
    items = []
    for pool in store.all_pools(work):
        currency = pool["currency"]
        stages = ("reserved", "delivered", "receivable")
        items.append(
            {
                "customer_id": pool["key"],
                "currency": currency,
                **{name: format_amount(pool[name], currency) for name in stages},
            }
        )
    return {"items": items}


def ledger_roots(work: UnitOfWork) -> dict[str, Any]:
    """The root over all chains of each closed date, for comparing what reporting holds."""
    return {"items": store.roots(work)}


# --- going from piece to piece ---------------------------------------------------------------------------


def _first() -> Place | None:
    return Place(next(iter(_CHECKS)))


def _read_place(text: str) -> Place:
    check, _, rest = text.partition(":")
    after, _, number = rest.partition(":")
    try:
        place = Place(check, UUID(after) if after else None, int(number))
    except ValueError as problem:
        raise _no_such_place() from problem
    if check not in _CHECKS or not 0 <= place.number < 2**63:
        raise _no_such_place()
    return place


def _no_such_place() -> MalformedRequest:
    return MalformedRequest("核对的起点无效, 请从头开始", code="cursor_invalid")


def _next_piece(work: UnitOfWork, place: Place) -> Piece:
    piece = _CHECKS[place.check](work, place)
    if piece.following is not None:
        return piece
    names = list(_CHECKS)
    later = names[names.index(place.check) + 1 :]
    return piece._replace(following=Place(later[0]) if later else None)


def _named(check: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"check": check, **row} for row in rows]


def _chains(work: UnitOfWork, place: Place) -> Piece:
    first = None if place.after is None else (place.after, place.number)
    rows, count, last = store.broken_chains(work, first, _ENTRIES_AT_ONCE)
    return Piece(
        _named("hash_chain", rows),
        count,
        None if last is None else place._replace(after=last[0], number=last[1]),
    )


def _pools(work: UnitOfWork, place: Place) -> Piece:
    last, count = store.next_pools(work, place.after, _ENTRIES_AT_ONCE)
    if last is None:
        return Piece([], 0, None)
    found = list(store.pool_differences(work, place.after, last))
    found += _named("closing_equals_entries", store.closing_differences(work, place.after, last))
    found += _named("rate_was_in_force", _wrong_rates(work, place.after, last))
    return Piece(found, count, place._replace(after=last))


def _wrong_rates(work: UnitOfWork, after: UUID | None, last: UUID) -> list[dict[str, Any]]:
    """Entries that keep what was the rate to no currency in which their pool had a limit."""
    wrong, limits = [], store.other_limit_currencies(work, after, last)
    for row in store.kept_rates(work, after, last):
        history = _rate_history(work)
        targets = limits.get(row.pool_id, ())
        if not any(row.rate in history.between(row.currency, each, row.recorded_at) for each in targets):
            wrong.append({"pool_id": row.pool_id, "place": row.place, "rate": f"{row.rate:f}"})
    return wrong


def _rate_history(work: UnitOfWork) -> RateHistory:
    def read() -> RateHistory:
        rates = [
            (row["currency"], row["valid_from"], row["set_at"], row["rate"])
            for row in store.rates_ever_set(work)
        ]
        opened = [(row["date"], row["opened_at"]) for row in store.dates_ever_opened(work)]
        return RateHistory(work.base_currency, rates, opened)

    history: RateHistory = work.remembered("rate-history", read)
    return history


def _roots(work: UnitOfWork, place: Place) -> Piece:
    days = store.roots(work)
    first = min(place.number, len(days))
    last = first + _DATES_AT_ONCE
    before = days[first - 1]["root"] if first else chain.ROOT
    found = store.root_differences(work, days[first:last], before)
    if last >= len(days):
        return Piece(_named("root_covers_chains", found + store.closings_of_no_date(work)), 0, None)
    return Piece(_named("root_covers_chains", found), 0, place._replace(number=last))


def _by_id(table: Any, find: Callable[[UnitOfWork, list[UUID]], list[dict[str, Any]]]) -> Any:
    """A check of the rows of a table, by their ids."""

    def check(work: UnitOfWork, place: Place) -> Piece:
        ids = store.ids_after(work, table, place.after, _ROWS_AT_ONCE)
        following = place._replace(after=ids[-1]) if len(ids) == _ROWS_AT_ONCE else None
        return Piece(find(work, ids) if ids else [], len(ids), following)

    return check


def _shared(work: UnitOfWork, place: Place) -> Piece:
    ids = store.pools_beside(work, place.after, _SHARED_AT_ONCE)
    following = place._replace(after=ids[-1]) if len(ids) == _SHARED_AT_ONCE else None
    found = store.pool_document_differences(work, ids) if ids else []
    return Piece(_named("pool_equals_documents", found), 0, following)


def _documents(work: UnitOfWork, ids: list[UUID]) -> list[dict[str, Any]]:
    days = _named("order_days_equal_orders", store.order_day_differences(work, ids))
    return _named("pool_equals_documents", store.document_differences(work, ids)) + days


def _stages(work: UnitOfWork, ids: list[UUID]) -> list[dict[str, Any]]:
    wrong = []
    for order_no, amount, delivered_total, invoiced_total, status, *found in store.order_totals(work, ids):
        is_open = status == ledger.OPEN_ORDER
        wanted = ledger.order_stages(amount, delivered_total, invoiced_total, is_open=is_open)
        if [wanted.reserved, wanted.delivered] != found:
            wrong.append({"order_no": order_no, "wanted": str(wanted)})
    reserved = _named("reservation_equals_changes", store.reserved_differences(work, ids))
    return _named("order_stages", wrong) + reserved


def _open_amounts(work: UnitOfWork, ids: list[UUID]) -> list[dict[str, Any]]:
    disputed = _named("disputed_equals_disputes", store.disputed_differences(work, ids))
    return _named("open_amount_equals_allocations", store.open_amount_differences(work, ids)) + disputed


def _unallocated(work: UnitOfWork, ids: list[UUID]) -> list[dict[str, Any]]:
    return _named("unallocated_equals_allocations", store.unallocated_differences(work, ids))


def _overridden(work: UnitOfWork, ids: list[UUID]) -> list[dict[str, Any]]:
    return _named("override_equals_uses", store.override_differences(work, ids))


_CHECKS: Mapping[str, Callable[[UnitOfWork, Place], Piece]] = {
    "chains": _chains,
    "pools": _pools,
    "roots": _roots,
    "customers": _by_id(model.customers, _documents),
    "shared": _shared,
    "orders": _by_id(model.orders, _stages),
    "invoices": _by_id(model.invoices, _open_amounts),
    "payments": _by_id(model.payments, _unallocated),
    "overrides": _by_id(model.overrides, _overridden),
}
