"""Customers that come as tables: typed columns, one contact, the fields of the form; each row on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common import fields, forms
from services.common.db import Database, UnitOfWork
from services.common.errors import Conflict, CreditError, Invalid, beyond_scope, invalid_field
from services.common.forms import people
from services.common.forms.cells import columns_of, read_cell
from services.common.forms.texts import Refused
from services.common.forms.types.choices import split_items
from services.common.imports.columns import COMPUTED, NOT_WRITABLE, Column, may_write
from services.common.imports.target import REFUSE, SKIP, SKIPPED, UPDATE, UPDATED, Asked, Row
from services.common.scopes import require_visible
from services.customer import customers, events, schema, store
from services.customer.operations import records
from services.customer.operations.forms import published_form, surroundings
from services.customer.operations.intake import with_contacts
from services.customer.store import importing

_VERSION = "version"
_HINTS = {
    "code": "留空则自动编号; 用于更新已有客户",
    "uscc": "18 位统一社会信用代码, 不可重复",
    "group_id": "集团的编码、名称或 id",
    "salesperson": "用户名",
    "department": "部门编码",
    "tags": "多个标签用 、 分隔",
    "credit_review_on": "日期, 例如 2026-03-01",
}
_CONTACT = {
    "name": ("联系人", ("contact_name", "联系人姓名")),
    "title": ("联系人职务", ("contact_title",)),
    "phone": ("联系电话", ("contact_phone",)),
    "mobile": ("联系手机", ("contact_mobile",)),
    "email": ("联系邮箱", ("contact_email",)),
}
# An export shows them; nobody brings them in.
_SHOWN = {
    "grade": "信用等级",
    "credit_status": "信用状态",
    "credit_limit": "授信额度",
    "credit_currency": "额度币种",
    "payment_term_days": "账期(天)",
    "list_kind": "黑白名单",
    "list_reason": "名单原因",
}
_CORE = schema.NewCustomer()
_CHANGE = schema.NewCustomer(partial=True)


class CustomerTarget:
    """Customers, see `imports.target.Target`."""

    def __init__(self, database: Database, asked: Asked) -> None:
        self._database = database
        self._asked = asked
        # By code and credit code: the line that has it.
        self._seen: dict[tuple[str, str], int] = {}

    def columns(self, work: UnitOfWork) -> list[Column]:
        """The typed columns, one contact, the form's fields, and what an export shows as well."""
        form = published_form(work)
        caller, right = self._asked.caller, self._asked.right
        found = [
            self._column(name, label, hint=_HINTS.get(name, ""), required=name == "name")
            for name, label in customers.LABELS.items()
            if name != "contacts"
        ]
        for name, (label, names) in _CONTACT.items():
            found.append(self._column(f"contacts.{name}", label, names=names))
        found += columns_of(form.definition, caller, right)
        found.append(Column(_VERSION, "版本", "number", hint="填写时, 客户在此之后被修改过则不更新"))
        return [*found, *(Column(name, label, refused=COMPUTED) for name, label in _SHOWN.items())]

    def _column(self, path: str, label: str, **more: Any) -> Column:
        writable = may_write(self._asked.caller, self._asked.right, path)
        return Column(path, label, refused="" if writable else NOT_WRITABLE, **more)

    # --- looking up --------------------------------------------------------------------------------------

    def gather(self, rows: Sequence[Row]) -> None:
        """The groups that rows name, and the customers that are there already."""
        asked = self._asked
        right = "customers.update" if asked.existing == UPDATE else asked.right
        with self._database.read(asked.caller, asked.trace_id, right) as work:
            self._form, self._around = published_form(work), surroundings(work)
            self._now, self._zone = work.now, work.timezone
            cells = [row.cells for row in rows]
            self._people = people.known_in_cells(work, self._form.definition, cells)
            self._groups = importing.groups_named(work, _texts(rows, "group_id"))
            self._known: dict[str, dict[str, Any]] = {}
            if asked.existing != REFUSE:
                held = importing.holders_of(work, _texts(rows, "code"), [])
                for one in store.get_customers(work, [row["id"] for row in held]):
                    self._known[one["code"]] = one

    # --- one row -----------------------------------------------------------------------------------------

    def settle(self, row: Row) -> None:
        """The customer that a row makes, or the change of one that is there."""
        existing = self._known.get(row.cells.get("code", ""))
        if existing is not None and self._asked.existing == SKIP:
            row.status = SKIPPED
            return
        draft = self._draft(row, new=existing is None)
        try:
            made = self._made(row, draft, existing)
            row.made = None if row.errors else made
        except CreditError as refusal:
            row.refuse_as(refusal)

    def _made(self, row: Row, draft: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
        values = draft.pop("fields")
        before = None if existing is None else existing["fields"]
        found = forms.settle_values(self._form, values, before, self._around)
        if found.faults:
            raise Invalid("填写有误", code="invalid", errors=found.errors)
        if existing is None:
            record = records.new_row(self._asked.caller, self._now, draft, found.values, self._form)
            return {"record": record, "draft": draft, "unnamed": not draft.get("code")}
        asked = row.cells.get(_VERSION)
        if asked is not None and asked != str(existing["version"]):
            message = f"客户已被 {existing['updated_by']} 修改 (当前版本 {existing['version']})"
            raise invalid_field(_VERSION, "stale_version", message)
        row.status = UPDATED
        if "contacts" in draft:
            draft["contacts"] = with_contacts(existing["contacts"], draft["contacts"])
        change = {**draft, "fields": values}
        return {"record": {**existing, **draft}, "draft": change, "before": existing}

    def _draft(self, row: Row, *, new: bool) -> dict[str, Any]:
        told: dict[str, Any] = {}
        contact: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for path, text in row.cells.items():
            holder, _, name = path.partition(".")
            if holder == "fields":
                one = self._form.definition.by_key[name]
                try:
                    values[name] = read_cell(text, one, self._zone)
                    people.require_in_cell(one, values[name], self._people)
                except Refused as problem:
                    for each in problem.faults:
                        row.refuse(path, each.code, each.zh)
            elif holder == "contacts":
                contact[name] = text
            elif path != _VERSION:
                told[path] = self._cell(row, path, text)
        if contact:
            told["contacts"] = [contact]
        try:
            draft = fields.load(_CORE if new else _CHANGE, told)
        except CreditError as refusal:
            # A table has one contact: its columns are called without a place.
            for error in refusal.errors:
                error["field"] = error["field"].replace("contacts.0.", "contacts.")
            row.refuse_as(refusal)
            draft = {}
        return {**draft, "fields": values}

    def _cell(self, row: Row, path: str, text: str) -> Any:
        if path == "tags":
            return split_items(text)
        if path == "group_id":
            if text not in self._groups:
                row.refuse(path, "group_unknown", "客户集团不存在")
                return None
            return str(self._groups[text])
        return text

    # --- against what is stored --------------------------------------------------------------------------

    def examine(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """Customers that were changed meanwhile, codes that are taken, and what is beyond the own scope."""
        self._look_at_existing(work, rows)
        good = [row for row in rows if not row.errors and row.made is not None]
        for row in good:
            if row.made.get("unnamed"):
                # One that was given in vain is given anew.
                row.made["record"]["code"] = None
        codes = [row.made["record"]["code"] for row in good if row.made["record"]["code"]]
        credit_codes = [row.made["record"]["uscc"] for row in good if row.made["record"]["uscc"]]
        held = importing.holders_of(work, codes, credit_codes) if codes or credit_codes else []
        holders = {(name, one[name]): one for one in held for name in ("code", "uscc") if one[name]}
        for row in good:
            record = row.made["record"]
            try:
                if "before" not in row.made:
                    require_visible(work, store.OWNED, record, beyond_scope(work.right))
            except CreditError as refusal:
                row.refuse_as(refusal)
            places = [(name, record[name]) for name in ("code", "uscc") if record[name]]
            for place in places:
                self._check_taken(row, place, holders)
            if not row.errors:
                self._seen.update((place, row.line) for place in places)

    def _check_taken(self, row: Row, place: tuple[str, str], holders: Mapping[Any, Any]) -> None:
        line = self._seen.get(place, row.line)
        holder = holders.get(place)
        name, value = place
        if line != row.line:
            row.refuse(name, f"customer_{name}_taken", f"与第 {line} 行重复")
        elif holder is not None and holder["id"] != row.made["record"]["id"]:
            taken = customers.taken(holder, value if name == "code" else None, value)
            row.refuse(name, f"customer_{name}_taken", taken.detail)

    def _look_at_existing(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        changing = [row for row in rows if not row.errors and row.made is not None and "before" in row.made]
        if not changing:
            return
        codes = [row.made["before"]["code"] for row in changing]
        if not work.reads_only:
            importing.lock_by_code(work, codes)
        found = store.get_customers(work, [row.made["before"]["id"] for row in changing])
        by_id = {one["id"]: one for one in found}
        for row in changing:
            now = by_id.get(row.made["before"]["id"])
            if now is None:
                row.refuse("code", "customer_not_found", "客户不存在, 或您无权修改")
            elif now["version"] != row.made["before"]["version"]:
                self._known[now["code"]] = now
                row.made = None
                self.settle(row)

    # --- for good ----------------------------------------------------------------------------------------

    def write(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """New customers together, changes one by one; each is told of like every other."""
        good = [row for row in rows if not row.errors and row.made is not None]
        new = [row.made["record"] for row in good if "before" not in row.made]
        self._give_codes(work, [record for record in new if not record["code"]])
        if new and len(store.insert_customers(work, new)) != len(new):
            raise Conflict("客户编码或信用代码刚被使用", code="customer_taken")
        lines = []
        for record in new:
            changes = records.differences({}, record, self._form)
            lines.append(records.history_line(work, record, "created", changes))
            events.customer_created(work, record)
        store.add_history(work, lines)
        for row in good:
            if "before" in row.made:
                before = row.made["before"]
                changed = records.change_record(work, before, row.made["draft"])
                if changed["version"] == before["version"]:
                    row.status = SKIPPED

    @staticmethod
    def _give_codes(work: UnitOfWork, unnamed: list[dict[str, Any]]) -> None:
        """Generated codes that nobody has."""
        while unnamed:
            numbers = importing.next_code_numbers(work, len(unnamed))
            for record, number in zip(unnamed, numbers, strict=True):
                record["code"] = customers.generated_code(number)
            taken = {one["code"] for one in importing.holders_of(work, [one["code"] for one in unnamed], [])}
            unnamed = [record for record in unnamed if record["code"] in taken]


def _texts(rows: Sequence[Row], path: str) -> list[str]:
    return list(dict.fromkeys(row.cells[path] for row in rows if path in row.cells))
