"""What invoices, payments and credit notes share: found by number, told apart from repeats, listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.paging import page
from services.limits import store
from services.limits.events.receivables import invoice_view, money_view, write_off_view
from services.limits.model import invoices, payments, write_offs
from services.limits.operations.filters import wanted_columns

_WORDS = {"invoice": "发票", "payment": "收款", "credit_note": "红字发票", "write_off": "坏账核销"}
_TEXTS = ("status", "source", "company")
# Of each kind: its table, what else one may filter by, and how it is shown.
_LISTED: dict[str, tuple[Any, tuple[str, ...], Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "invoice": (invoices, ("order_no",), invoice_view),
    "payment": (payments, ("method",), money_view),
    "credit_note": (payments, (), money_view),
    "write_off": (write_offs, ("invoice_no",), write_off_view),
}


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
    """A page of invoices, payments, credit notes or write-offs, newest first."""
    table, more, view = _LISTED[kind]
    texts = (f"{kind}_no", *_TEXTS, *more)
    return page(
        work,
        store.documents_with(work, kind, wanted_columns(received["where"], texts)),
        received,
        sort={"recorded_at": table.c.recorded_at},
        key=table.c.id,
        default_sort="-recorded_at",
        to_item=view,
    )
