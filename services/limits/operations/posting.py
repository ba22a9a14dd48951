"""What a document binds is posted here, and nowhere else: one entry in every pool that it touches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.ledger import Stages
from services.limits.operations import dates


def post(
    work: UnitOfWork,
    action: str,
    kind: str,
    document: Mapping[str, Any],
    delta: Stages,
    effective_date: date | None = None,
) -> None:
    """Move the exposure of an order, an invoice or a payment by `delta`, in the document's currency.

    It counts from the business date on, unless an earlier date is given (`dates.effective_date`). The
    document's customer is locked. A delta of nothing leaves no entry.
    """
    if not delta:
        return
    entry = {
        "customer_id": document["customer_id"],
        "action": action,
        "document_type": kind,
        "document_id": document["id"],
        "document_no": document[f"{kind}_no"],
        "effective_date": effective_date or dates.today(work),
    }
    store.post_entry(
        work, store.customer_pool(work, document["customer_id"], document["currency"]), entry, delta
    )
