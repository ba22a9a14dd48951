"""The rules of a customer's record: what changed, who may still change it, and what a stranger is told."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.common import strict_json
from services.common.errors import Conflict

LABELS = {
    "code": "客户编码",
    "name": "客户名称",
    "uscc": "统一社会信用代码",
    "group_id": "所属集团",
    "region": "地区",
    "salesperson": "销售负责人",
    "department": "部门",
    "contacts": "联系人",
    "tags": "标签",
    "credit_review_on": "信用复核日",
}
BLACKLIST, WHITELIST = LISTS = ("blacklist", "whitelist")
LIST_NAMES = {BLACKLIST: "黑名单", WHITELIST: "白名单"}
DOCUMENT_KINDS = {
    "business_licence": "营业执照",
    "tax_registration": "税务登记",
    "permit": "经营许可证",
    "id_card": "法人身份证",
    "contract": "合同",
    "guarantee": "担保文件",
    "other": "证照",
}
_DOCUMENT_LABELS = {
    "kind": "证照类型",
    "number": "证照编号",
    "valid_from": "生效日期",
    "valid_to": "有效期至",
    "remind_days": "提前提醒天数",
    "attachment_id": "附件",
}
CORE = tuple(LABELS)
SNAPSHOT = ("id", *CORE, "fields", "list_kind", "list_reason", "version", "created_at")
_NO_CREDIT = frozenset({"unset"})


def merged(record: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The record's values after a change: core fields replace, form fields are laid over the old ones.

    An empty form field leaves the record.
    """
    after = {name: change.get(name, record[name]) for name in CORE}
    values = {**record["fields"], **(change.get("fields") or {})}
    after["fields"] = {key: value for key, value in values.items() if value is not None}
    return after


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], form_labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Field by field what changed, as plain JSON: `{"field", "label", "before", "after"}`."""
    found = [
        _difference(name, LABELS[name], before.get(name), after.get(name))
        for name in CORE
        if before.get(name) != after.get(name)
    ]
    old, new = before.get("fields") or {}, after.get("fields") or {}
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            label = form_labels.get(key, key)
            found.append(_difference(f"fields.{key}", label, old.get(key), new.get(key)))
    return found


def joined(giver: Mapping[str, Any], taker: Mapping[str, Any]) -> dict[str, Any]:
    """What remains of two customers that are one: the taker's values, and the giver's where it has none.

    Contacts and tags of both, each once; one of them at most is the first to be called. The code stays, and
    nobody's credit code is given up silently: where both have one, the taker's counts.
    """
    after = {name: taker[name] if taker[name] is not None else giver[name] for name in CORE}
    known = {(one["name"], one.get("mobile"), one.get("phone")) for one in taker["contacts"]}
    more = [
        {**one, "primary": False}
        for one in giver["contacts"]
        if (one["name"], one.get("mobile"), one.get("phone")) not in known
    ]
    after["contacts"] = [*taker["contacts"], *more]
    after["tags"] = list(dict.fromkeys([*taker["tags"], *giver["tags"]]))
    after["fields"] = {**giver["fields"], **taker["fields"]}
    return after


def merge_line(giver: Mapping[str, Any], taker: Mapping[str, Any], reason: str) -> list[dict[str, Any]]:
    """What history says of a merge, on both sides."""
    before, after = (f"{one['name']} ({one['code']})" for one in (giver, taker))
    return [
        _difference("merged", "客户合并", before, after),
        _difference("merge_reason", "合并原因", None, reason),
    ]


def document_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What changed of a document, as history shows it; what it is stands first."""
    kind = (after or before)["kind"]
    label = DOCUMENT_KINDS[kind]
    return [
        _difference(f"documents.{name}", f"{label}: {title}", before.get(name), after.get(name))
        for name, title in _DOCUMENT_LABELS.items()
        if before.get(name) != after.get(name)
    ]


def check_version(record: Mapping[str, Any], asked: int | None) -> None:
    """Raise `Conflict` when the change was made on another version than the stored one."""
    if asked is not None and asked != record["version"]:
        raise Conflict(
            f"该客户已被 {record['updated_by']} 修改, 请刷新后重试",
            code="stale_version",
            errors=[{"field": "version", "code": "stale_version", "message": "版本已过期"}],
            current_version=record["version"],
            updated_by=record["updated_by"],
            updated_at=strict_json.to_plain(record["updated_at"]),
        )


def check_deletable(record: Mapping[str, Any]) -> None:
    """Raise `Conflict` for a customer who has, or owes, something."""
    if record["credit_status"] not in _NO_CREDIT or Decimal(record["exposure"]) != 0:
        raise Conflict(
            f"客户「{record['name']}」已有授信额度或未清账款, 不能删除", code="customer_has_credit"
        )


def taken(existing: Mapping[str, Any], code: str | None, uscc: str | None) -> Conflict:
    """The refusal of a second customer with a code or credit code; names the first to who may see it."""
    field, value = ("code", code) if existing["code"] == code else ("uscc", uscc)
    label = LABELS[field]
    if not existing["seen"]:
        error = {"field": field, "code": f"customer_{field}_taken", "message": f"{label}已存在"}
        return Conflict(f"{label} {value} 已存在", code=f"customer_{field}_taken", errors=[error])
    return Conflict(
        f"{label} {value} 已属于客户「{existing['name']}」({existing['code']})",
        code=f"customer_{field}_taken",
        errors=[{"field": field, "code": f"customer_{field}_taken", "message": f"{label}已存在"}],
        existing={"id": str(existing["id"]), "code": existing["code"], "name": existing["name"]},
    )


def listed(record: Mapping[str, Any], kind: str | None, reason: str) -> list[dict[str, Any]]:
    """What changes of a record that is put on a list (None: on none), as history shows it.

    `Conflict` when nothing would.
    """
    if kind is None and record["list_kind"] is None:
        raise Conflict("客户不在黑名单或白名单中", code="not_on_a_list")
    if kind is not None and (kind, reason) == (record["list_kind"], record["list_reason"]):
        raise Conflict(f"客户已在{LIST_NAMES[kind]}中", code="on_the_list", list_kind=kind)
    return [
        _difference("list_kind", "黑白名单", record["list_kind"], kind),
        _difference("list_reason", "名单原因", record["list_reason"], reason),
    ]


def snapshot(record: Mapping[str, Any]) -> dict[str, Any]:
    """What events tell of a customer: everything but the copies of others' decisions."""
    return {name: record[name] for name in SNAPSHOT}


def generated_code(number: int) -> str:
    """The code of a customer that came without one, e.g. `C000042`."""
    return f"C{number:06d}"


def _difference(field: str, label: str, before: Any, after: Any) -> dict[str, Any]:
    return {
        "field": field,
        "label": label,
        "before": strict_json.to_plain(before),
        "after": strict_json.to_plain(after),
    }
