"""Customers that come from elsewhere: from an ERP's messages and from tables that people import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.common import fields, forms
from services.common.db import UnitOfWork
from services.common.errors import CreditError, Invalid
from services.common.field_rights import require_written
from services.customer import customers, schema, store
from services.customer.operations import records
from services.customer.operations.forms import published_form

ERP_KEYS = ("customer.upserted",)
_ERP_ONLY = frozenset({"event_id", "source", "occurred_at", "revision"})
_COLUMNS = {
    **{label: name for name, label in customers.LABELS.items()},
    **{name: name for name in customers.LABELS},
}
# An export shows them; whoever imports it again cannot change them.
_SHOWN_ONLY = frozenset({"信用等级", "信用状态", "授信额度", "额度币种", "账期(天)", "版本"})
_CONTACT_COLUMNS = {
    "联系人姓名": "name", "contact_name": "name", "联系人": "name",
    "联系电话": "phone", "contact_phone": "phone", "联系邮箱": "email", "contact_email": "email",
}  # fmt: skip


def upsert_customer_from_erp(work: UnitOfWork, body: Mapping[str, Any]) -> dict[str, Any]:
    """Create or change the customer that an ERP tells of; answers `{"status", "customer"?}`.

    The body holds the customer's full state. A revision that is not newer than the last one of the same
    source and code changes nothing; so does a duplicate without a revision. Raises as `create_customer`.
    """
    told = fields.load(schema.ErpCustomer(), body)
    revision = told["revision"]
    if revision is not None and not store.claim_erp_revision(work, told["source"], told["code"], revision):
        return {"status": "unchanged"}
    draft = {name: value for name, value in told.items() if name not in _ERP_ONLY}
    record = store.lock_customer(work, None, told["code"])
    if record is None and store.merged_into(work, None, told["code"]) is not None:
        # It goes on as another, whose state this is not.
        return {"status": "merged"}
    if record is None:
        form = published_form(work)
        made = records.insert_record(work, records.new_record(work, draft, form), told["code"], form)
        return {"status": "created", "customer": records.answer(made)}
    changed = records.change_record(work, record, draft)
    status = "unchanged" if changed["version"] == record["version"] else "updated"
    return {"status": status, "customer": records.answer(changed)}


def erp_document(work: UnitOfWork, routing_key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Apply one message of `erp.events`; `Invalid` for a routing key that is not ours."""
    if routing_key not in ERP_KEYS:
        raise Invalid(f"不支持的消息类型: {routing_key}", code="routing_key_unknown")
    return upsert_customer_from_erp(work, body)


class _DryRunEnd(Exception):
    """Takes back what a dry run has done."""


def import_customers(
    work: UnitOfWork, rows: list[dict[str, Any]], *, dry_run: bool = False, update_existing: bool = False
) -> dict[str, Any]:
    """Import the rows of a table, each for itself; answers what became of every row.

    A row maps column names (the Chinese labels or the English keys) to text. `row` counts from 1. Without
    `update_existing` a code that exists is an error of its row, named with the existing customer. With
    `dry_run` everything is tried and nothing kept.
    """
    results: list[dict[str, Any]] = []
    try:
        with work.savepoint():
            form = published_form(work)
            results = [
                _import_row(work, form, place, row, update_existing) for place, row in enumerate(rows, 1)
            ]
            if dry_run:
                raise _DryRunEnd
    except _DryRunEnd:
        for result in results:
            if result["status"] == "created":
                result["customer_id"] = None
    counts = {
        status: sum(result["status"] == status for result in results)
        for status in ("created", "updated", "unchanged", "error")
    }
    return {
        "dry_run": dry_run,
        "rows": len(results),
        "created": counts["created"],
        "updated": counts["updated"],
        "unchanged": counts["unchanged"],
        "failed": counts["error"],
        "results": results,
    }


def _import_row(
    work: UnitOfWork, form: forms.Form, place: int, row: dict[str, Any], update_existing: bool
) -> dict[str, Any]:
    code = None
    try:
        told = read_row(row, form.definition)
        require_written(work.caller, "customers.import", told)
        draft = fields.load(schema.NewCustomer(), told)
        code = draft.get("code")
        existing = store.lock_customer(work, None, code) if update_existing and code else None
        if existing is not None:
            draft["contacts"] = with_contacts(existing["contacts"], draft.get("contacts") or [])
            changed = records.change_record(work, existing, draft)
            status = "unchanged" if changed["version"] == existing["version"] else "updated"
            return _result(place, status, changed)
        record = records.new_record(work, draft, form)
        return _result(place, "created", records.insert_record(work, record, code, form))
    except CreditError as refusal:
        errors = refusal.errors or [{"field": "", "code": refusal.code, "message": refusal.detail}]
        if refusal.errors and len(refusal.errors) == 1:
            errors = [{**refusal.errors[0], "message": refusal.detail}]
        return {"row": place, "status": "error", "code": code, "customer_id": None, "errors": errors}


def _result(place: int, status: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {"row": place, "status": status, "code": record["code"], "customer_id": record["id"], "errors": []}


def read_row(row: Mapping[str, Any], definition: forms.FormDefinition) -> dict[str, Any]:
    """The draft that a table's row describes; empty cells are left out.

    Columns are matched by label or key, of the core fields, of one contact, and of the form's fields. A
    `contacts` cell may hold JSON. Columns that an export only shows are left out; an unknown one stays, so
    that the schema refuses it by name.
    """
    draft: dict[str, Any] = {}
    contact: dict[str, Any] = {}
    values: dict[str, Any] = {}
    by_label = {field.label["zh"]: field.key for field in definition.fields}
    for column, cell in row.items():
        name = column.strip()
        if cell is None or cell == "" or name in _SHOWN_ONLY:
            continue
        key = by_label.get(name, name.removeprefix("fields."))
        if name in _CONTACT_COLUMNS and not (name == "联系人" and str(cell).startswith("[")):
            contact[_CONTACT_COLUMNS[name]] = cell
        elif name in _COLUMNS:
            draft[_COLUMNS[name]] = _contacts(cell) if _COLUMNS[name] == "contacts" else cell
        elif definition.field(key) is not None:
            values[key] = _cell(cell, definition.field(key))
        else:
            draft[name] = cell
    if contact:
        draft.setdefault("contacts", []).append(contact)
    if values:
        draft["fields"] = values
    return draft


def with_contacts(known: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The known contacts with what a row tells of some: a table names one, and must not remove the others."""
    by_name = {contact["name"]: contact for contact in told}
    kept = [{**contact, **_said(by_name.pop(contact["name"], {}))} for contact in known]
    return kept + list(by_name.values())


def _said(contact: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name != "primary"}


def _contacts(cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _cell(cell: Any, field: forms.FormField | None) -> Any:
    if field is None or not isinstance(cell, str):
        return cell
    return forms.type_of(field).from_text(cell, field)
