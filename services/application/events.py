"""What applications publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.common.strict_json import Plain, to_plain

_SHOWN = ("id", "form", "form_version", "version", "fields", "department", "created_by", "created_at")
# A batch of events is read at once: they are not to grow without end.
TOLD_TOGETHER_MAX = 50


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
    work.add_event(
        name,
        subject=record["id"],
        ordering_key=customer_id or record["id"],
        data={
            "record": {key: record[key] for key in _SHOWN},
            "customer_id": customer_id,
            "through": work.caller.principal,
        },
    )


def records_imported(
    work: UnitOfWork, form: str, told: Sequence[tuple[Mapping[str, Any], str | None]]
) -> None:
    """New records that came as a table, each with the customer that it is about: so many in one event.

    `records` are as `record_created` tells one, with its `customer_id`.
    """
    for start in range(0, len(told), TOLD_TOGETHER_MAX):
        part = [
            Plain(
                {key: to_plain(record[key]) for key in _SHOWN if key != "fields"},
                # Values were checked and are plain JSON.
                fields=record["fields"],
                customer_id=customer_id,
            )
            for record, customer_id in told[start : start + TOLD_TOGETHER_MAX]
        ]
        work.add_event("records_imported", subject=part[0]["id"], data={"form": form, "records": part})
