"""Customers' files over HTTP: attachments up and down, tables in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Request, Response, jsonify

from gateway.context import Context
from gateway.downloads import saved_as, table, table_kind
from gateway.uploads import uploaded_file, uploaded_table
from services.common import storage
from services.common.errors import CreditError, Invalid, is_passing
from services.common.field_rights import concealed_names as hidden_names
from services.customer.schema import IMPORT_ROWS_MAX

_IMPORT_SECONDS_MAX = 60
_EXPORT_ROWS_MAX = 200_000
_PAGE_SIZE = 200
_CORE_COLUMNS = {
    "code": "客户编码",
    "name": "客户名称",
    "uscc": "统一社会信用代码",
    "group_id": "所属集团",
    "region": "地区",
    "salesperson": "销售负责人",
    "department": "部门",
}
_CONTACT_COLUMNS = {"name": "联系人", "phone": "联系电话", "email": "联系邮箱"}
_SHOWN_COLUMNS = {
    "grade": "信用等级",
    "credit_status": "信用状态",
    "credit_limit": "授信额度",
    "credit_currency": "额度币种",
    "payment_term_days": "账期(天)",
    "version": "版本",
}


def upload(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Keep the uploaded file and attach it to the customer; 201 with its description.

    When the customer service refuses it for good, its bytes are removed again; when nobody can tell, they
    stay, as the attachment may exist.
    """
    customer = context.ask("customer", "get_customer", {"customer_id": path["customer_id"]})
    files = storage.FileStorage(context.settings.files_url)
    with uploaded_file(request) as uploaded:
        stored = files.put(uploaded.stream, token=_token(context))
        name = storage.file_name(uploaded.filename)
    received = {
        "customer_id": customer["id"],
        "name": name,
        "content_type": stored.content_type,
        "size_bytes": stored.size_bytes,
        "sha256": stored.sha256,
        "storage_key": stored.key,
    }
    try:
        answer = context.ask("customer", "add_attachment", received)
    except CreditError as refusal:
        if not is_passing(refusal):
            files.delete(stored.key)
        raise
    response = jsonify(answer)
    response.status_code = 201
    return response


def download(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """The bytes of an attachment, to be saved: no browser runs them on our pages."""
    found = context.ask("customer", "get_attachment", dict(path))
    files = storage.FileStorage(context.settings.files_url)
    opened = files.open(found["storage_key"])
    response = Response(_pieces(opened), mimetype=None, direct_passthrough=True)
    response.headers["Content-Type"] = found["content_type"]
    response.headers["Content-Length"] = str(found["size_bytes"])
    return saved_as(response, found["name"])


def import_table(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Import the uploaded csv or xlsx; each row's `row` is its line in the file (the header is line 1)."""
    rows = uploaded_table(request, IMPORT_ROWS_MAX)
    given = {**request.form.to_dict(), **request.args.to_dict()}
    received = {
        "rows": [row.cells for row in rows],
        "dry_run": given.get("dry_run", "false"),
        "update_existing": given.get("update_existing", "false"),
    }
    answer = context.ask("customer", "import_customers", received, timeout=_IMPORT_SECONDS_MAX)
    for result in answer["results"]:
        result["row"] = rows[result["row"] - 1].line
    return jsonify(answer)


def export_table(context: Context, request: Request, path: Mapping[str, str]) -> Response:
    """Every customer that the filters find, as csv (default) or xlsx; formulas are made harmless."""
    given = request.args.to_dict()
    kind = table_kind(given)
    form = context.ask("customer", "get_form", {"key": "customer"})
    hidden = hidden_names(context.caller, "customers")
    columns = _columns(form, hidden)
    header = list(columns.values())
    found = _found(context, given.pop("sort", _first_of(("code", "name", "created_at"), hidden)), given)
    answer = table(kind, header, (_line(customer, columns) for customer in found), "customers")
    context.audit("customer.export", "customers", {"filters": given, "format": kind})
    return answer


def _token(context: Context) -> str | None:
    key = context.idempotency_key
    return None if key is None else f"{context.caller.principal}\n{key}"


def _found(context: Context, sort: str, where: dict[str, str]) -> Iterator[dict[str, Any]]:
    after = None
    for _page in range(_EXPORT_ROWS_MAX // _PAGE_SIZE):
        asked = {"page_size": _PAGE_SIZE, "page_after": after, "sort": sort, "where": where}
        answer = context.ask("customer", "list_customers", asked)
        yield from answer["items"]
        after = answer["next"]
        if after is None:
            return
    raise Invalid(f"一次最多导出 {_EXPORT_ROWS_MAX} 个客户, 请先筛选", code="export_too_large")


def _columns(form: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, str]:
    """The columns of an export by their paths, without those that its reader may not see."""
    columns = dict(_CORE_COLUMNS)
    columns |= {f"contacts.{name}": label for name, label in _CONTACT_COLUMNS.items()}
    columns |= {f"fields.{field['key']}": field["label"]["zh"] for field in form["fields"]}
    columns |= _SHOWN_COLUMNS
    return {path: label for path, label in columns.items() if not _is_hidden(path, hidden)}


def _is_hidden(path: str, hidden: frozenset[str]) -> bool:
    holder = path.partition(".")[0]
    return path in hidden or holder in hidden or f"{holder}.*" in hidden


def _first_of(names: tuple[str, ...], hidden: frozenset[str]) -> str:
    return next(name for name in names if name not in hidden)


def _line(customer: Mapping[str, Any], columns: Mapping[str, str]) -> list[Any]:
    contacts = sorted(customer.get("contacts") or (), key=lambda contact: not contact.get("primary"))
    holders = {"contacts": contacts[0] if contacts else {}, "fields": customer.get("fields") or {}}
    values = []
    for path in columns:
        holder, dot, name = path.partition(".")
        values.append(_cell(holders[holder].get(name)) if dot else customer.get(path))
    return values


def _cell(value: Any) -> Any:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else value


def _pieces(opened: Any) -> Iterator[bytes]:
    with opened:
        while piece := opened.read(64 * 1024):
            yield piece
