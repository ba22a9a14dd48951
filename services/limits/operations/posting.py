"""What a document binds is posted here, and nowhere else: one entry in every pool that it touches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.ledger import Stages
from services.limits.operations import carriers, dates, exchange
from services.limits.pools import PoolKey, segment_of
from services.limits.rates import RateMissing


def post(
    work: UnitOfWork,
    action: str,
    kind: str,
    document: Mapping[str, Any],
    delta: Stages,
    effective_date: date | None = None,
) -> None:
    """Move the exposure of a document by `delta`, in its currency, in every pool that it touches.

    It counts from the business date on, unless an earlier date is given (`dates.effective_date`). The
    document's customer is locked. A delta of nothing leaves no entry.
    """
    if delta:
        named = _named(kind, document, document[f"{kind}_no"])
        for pool in carriers.touched_by(work, document):
            enter(work, pool, action, named, document["currency"], delta, effective_date)


def shift(work: UnitOfWork, money: Mapping[str, Any], invoice: Mapping[str, Any], part: Decimal) -> None:
    """Follow a part of a payment to an invoice, or back when below zero.

    Where both touch the same pools nothing moves. Where not (the payment names no selling company, say),
    the invoice's pools have what it pays back, and the payment's no longer count it. A bill that waits to
    be honoured goes with what it pays: it binds there what is paid, and here what is left, so nothing moves.
    """
    if segment_of(money) == segment_of(invoice) or store.pending_bill_of(work, money) is not None:
        return
    named = _named(money["kind"], money, money["payment_no"])
    _transfer(work, "allocate", named, (invoice, money), part)


def bring_into(
    work: UnitOfWork, segment: str, named: tuple[str, str], document: dict[str, Any], bound: Decimal
) -> None:
    """Let a document (its kind and number) bind what it binds in the segment of which it turned out to be."""
    before = dict(document)
    document["segment"] = segment
    kind, number = named
    _transfer(work, "match", _named(kind, document, number), (before, document), bound)


def _transfer(
    work: UnitOfWork,
    action: str,
    named: Mapping[str, Any],
    between: tuple[Mapping[str, Any], Mapping[str, Any]],
    part: Decimal,
) -> None:
    """Move a part from the pools of one document to those of another; where both are the same it stays."""
    here, there = (carriers.touched_by(work, document) for document in between)
    currency = between[0]["currency"]
    for pools, others, sign in ((here, there, -1), (there, here, 1)):
        for pool in pools:
            if pool not in others:
                enter(work, pool, action, named, currency, Stages(receivable=sign * part))


def enter(
    work: UnitOfWork,
    pool: PoolKey,
    action: str,
    named: Mapping[str, Any],
    currency: str,
    delta: Stages,
    effective_date: date | None = None,
) -> None:
    """Move the balance of one pool by an entry that names a document, or a customer as a whole."""
    if delta:
        on = effective_date or dates.today(work)
        entry = {**named, "action": action, "effective_date": on, "rate": _rate(work, pool, currency)}
        store.post_entry(work, store.pool_of(work, pool, currency), entry, delta)


def _rate(work: UnitOfWork, pool: PoolKey, currency: str) -> Decimal | None:
    """The rate of the business date to the currency of the pool's limit; none in that currency.

    What has happened is posted even where nobody has set a rate.
    """
    target = carriers.limit_currency(work, pool, currency)
    if target == currency:
        return None
    try:
        return exchange.rates_for(work, (currency, target)).between(currency, target)
    except RateMissing:
        return None


def _named(kind: str, document: Mapping[str, Any], number: str) -> dict[str, Any]:
    return {
        "customer_id": document["customer_id"],
        "document_type": kind,
        "document_id": document["id"],
        "document_no": number,
    }
