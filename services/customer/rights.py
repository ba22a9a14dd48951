"""What may be allowed on customers and forms, and which fields of a customer a role may be kept from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.expressions import field
from services.common.rights import GuardedField, Resource, actions, scope_fields

CUSTOMERS = Resource(
    "customers",
    "客户",
    "Customers",
    actions(
        "read",
        "create",
        "update",
        "delete",
        "import",
        "export",
        "share",
        lists=("黑白名单", "Black and white list"),
        merge=("合并", "Merge"),
    ),
    fields=(
        GuardedField("code", "客户编码", "Code", also=("customer_code",)),
        GuardedField("name", "客户名称", "Name", also=("customer_name", "customer")),
        GuardedField("uscc", "统一社会信用代码", "Credit code", "uscc"),
        GuardedField("group_id", "所属集团", "Group"),
        GuardedField("region", "地区", "Region", also=("region",)),
        GuardedField("salesperson", "销售负责人", "Salesperson", also=("salesperson",)),
        GuardedField("department", "部门", "Department", also=("department",)),
        GuardedField("contacts", "联系人", "Contacts"),
        GuardedField("contacts.name", "联系人姓名", "Contact's name"),
        GuardedField("contacts.phone", "联系人电话", "Contact's telephone", "phone"),
        GuardedField("contacts.mobile", "联系人手机", "Contact's mobile", "phone"),
        GuardedField("contacts.email", "联系人邮箱", "Contact's mail address", "email"),
        GuardedField("tags", "标签", "Tags"),
        GuardedField("credit_review_on", "信用复核日", "Review date"),
        GuardedField("list_kind", "黑白名单", "List"),
        GuardedField("list_reason", "名单原因", "Reason of the list", also=("list_reason",)),
        GuardedField("grade", "信用等级", "Grade", also=("grade",)),
        GuardedField("credit_status", "信用状态", "Credit status", also=("credit_status",)),
        GuardedField("credit_limit", "授信额度", "Credit limit", "amount", also=("credit_limit",)),
        GuardedField("payment_term_days", "账期", "Payment term", also=("payment_term_days",)),
        GuardedField("fields.*", "表单字段", "Fields of the form"),
    ),
    scope=scope_fields(
        field("code", "text", "客户编码", "Code"),
        field("name", "text", "客户名称", "Name"),
        field("region", "text", "地区", "Region"),
        field("salesperson", "text", "销售负责人", "Salesperson"),
        field("department", "text", "部门", "Department"),
        field("grade", "text", "信用等级", "Grade"),
        field("credit_status", "text", "信用状态", "Credit status"),
        field("credit_limit", "number", "授信额度", "Credit limit"),
    ),
    # What is exported or shared is what is read.
    whole=("export", "share"),
    record_name="customer",
)
FORMS = Resource("forms", "表单", "Forms", actions("read", "write", "publish"))
RESOURCES = (CUSTOMERS, FORMS)


def to_fill(received: Any) -> str:
    """For an endpoint: the right to fill in a customer, who is new or has a `record_id`."""
    is_known = isinstance(received, Mapping) and received.get("record_id")
    return f"{CUSTOMERS.key}.{'update' if is_known else 'create'}"
