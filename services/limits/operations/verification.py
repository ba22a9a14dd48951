"""Recomputing everything that the ledger says from what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.limits import ledger, store
from services.limits.ledger import Stages

Progress = Callable[[int, int], None]
_ORDERS_AT_ONCE = 2_000
_SHOWN_MAX = 200


def _silent(done: int, total: int) -> None:
    """Whoever asks over the network sees no progress."""


def verify(work: UnitOfWork, progress: Progress = _silent) -> dict[str, Any]:
    """Differences between balances, entries and documents: `{"differences", "found", "counts"}`.

    Checked are: the entries of each pool form an unbroken chain that ends at its head; each pool is the sum
    of its entries; each customer's pool is the sum of its documents; each order's stages follow from its
    totals; each invoice's open amount is what its allocations and write-offs leave, what is disputed of it
    what its disputes say; and what is on account of a payment or a credit note is what its allocations leave.
    """
    differences: list[dict[str, Any]] = []
    for row in store.pool_differences(work):
        differences.append({"check": "pool_equals_entries", **row})
    for row in store.broken_chains(work, progress):
        differences.append({"check": "hash_chain", **row})
    for row in store.open_amount_differences(work):
        differences.append({"check": "open_amount_equals_allocations", **row})
    for row in store.unallocated_differences(work):
        differences.append({"check": "unallocated_equals_allocations", **row})
    for row in store.disputed_differences(work):
        differences.append({"check": "disputed_equals_disputes", **row})
    differences += _document_differences(work)
    differences += _stage_differences(work)
    return {"differences": differences[:_SHOWN_MAX], "found": len(differences), "counts": store.counts(work)}


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


def _document_differences(work: UnitOfWork) -> list[dict[str, Any]]:
    expected = store.document_totals(work)
    found = {
        (row["key"], row["currency"]): Stages(row["reserved"], row["delivered"], row["receivable"])
        for row in store.all_pools(work)
    }
    return [
        {
            "check": "pool_equals_documents",
            "customer_id": key[0],
            "currency": key[1],
            "pool": str(found.get(key, Stages())),
            "documents": str(expected.get(key, Stages())),
        }
        for key in sorted({*expected, *found})
        if expected.get(key, Stages()) != found.get(key, Stages())
    ]


def _stage_differences(work: UnitOfWork) -> list[dict[str, Any]]:
    differences = []
    after = None
    while True:
        rows = store.order_rows(work, after, _ORDERS_AT_ONCE)
        for row in rows:
            wanted = ledger.order_stages(
                row["amount"],
                row["delivered_total"],
                row["invoiced_total"],
                is_open=row["status"] == ledger.OPEN_ORDER,
            )
            if (wanted.reserved, wanted.delivered) != (row["reserved"], row["delivered"]):
                differences.append(
                    {"check": "order_stages", "order_no": row["order_no"], "wanted": str(wanted)}
                )
        if len(rows) < _ORDERS_AT_ONCE:
            return differences
        after = rows[-1]["id"]
