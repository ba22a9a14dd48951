"""Limits of everything but a customer's overall pool: groups, salespersons, departments, segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound
from services.common.events import Event
from services.limits import events, store
from services.limits.figures import figures
from services.limits.ledger import Stages
from services.limits.operations import carriers, dates
from services.limits.operations.accounts import require_customer, tell_accounts
from services.limits.operations.grants import accept_for, grant_to, release_of
from services.limits.operations.posting import enter
from services.limits.pools import CUSTOMER, DEPARTMENT, GROUP, OVERALL, Owner, PoolKey, title_of
from services.limits.standing import Standing


def grant_pool_limit(work: UnitOfWork, granted: Mapping[str, Any]) -> dict[str, Any]:
    """Grant a limit to a pool, or raise, cut or replace it: `{"grant", "pool"}`.

    With its first limit a pool begins to control: what its customers owe by then is counted, and every
    order of theirs from now on. Waits until nobody holds a customer, and holds all while it counts.
    """
    store.lock_all_customers(work)
    pool = _required(work, granted)
    was_controlled = _is_controlled(work, pool)
    # A pool has a row in the currency of each limit that it ever had (`carriers.limit_currency`).
    store.pool_of(work, pool, granted["currency"])
    if not was_controlled:
        store.control_pool(work, pool, controlled=True)
        carriers.forget_touched(work)
        _count(work, pool, "control", 1)
    owner = UUID(pool.key) if pool.kind == CUSTOMER else None
    grant = grant_to(work, pool, {**granted, "application_id": None}, owner)
    shown = pool_view(work, pool)
    events.pool_limit_granted(work, pool, grant, shown)
    if owner is not None:
        tell_accounts(work, [owner])
    return {"grant": events.grant_view(grant), "pool": shown}


def release_pool(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let a pool control nothing any more: its grants end today, and it holds nothing.

    `Conflict` when it does not control. Waits until nobody holds a customer.
    """
    store.lock_all_customers(work)
    pool = _required(work, received)
    if not _is_controlled(work, pool):
        raise Conflict(f"{title_of(pool)}没有额度控制", code="pool_not_controlled")
    _count(work, pool, "release_control", -1)
    for kind in ("base", "temporary"):
        store.replace_grants(work, pool, kind, dates.today(work))
    for guarantee in store.guarantees_of_pool(work, pool):
        if guarantee["released_on"] is None:
            release_of(work, pool, guarantee["id"], received["reason"])
    store.control_pool(work, pool, controlled=False)
    carriers.forget_touched(work)
    shown = pool_view(work, pool)
    events.pool_released(work, pool, received["reason"])
    return {"pool": shown}


def accept_pool_guarantee(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Accept a guarantee, collateral or insurance for a pool that controls: `{"guarantee", "pool"}`.

    `Conflict` for one that does not: a guarantee alone makes no limit. Locks the pool, or its customer.
    """
    pool, owner = _locked(work, received)
    if not _is_controlled(work, pool):
        raise Conflict(f"{title_of(pool)}没有额度控制", code="pool_not_controlled")
    guarantee = accept_for(work, pool, received, owner)
    store.note_guarantee(work, pool)
    return {"guarantee": events.guarantee_view(guarantee), "pool": pool_view(work, pool)}


def release_pool_guarantee(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """End a guarantee of a pool before its time. Locks the pool, or its customer."""
    pool, _ = _locked(work, received)
    guarantee = release_of(work, pool, received["guarantee_id"], received["reason"])
    return {"guarantee": events.guarantee_view(guarantee), "pool": pool_view(work, pool)}


def list_pool_guarantees(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Every guarantee of a pool, newest first."""
    rows = store.guarantees_of_pool(work, require_pool(work, received))
    return {"items": [events.guarantee_view(row) for row in rows], "next": None}


def _locked(work: UnitOfWork, received: Mapping[str, Any]) -> tuple[PoolKey, UUID | None]:
    """The pool that is named, locked, and whose it is where that is a customer."""
    pool = _required(work, received)
    if pool.is_shared:
        store.lock_shared_pools(work, [(pool.kind, pool.key)])
        return pool, None
    store.lock_customers(work, [UUID(pool.key)])
    return pool, UUID(pool.key)


def list_pools(work: UnitOfWork) -> dict[str, Any]:
    """Every pool that controls, customers' overall ones left out."""
    found = [pool for pool in store.controlled_pools(work) if _sees(work, pool)]
    return {"items": [pool_view(work, pool) for pool in found], "next": None}


def get_pool(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One pool with its grants; `NotFound` for one that never controlled."""
    pool = require_pool(work, received)
    grants = [events.grant_view(row) for row in store.grants_of_pool(work, pool)]
    return {**pool_view(work, pool), "grants": grants}


def require_pool(work: UnitOfWork, received: Mapping[str, Any]) -> PoolKey:
    """The pool that is named; `NotFound` for one that never controlled."""
    pool = _named(received)
    if not _sees(work, pool) or not store.pools_of_key(work, pool):
        raise NotFound("没有这个信用对象", code="unknown_pool")
    return pool


def pools_behind(work: UnitOfWork, customer_id: UUID) -> list[dict[str, Any]]:
    """How the pools stand that control what a customer owes, beside its own overall one."""
    return [pool_view(work, pool) for pool in keys_behind(work, customer_id)]


def keys_behind(work: UnitOfWork, customer_id: UUID) -> list[PoolKey]:
    """These pools."""
    owner = carriers.owner_of(work, customer_id)
    store.lock_shared_pools(work, carriers.shared_carriers([owner]))
    segments = {row["segment"] for row in store.pools_of_customer(work, customer_id)}
    segments |= {row["segment"] for row in store.shared_pools(work, carriers.shared_carriers([owner]))}
    found = [pool for segment in sorted(segments) for pool in carriers.touched_for(work, owner, segment)]
    own = PoolKey(CUSTOMER, owner.customer)
    return [pool for pool in dict.fromkeys(found) if pool != own]


def pool_view(work: UnitOfWork, pool: PoolKey, standing: Standing | None = None) -> dict[str, Any]:
    """A pool's figures in the currency of its limit, in API.md's shape; `standing` where it is known."""
    return {
        "kind": pool.kind,
        "key": pool.key,
        "name": store.label_of(work, pool) or pool.key,
        "segment": pool.segment or None,
        "controlled": any(row["controlled"] for row in store.pools_of_key(work, pool)),
        **figures(standing or carriers.standing_of(work, pool)),
    }


def follow_customer(work: UnitOfWork, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Bring what a customer owes from the pools it leaves to those it joins; the customer is locked.

    It has happened, so nobody is asked: a pool that goes over its limit shows so from now on, and is told.
    """
    after = store.lock_customers(work, [after["id"]])[after["id"]]
    owners = carriers.owner_from(work, before), carriers.owner_from(work, after)
    if owners[0] == owners[1]:
        return
    exposures = store.exposure_by_segment(work, [after["id"]])[after["id"]]
    _follow_owner(work, after, owners, exposures)


def _follow_owner(
    work: UnitOfWork,
    after: Mapping[str, Any],
    owners: tuple[Owner, Owner],
    exposures: Iterable[store.Exposure],
) -> None:
    """Bring what a customer owes from the pools of one owner to those of the next."""
    carriers.forget_touched(work)
    store.lock_shared_pools(work, carriers.shared_carriers(owners))
    for segment, currency, stages in exposures:
        left, joined = (carriers.touched_for(work, owner, segment) for owner in owners)
        for pools, others, sign in ((left, joined, -1), (joined, left, 1)):
            for pool in pools:
                if pool not in others:
                    enter(work, pool, "reassign", _whole(after), currency, stages.times(sign))
    joined = [pool for pool in _controlled_by(work, owners[1]) if pool not in _controlled_by(work, owners[0])]
    shown = [pool_view(work, pool) for pool in joined]
    events.customer_reassigned(work, after["id"], shown, over_limit=any(_is_over(pool) for pool in shown))


def hand_over(work: UnitOfWork, giver: Mapping[str, Any], taker: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bring what one customer owes into the pools of another, by entries that name either as a whole.

    Both are locked. It has happened, so nobody is asked; answers how the taker's own pools stand then.
    """
    owners = carriers.owner_from(work, giver), carriers.owner_from(work, taker)
    exposures = store.exposure_by_segment(work, [giver["id"]])[giver["id"]]
    carriers.forget_touched(work)
    store.lock_shared_pools(work, carriers.shared_carriers(owners))
    for segment, currency, stages in exposures:
        left, joined = (carriers.touched_for(work, owner, segment) for owner in owners)
        for pools, others, of, sign in ((left, joined, giver, -1), (joined, left, taker, 1)):
            for pool in pools:
                if pool not in others:
                    enter(work, pool, "merge", _whole(of), currency, stages.times(sign))
    shown = [pool_view(work, PoolKey(CUSTOMER, owners[1].customer))]
    return shown + pools_behind(work, taker["id"])


def group_changed(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a customer group; who is below one that has moved follows it to other pools."""
    group = events.group_copy(event.data["group"])
    parents = store.group_parents(work)
    key = str(group["id"])
    parent = None if group["parent_id"] is None else str(group["parent_id"])
    if key not in parents or parents[key] == parent:
        store.save_group(work, group)
        return
    _move_tree(work, GROUP, key, lambda: store.save_group(work, group))


def department_changed(work: UnitOfWork, event: Event) -> None:
    """Keep what is above a department; who is below one that has moved follows it to other pools."""
    code, parent = event.data["department"]["code"], event.data["department"]["parent"]
    if store.department_parents(work).get(code, "") != parent:
        _move_tree(work, DEPARTMENT, code, lambda: store.save_department(work, code, parent))


def _move_tree(work: UnitOfWork, kind: str, key: str, move: Callable[[], None]) -> None:
    """Move a group or a department with all customers below it; waits until nobody holds a customer."""
    store.lock_all_customers(work)
    members = sorted(store.customers_of(work, kind, key), key=lambda row: row["id"])
    before = [carriers.owner_from(work, row) for row in members]
    move()
    if kind == DEPARTMENT:
        members = store.place_customers(work, members)
    exposures = store.exposure_by_segment(work, [row["id"] for row in members])
    for row, owner in zip(members, before, strict=True):
        after = carriers.owner_from(work, row)
        if owner != after:
            _follow_owner(work, row, (owner, after), exposures[row["id"]])


def _controlled_by(work: UnitOfWork, owner: Owner) -> list[PoolKey]:
    """The pools beside the customer's own that control what an owner owes in any segment."""
    shared = carriers.shared_carriers([owner])
    store.lock_shared_pools(work, shared)
    rows = [row for row in store.shared_pools(work, shared) if row["controlled"]]
    return list(dict.fromkeys(PoolKey(row["kind"], row["key"], row["segment"]) for row in rows))


def _is_over(shown: Mapping[str, Any]) -> bool:
    return shown["available"] is not None and Decimal(shown["available"]) < 0


def _count(work: UnitOfWork, pool: PoolKey, action: str, sign: int) -> None:
    """Count what the customers of a pool owe into it, or out of it; nobody else holds any of them."""
    customers = {row["id"]: row for row in _members(work, pool)}
    exposures = store.exposure_by_segment(work, customers)
    for customer_id in sorted(customers):
        totals: dict[str, Stages] = {}
        for segment, currency, stages in exposures.get(customer_id, ()):
            if pool.segment in (OVERALL, segment):
                totals[currency] = totals.get(currency, Stages()) + stages
        for currency, stages in sorted(totals.items()):
            enter(work, pool, action, _whole(customers[customer_id]), currency, stages.times(sign))


def _members(work: UnitOfWork, pool: PoolKey) -> Iterable[dict[str, Any]]:
    if pool.kind == CUSTOMER:
        return [require_customer(work, UUID(pool.key))]
    return store.customers_of(work, pool.kind, pool.key)


def _whole(customer: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry names that concerns all a customer owes."""
    customer_id = customer["id"]
    return {
        "customer_id": customer_id,
        "document_type": "customer",
        "document_id": customer_id,
        "document_no": customer["code"],
    }


def _is_controlled(work: UnitOfWork, pool: PoolKey) -> bool:
    return any(row["controlled"] for row in store.pools_of_key(work, pool))


def _required(work: UnitOfWork, received: Mapping[str, Any]) -> PoolKey:
    """The pool that is named, if there is such a customer or group."""
    pool = _named(received)
    if not _sees(work, pool):
        raise NotFound("没有这个信用对象", code="unknown_pool")
    if pool.kind == CUSTOMER:
        require_customer(work, UUID(pool.key))
        if not pool.segment:
            raise Invalid("客户的总额度请在信用账户上调整", code="segment_needed")
    if pool.kind == GROUP and pool.key not in store.group_parents(work):
        raise NotFound("没有这个客户集团", code="unknown_group")
    return pool


def _sees(work: UnitOfWork, pool: PoolKey) -> bool:
    """Whether the caller's right reaches a pool: as its customer, or as whose it is; a group is for all."""
    if pool.kind == CUSTOMER:
        return store.is_seen(work, UUID(pool.key), {})
    return store.is_owner_seen(work, {pool.kind: pool.key})


def _named(received: Mapping[str, Any]) -> PoolKey:
    kind, key = received["pool_kind"], received["pool_key"]
    if kind in (CUSTOMER, GROUP):
        try:
            key = str(UUID(key))
        except ValueError:
            raise NotFound("没有这个信用对象", code="unknown_pool") from None
    return PoolKey(kind, key, received.get("segment") or OVERALL)
