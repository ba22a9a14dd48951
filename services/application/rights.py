"""What may be allowed on applications, and which of their fields a role may be kept from."""

from __future__ import annotations

from typing import Any

from services.common.expressions import field
from services.common.forms.rights import of_records
from services.common.rights import GuardedField, Resource, actions, scope_fields

APPLICATIONS = Resource(
    "applications",
    "授信申请",
    "Applications",
    actions("read", "create", "submit", "withdraw", "share"),
    fields=(
        GuardedField("amount", "申请金额", "Amount", "amount", also=("amount",)),
        GuardedField("term_days", "申请账期", "Term", also=("term_days",)),
        GuardedField("reason", "申请理由", "Reason", also=("reason",)),
        GuardedField("approved", "批准结果", "What was approved", "amount", also=("approved",)),
        GuardedField("initiator", "申请人", "Initiator", also=("initiator",)),
        GuardedField("fields.*", "表单字段", "Fields of the form"),
    ),
    scope=scope_fields(
        field("number", "text", "申请编号", "Number"),
        field("type", "text", "类型", "Type"),
        field("status", "text", "状态", "Status"),
        field("amount", "number", "申请金额", "Amount"),
        field("currency", "text", "币种", "Currency"),
        field("initiator", "text", "申请人", "Initiator"),
        field("department", "text", "申请部门", "Department"),
        field("customer_code", "text", "客户编码", "Customer's code"),
        field("customer_name", "text", "客户名称", "Customer's name"),
    ),
    shows=("customers",),
    whole=("share",),
)
RESOURCES = (APPLICATIONS,)
# Its records have doors and typed columns of their own.
FORM = "application"
_of_a_form, _to_create, _to_update = (of_records(action) for action in ("read", "create", "update"))


def to_fill(received: Any) -> str:
    """For an endpoint: the right to fill in a record, which is new or has a `record_id`."""
    right: str = _to_create(received)
    if received["form"] == FORM:
        return APPLICATIONS.key + ".create"
    if received.get("record_id"):
        right = _to_update(received)
    return right


def to_evaluate(received: Any) -> str:
    """For an endpoint: the right to try out values; of applications, that of whoever fills one in."""
    right = _of_a_form(received)
    return APPLICATIONS.key + ".create" if received["form"] == FORM else right
