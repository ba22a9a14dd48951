"""What may be allowed on reports and dashboards."""

from __future__ import annotations

from services.common.expressions import field
from services.common.rights import Resource, actions, scope_fields

_SHOWN = ("customers", "credit", "invoices", "orders", "payments")
_OF_CUSTOMER = scope_fields(
    field("customer_code", "text", "客户编码", "Customer's code"),
    field("customer_name", "text", "客户名称", "Customer's name"),
    field("region", "text", "地区", "Region"),
    field("salesperson", "text", "销售负责人", "Salesperson"),
    field("department", "text", "部门", "Department"),
    field("grade", "text", "信用等级", "Grade"),
    field("credit_status", "text", "信用状态", "Credit status"),
)
REPORTS = Resource(
    "reports",
    "报表",
    "Reports",
    actions("read", "export"),
    scope=_OF_CUSTOMER,
    shows=_SHOWN,
    whole=("export",),
)
DASHBOARDS = Resource(
    "dashboards",
    "看板",
    "Dashboards",
    actions("read", "write"),
    scope=_OF_CUSTOMER,
    shows=_SHOWN,
    whole=("write",),
)
RESOURCES = (REPORTS, DASHBOARDS)
