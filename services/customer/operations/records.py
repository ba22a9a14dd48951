"""What can be done with customers: each function is one use case in the unit of work it is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.common import forms, money
from services.common.caller import Caller
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, beyond_scope, invalid_field
from services.common.events import Event
from services.common.forms import files, people
from services.common.ids import new_id
from services.common.scopes import require_visible
from services.customer import customers, events, rights, store
from services.customer.operations import duplicates, reminders
from services.customer.operations.forms import FORM, published_form, surroundings

_CODE_TRIES_MAX = 100
_HIDDEN = frozenset({"exposure", "review_remind_on"})


def create_customer(work: UnitOfWork, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Create a customer from a loaded `NewCustomer`; answers the whole record.

    Raises `Invalid` for wrong form fields or an unknown group, `Conflict` naming whoever has the code or
    credit code already. `warnings` names customers whom the new one may be, as far as they are seen.
    """
    form = published_form(work)
    record = insert_record(work, new_record(work, draft, form), draft.get("code"), form)
    return {**answer(record), "warnings": duplicates.warnings_of(work, record)}


def new_record(work: UnitOfWork, draft: Mapping[str, Any], form: forms.Form) -> dict[str, Any]:
    """The row of a new customer, checked, without a code of its own yet."""
    check_group(work, draft.get("group_id"))
    people.require_known(work, form.definition, draft.get("fields") or {}, None, draft)
    given = files.described(work, form.definition, draft.get("fields") or {}, None)
    values = forms.load_values(form, given, None, surroundings(work))
    return new_row(work.caller, work.now, draft, values, form)


def new_row(
    caller: Caller, now: datetime, draft: Mapping[str, Any], values: Mapping[str, Any], form: forms.Form
) -> dict[str, Any]:
    """The same of values that were checked; who sells has it under their own name."""
    own = caller if "salesperson" in caller.roles else None
    after = customers.merged({**dict.fromkeys(customers.CORE), "contacts": [], "fields": {}}, draft)
    return {
        **after,
        "id": new_id(),
        "fields": {key: value for key, value in values.items() if value is not None},
        "salesperson": draft.get("salesperson") or (own.username if own else None),
        "department": draft.get("department") or (own.department if own else None),
        "contacts": draft.get("contacts") or [],
        "tags": draft.get("tags") or [],
        "review_remind_on": draft.get("credit_review_on"),
        **dict.fromkeys(("list_kind", "list_reason", "listed_by", "listed_at")),
        "form_version": form.definition.version,
        "version": 1,
        "created_at": now,
        "created_by": caller.actor,
        "updated_at": now,
        "updated_by": caller.actor,
    }


def insert_record(
    work: UnitOfWork, record: dict[str, Any], code: str | None, form: forms.Form
) -> dict[str, Any]:
    """Insert the row under its code, or under the first generated one that is free; tells of it."""
    for _attempt in range(_CODE_TRIES_MAX):
        record["code"] = code or customers.generated_code(store.next_code_number(work))
        require_visible(work, store.OWNED, record, beyond_scope(work.right))
        if store.insert_customers(work, [record]):
            changes = differences({}, record, form)
            store.add_history(work, [history_line(work, record, "created", changes)])
            events.customer_created(work, record)
            files.attach(work, form.definition, record["id"], record["fields"])
            return record
        existing = store.find_taken(work, record["code"], record["uscc"])
        if existing and (code or existing["code"] != record["code"]):
            raise customers.taken(existing, record["code"], record["uscc"])
    raise Conflict("无法生成客户编码, 请手工填写", code="customer_code_exhausted")


def update_customer(work: UnitOfWork, change: Mapping[str, Any]) -> dict[str, Any]:
    """Change a customer by a loaded `CustomerChange`; answers the whole record.

    Raises `NotFound`, `Conflict` for a stale version or a code that another has, `Invalid` for wrong form
    fields. A change that changes nothing leaves the version as it is.
    """
    record = find(work, change["customer_id"], locked=True)
    customers.check_version(record, change.get("version"))
    return answer(change_record(work, record, change))


def change_record(work: UnitOfWork, record: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a checked change to a locked record; tells history and listeners what changed."""
    form = published_form(work)
    if change.get("fields"):
        people.require_known(work, form.definition, change["fields"], record["fields"], change)
        given = files.described(work, form.definition, change["fields"], record["id"])
        values = forms.load_values(form, given, record["fields"], surroundings(work))
        change = {**change, "fields": {**dict.fromkeys(record["fields"]), **values}}
    after = customers.merged(record, change)
    after |= {name: after[name] or [] for name in ("contacts", "tags")}
    changes = differences(record, after, form)
    if not changes:
        return record
    if after["group_id"] != record["group_id"]:
        check_group(work, after["group_id"])
    stamp = {
        "version": record["version"] + 1,
        "updated_at": work.now,
        "updated_by": work.caller.actor,
    }
    row = {**after, **stamp, "form_version": form.definition.version}
    if after["credit_review_on"] != record["credit_review_on"]:
        row["review_remind_on"] = after["credit_review_on"]
        reminders.settle_review(work, record)
    if not store.update_customer(work, record["id"], row):
        existing = store.find_taken(work, after["code"], after["uscc"], but=record["id"])
        if existing is None:
            raise Conflict("该客户刚被修改, 请重试", code="stale_version")
        raise customers.taken(existing, after["code"], after["uscc"])
    changed = {**record, **after, **stamp}
    store.add_history(work, [history_line(work, changed, "updated", changes)])
    events.customer_updated(work, changed)
    files.attach(work, form.definition, record["id"], after["fields"])
    return changed


def delete_customer(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Delete a customer who has no credit and owes nothing; its history stays.

    Raises `NotFound`, `Conflict` for a stale version, a limit or an exposure.
    """
    record = find(work, received["customer_id"], locked=True)
    customers.check_version(record, received.get("version"))
    customers.check_deletable(record)
    stamp = {"version": record["version"] + 1, "updated_at": work.now, "updated_by": work.caller.actor}
    store.update_customer(work, record["id"], {**stamp, "deleted_at": work.now})
    store.add_history(work, [history_line(work, {**record, **stamp}, "deleted", [])])
    events.customer_deleted(work, record["id"])
    files.release(work, published_form(work).definition, record["id"])
    return {"id": record["id"], "code": record["code"], "deleted": True}


def get_customer(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A customer by its id or its code; `NotFound` when there is none."""
    return answer(find(work, key))


def list_duplicates(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Those whom a customer may be: `{"items": [...]}`; `NotFound` when there is none."""
    record = find(work, key)
    return {"items": duplicates.alike(work, record["name"], record["uscc"], record["id"])}


def get_customers(work: UnitOfWork, customer_ids: list[UUID]) -> dict[str, Any]:
    """Those of the customers that are there: `{"items": [...]}`."""
    return {"items": [answer(record) for record in store.get_customers(work, customer_ids)]}


def get_file(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A file of a customer's form, with the key of its bytes, for the gateway."""
    record = find(work, received["customer_id"])
    return files.get_file(work, FORM, rights.CUSTOMERS.key, record["id"], received["file_id"])


def list_customers(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of customers. `Invalid` names a filter that is not known."""
    where, form_where = _filters(received.get("where") or {}, published_form(work).definition)
    page = store.list_customers(work, received, where, form_where)
    return {"items": [answer(record) for record in page["items"]], "next": page["next"]}


def list_history(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of what was changed on a customer, the newest first."""
    record = find(work, received["customer_id"])
    return store.list_history(work, record["id"], received)


def add_attachment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Register a file that is already in the storage; answers its description."""
    record = find(work, received["customer_id"], locked=True)
    row = {
        **received,
        "id": new_id(),
        "customer_id": record["id"],
        "uploaded_at": work.now,
        "uploaded_by": work.caller.actor,
    }
    store.insert_attachment(work, row)
    change = {"field": "attachments", "label": "附件", "before": None, "after": row["name"]}
    store.add_history(work, [history_line(work, record, "attachment_added", [change])])
    return {name: value for name, value in row.items() if name != "storage_key"}


def list_attachments(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a customer's attachments, the newest first."""
    record = find(work, received["customer_id"])
    return store.list_attachments(work, record["id"], received)


def get_attachment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """An attachment with the key of its bytes, for the gateway; `NotFound` when there is none."""
    record = find(work, received["customer_id"])
    found = store.get_attachment(work, record["id"], received["attachment_id"])
    if found is None:
        raise NotFound("附件不存在", code="attachment_not_found")
    return found


def delete_attachment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Hide an attachment; its bytes stay, as the history speaks of them."""
    record = find(work, received["customer_id"], locked=True)
    found = store.get_attachment(work, record["id"], received["attachment_id"])
    if found is None or not store.mark_attachment_deleted(work, found["id"]):
        raise NotFound("附件不存在", code="attachment_not_found")
    change = {"field": "attachments", "label": "附件", "before": found["name"], "after": None}
    store.add_history(work, [history_line(work, record, "attachment_removed", [change])])
    return {"id": found["id"], "deleted": True}


def create_group(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Create a customer group; `Conflict` when its code is taken, `Invalid` for an unknown parent."""
    check_group(work, received["parent_id"], "parent_id")
    row = {**received, "id": new_id(), "created_at": work.now, "created_by": work.caller.actor}
    if not store.insert_group(work, row):
        raise Conflict(f"集团编码 {row['code']} 已存在", code="group_code_taken")
    events.group_created(work, row)
    return row


def update_group(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Rename a customer group or move it, with all below it, to another parent (none: to the top).

    `Forbidden` for whose right does not reach all customers, `NotFound` for no such group, `Invalid` for an
    unknown parent or one that is below the group itself. Locks all groups, so that two moves at once make no
    circle.
    """
    if work.caller.clauses_of(work.right) is not None:
        # It holds customers of everybody: whose right does not reach all of them moves none.
        raise beyond_scope(work.right)
    groups = store.lock_groups(work)
    group = groups.get(received["group_id"])
    if group is None:
        raise NotFound("客户集团不存在", code="group_unknown")
    change = {name: received[name] for name in ("name", "parent_id") if name in received}
    above = change.get("parent_id")
    check_group(work, above, "parent_id")
    while above is not None:
        if above == group["id"]:
            raise invalid_field("parent_id", "group_circle", "集团不能移到自己的下级")
        above = groups[above]["parent_id"]
    after = {**group, **change}
    if after != group:
        store.change_group(work, group["id"], change)
        events.group_updated(work, after)
    return after


def copy_account(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a customer's limit, state and payment term that `limits` told."""
    store.put_credit(work, events.credit_copy(event.data["account"]))


def copy_rating(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a customer's grade that `risk_rules` told."""
    store.put_credit(work, events.rating_copy(event.data))


def find(work: UnitOfWork, key: str, *, locked: bool = False) -> dict[str, Any]:
    """A customer by its id or its code, its row locked if asked; `NotFound` when there is none."""
    look = store.lock_customer if locked else store.get_customer
    record = look(work, *store.id_or_code(key))
    if record is None:
        _tell_merged(work, key)
        raise NotFound("客户不存在", code="customer_not_found")
    return record


def _tell_merged(work: UnitOfWork, key: str) -> None:
    """Raise `NotFound` that names as whom a customer goes on that was merged, if the caller sees them."""
    into = store.merged_into(work, *store.id_or_code(key))
    other = None if into is None else store.get_customer(work, into)
    if other is not None:
        text = f"该客户已合并到「{other['name']}」({other['code']})"
        named = {name: other[name] for name in ("id", "code", "name")}
        raise NotFound(text, code="customer_merged", merged_into=named)


def check_group(work: UnitOfWork, group_id: UUID | None, field: str = "group_id") -> None:
    """Raise `Invalid` for a group that is not there."""
    if group_id is not None and not store.has_group(work, group_id):
        raise invalid_field(field, "group_unknown", "客户集团不存在")


def answer(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is answered: money in its currency's digits, nothing that is only ours."""
    shown = {name: value for name, value in record.items() if name not in _HIDDEN}
    shown.setdefault("grade", None)
    shown.setdefault("credit_status", "unset")
    shown.setdefault("credit_unlimited", False)
    for name in ("credit_limit", "credit_currency", "payment_term_days"):
        shown.setdefault(name, None)
    if shown["credit_limit"] is not None and shown["credit_currency"]:
        shown["credit_limit"] = money.format_amount(shown["credit_limit"], shown["credit_currency"])
    shown.pop("form_version", None)
    return shown


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], form: forms.Form
) -> list[dict[str, Any]]:
    """What changed, labelled as the form labels it."""
    labels = {field.key: field.label["zh"] for field in form.definition.fields}
    return customers.differences(before, after, labels)


def history_line(
    work: UnitOfWork, record: Mapping[str, Any], action: str, changes: list[dict[str, Any]]
) -> dict[str, Any]:
    """A line of history, as it is written."""
    return {
        "customer_id": record["id"],
        "version": record["version"],
        "action": action,
        "changes": changes,
        "changed_at": work.now,
        "changed_by": work.caller.actor,
    }


def _filters(
    where: Mapping[str, Any], definition: forms.FormDefinition
) -> tuple[dict[str, Any], dict[str, str]]:
    core: dict[str, Any] = {}
    own: dict[str, str] = {}
    for name, value in where.items():
        field = definition.field(name.removeprefix("fields."))
        if not isinstance(value, str) or "\x00" in value or len(value) > 200:
            raise _wrong_filter(name, "筛选值应为文本")
        if name in store.FILTERS:
            core[name] = _read_filter(name, value)
        elif field is not None and field.searchable:
            own[field.key] = value
        else:
            raise _wrong_filter(name, "不能按该字段筛选")
    return core, own


def _read_filter(name: str, value: str) -> Any:
    if name == "group_id":
        return _group_id(value)
    if name == "review_until":
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _wrong_filter(name, "应为日期, 例如 2026-01-31") from None
    if name == "duplicated":
        if value not in ("true", "false"):
            raise _wrong_filter(name, "应为 true 或 false")
        return value == "true"
    return value


def _group_id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise _wrong_filter("group_id", "应为 UUID") from None


def _wrong_filter(name: str, message: str) -> Invalid:
    return invalid_field(name[:60], "filter_invalid", message, f"筛选条件 {name[:60]} 有误: {message}")
