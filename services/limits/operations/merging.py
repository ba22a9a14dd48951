"""Two customers turned out to be one: what one owes and owns becomes the other's."""

from __future__ import annotations

from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.events import Event
from services.limits import events, store
from services.limits.deciding import BLACKLIST
from services.limits.operations import accounts, carriers, dates, pool_limits
from services.limits.operations.grants import accept_for, release_of
from services.limits.operations.receivables.matching import cover_oldest, tell_allocated
from services.limits.pools import CUSTOMER, PoolKey

_WHY = "客户合并"


def customer_merged(work: UnitOfWork, event: Event) -> None:
    """Move the exposure by entries, the documents by their owner, guarantees and freezes by new ones.

    Its limit ends: two limits for one customer were never granted. The customer that remains may be over its
    limit afterwards, which is flagged; orders wait for neither, as both are locked. Read again it changes
    nothing. What money of either is on account covers what was due first of both.
    """
    giver, taker = (UUID(str(event.data[name])) for name in ("customer_id", "into_id"))
    rows = store.lock_customers(work, [giver, taker])
    if giver not in rows or taker not in rows:
        raise NotFound("没有这个客户", code="unknown_customer")
    if rows[giver]["merged_into"] is not None:
        return
    accounts.read_accounts(work, [giver, taker])
    currencies = {row["currency"] for each in (giver, taker) for row in store.customer_pools(work, each)}
    joined = pool_limits.hand_over(work, rows[giver], rows[taker])
    _end_limits(work, giver, taker)
    _hand_over_freezes(work, giver, taker)
    documents = store.give_documents(work, giver, taker, dates.today(work))
    carriers.forget_touched(work)
    store.lock_customers(work, [giver, taker])
    accounts.read_accounts(work, [giver, taker])
    for currency in sorted(currencies):
        tell_allocated(work, cover_oldest(work, taker, currency))
    accounts.cure_freezes(work, taker)
    accounts.tell_accounts(work, [giver, taker])
    events.exposure_merged(work, giver, taker, documents, joined)


def _end_limits(work: UnitOfWork, giver: UUID, taker: UUID) -> None:
    """The giver's grants end; what is guaranteed for it is guaranteed for the taker from now on."""
    on = dates.today(work)
    for segment in {row["segment"] for row in store.grants_of_customer(work, giver)}:
        for kind in ("base", "temporary"):
            store.replace_grants(work, PoolKey(CUSTOMER, str(giver), segment), kind, on)
    here, there = PoolKey(CUSTOMER, str(giver)), PoolKey(CUSTOMER, str(taker))
    for guarantee in store.guarantees_of_pool(work, here):
        is_over = guarantee["valid_to"] is not None and guarantee["valid_to"] < on
        if guarantee["released_on"] is None and guarantee["segment"] == here.segment and not is_over:
            release_of(work, here, guarantee["id"], _WHY)
            begins = max(on, guarantee["valid_from"])
            accept_for(work, there, {**guarantee, "valid_from": begins}, taker)


def _hand_over_freezes(work: UnitOfWork, giver: UUID, taker: UUID) -> None:
    """Whoever is frozen stays so under the other name; the black list is followed by itself."""
    for freeze in store.open_freezes(work, giver):
        accounts.lift(work, [freeze], _WHY)
        if freeze["source"] != BLACKLIST:
            accounts.freeze(
                work, taker, freeze["source"], freeze["reason"], freeze["cure"], freeze["episode"]
            )
