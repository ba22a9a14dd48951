"""What people are reminded of with a business date: documents that expire, and reviews that are due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.events import Event
from services.customer import customers, events, store

# Who reviews a customer's credit.
_REVIEWERS = "risk_analyst"


def date_opened(work: UnitOfWork, event: Event) -> None:
    """Tell of everything that is to be reminded of by now; each once, whatever dates are read again."""
    on = date.fromisoformat(event.data["date"])
    for document in store.take_documents_due(work, on):
        name = customers.DOCUMENT_KINDS[document["kind"]]
        state = "已过期" if document["valid_to"] < on else "将于该日到期"
        events.reminder_due(
            work,
            key=_document_key(document["id"], document["valid_to"]),
            title=f"客户「{document['name']}」的{name}有效期至 {document['valid_to']}, {state}",
            customer={**document, "id": document["customer_id"]},
            days_left=(document["valid_to"] - on).days,
        )
    for customer in store.take_reviews_due(work, on):
        events.reminder_due(
            work,
            key=_review_key(customer["id"], customer["credit_review_on"]),
            title=f"客户「{customer['name']}」应于 {customer['credit_review_on']} 进行信用复核",
            customer=customer,
            days_left=(customer["credit_review_on"] - on).days,
            role=_REVIEWERS,
        )


def settle_document(work: UnitOfWork, document: Mapping[str, Any]) -> None:
    """Nobody needs to do anything about a document's expiry any more: it was renewed or removed."""
    if document["valid_to"] is not None and document["remind_on"] is None:
        key = _document_key(document["id"], document["valid_to"])
        events.reminder_settled(work, key, document["customer_id"])


def settle_review(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Nobody needs to review a customer for its old date any more: it has another one, or none."""
    if customer["credit_review_on"] is not None:
        events.reminder_settled(
            work, _review_key(customer["id"], customer["credit_review_on"]), customer["id"]
        )


def _document_key(document_id: UUID, valid_to: date) -> str:
    return f"document:{document_id}:{valid_to}"


def _review_key(customer_id: UUID, on: date) -> str:
    return f"review:{customer_id}:{on}"
