"""Licences, contracts and other documents of a customer, and until when they are valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, invalid_field
from services.common.ids import new_id
from services.customer import customers, store
from services.customer.operations import records, reminders

_VALUES = ("kind", "number", "valid_from", "valid_to", "remind_days", "attachment_id")


def add_document(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Add a document to a customer; `Invalid` for an attachment that the customer does not have."""
    record = records.find(work, received["customer_id"], locked=True)
    values = {name: received[name] for name in _VALUES}
    row = {
        **values,
        "id": new_id(),
        "customer_id": record["id"],
        "remind_on": _remind_on(values),
        "version": 1,
        "created_at": work.now,
        "created_by": work.caller.actor,
        "updated_at": work.now,
        "updated_by": work.caller.actor,
    }
    _check(work, row)
    store.insert_document(work, row)
    _note(work, record, "document_added", {}, row)
    return _answer(row)


def change_document(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is named of a document; another expiry date is reminded of anew."""
    record, before = _found(work, received)
    after = {**before, **{name: received[name] for name in _VALUES if name in received}}
    if all(after[name] == before[name] for name in _VALUES):
        return _answer(before)
    _check(work, after)
    if any(after[name] != before[name] for name in ("valid_to", "remind_days")):
        reminders.settle_document(work, before)
        after["remind_on"] = _remind_on(after)
    after |= {"version": before["version"] + 1, "updated_at": work.now, "updated_by": work.caller.actor}
    names = (*_VALUES, "remind_on", "version", "updated_at", "updated_by")
    store.change_document(work, before["id"], {name: after[name] for name in names})
    _note(work, record, "document_changed", before, after)
    return _answer(after)


def remove_document(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Hide a document; history keeps what it was."""
    record, before = _found(work, received)
    store.change_document(work, before["id"], {"deleted_at": work.now})
    reminders.settle_document(work, before)
    _note(work, record, "document_removed", before, {})
    return {"id": before["id"], "deleted": True}


def list_documents(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a customer's documents, the oldest first."""
    record = records.find(work, received["customer_id"])
    return store.list_documents(work, record["id"], received)


def _found(work: UnitOfWork, received: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    record = records.find(work, received["customer_id"], locked=True)
    document = store.get_document(work, record["id"], received["document_id"])
    if document is None:
        raise NotFound("证照不存在", code="document_not_found")
    if received.get("version") not in (None, document["version"]):
        version = document["version"]
        raise Conflict("证照已被他人修改, 请刷新后重试", code="stale_version", version=version)
    return record, document


def _check(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    if row["valid_from"] and row["valid_to"] and row["valid_to"] < row["valid_from"]:
        raise invalid_field("valid_to", "validity", "失效日期不能早于生效日期")
    wanted = row["attachment_id"]
    if wanted is not None and store.get_attachment(work, row["customer_id"], wanted) is None:
        raise invalid_field("attachment_id", "attachment_not_found", "附件不存在")


def _remind_on(values: Mapping[str, Any]) -> Any:
    expires = values["valid_to"]
    return None if expires is None else expires - timedelta(days=values["remind_days"])


def _note(
    work: UnitOfWork,
    record: Mapping[str, Any],
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    changes = customers.document_differences(before, after)
    store.add_history(work, [records.history_line(work, record, action, changes)])


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("remind_on", "deleted_at")}
