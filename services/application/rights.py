"""What may be allowed on applications, and which of their fields a role may be kept from."""

from __future__ import annotations

from services.common.expressions import field
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
