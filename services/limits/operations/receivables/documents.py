"""What invoices, payments and credit notes share: found by number, told apart from repeats, listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.paging import page
from services.limits import events, store
from services.limits.model import invoices, payments
from services.limits.operations.orders import wanted_columns

_WORDS = {"invoice": "发票", "payment": "收款", "credit_note": "红字发票"}
_TEXTS = ("status", "source", "company")


def require_document(work: UnitOfWork, kind: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """A document by `number`, narrowed by `source` and `company` where given. Locks its customer.

    `NotFound` with code `unknown_<kind>`; `Conflict` where several have that number.
    """
    found = store.find_documents(work, kind, received["number"], received)
    row = None
    if len(found) > 1:
        raise Conflict("有多个来源使用该单号, 请给出 source 与 company", code="document_ambiguous")
    if found:
        store.lock_customers(work, [found[0]["customer_id"]])
        row = store.document_of(work, kind, found[0]["source"], found[0]["company"], received["number"])
    if row is None:
        raise NotFound(f"没有这张{_WORDS[kind]}单据", code=f"unknown_{kind}")
    return row


def same_or_conflict(
    existing: Mapping[str, Any], received: Mapping[str, Any], customer_id: UUID, kind: str
) -> None:
    """Let a document come again, or in an older revision; `Conflict` for another content."""
    same = existing["customer_id"] == customer_id and existing["amount"] == received["amount"]
    older = received["revision"] < existing.get("revision", 1)
    if not older and not (same and existing["currency"] == received["currency"]):
        raise Conflict("该单号已存在, 内容不同", code=f"{kind}_exists")


def list_documents(work: UnitOfWork, kind: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of invoices, payments or credit notes, newest first."""
    table = invoices if kind == "invoice" else payments
    views: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "invoice": events.invoice_view,
        "payment": events.payment_view,
    }
    texts: Sequence[str] = (f"{kind}_no", *_TEXTS, *(("order_no",) if kind == "invoice" else ()))
    return page(
        work,
        store.documents_with(kind, wanted_columns(received["where"], texts)),
        received,
        sort={"recorded_at": table.c.recorded_at},
        key=table.c.id,
        default_sort="-recorded_at",
        to_item=views[kind],
    )
