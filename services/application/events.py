"""What applications publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount


def view(application: Mapping[str, Any]) -> dict[str, Any]:
    """An application as callers and subscribers see it."""
    amount = format_amount(application["amount"], application["currency"])
    return {**application, "amount": amount}


def told(work: UnitOfWork, name: str, application: Mapping[str, Any]) -> None:
    """`application_created`, `application_submitted`, `application_withdrawn` or `application_changed`."""
    work.add_event(
        name,
        subject=application["id"],
        ordering_key=application["customer_id"],
        data={"application": view(application), "submission": application["submission"]},
    )


def record_told(work: UnitOfWork, name: str, record: Mapping[str, Any], customer_id: str | None) -> None:
    """`record_created`, `record_updated`, `record_deleted` or `record_restored`, each with the whole record.

    Records about a customer are told in the order of that customer. `through` is the principal that did it:
    a service's own, whomever it acts for.
    """
    shown = ("id", "form", "form_version", "version", "fields", "department", "created_by", "created_at")
    work.add_event(
        name,
        subject=record["id"],
        ordering_key=customer_id or record["id"],
        data={
            "record": {key: record[key] for key in shown},
            "customer_id": customer_id,
            "through": work.caller.principal,
        },
    )
