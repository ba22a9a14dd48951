"""What may be allowed on flows and on people's work."""

from __future__ import annotations

from services.common.expressions import field
from services.common.rights import Resource, actions, scope_fields

_SHOWN = ("customers", "applications", "credit")
FLOWS = Resource("flows", "审批流程", "Flows", actions("read", "write", "simulate", "publish", "settings"))
TASKS = Resource(
    "tasks",
    "审批任务",
    "Tasks",
    actions(
        *("read", "approve", "reject", "return", "act"),
        approve_more=("超额批准", "Approve more than asked"),
    ),
    scope=scope_fields(
        field("node", "text", "节点", "Node"),
        field("amount", "number", "申请金额", "Amount"),
        field("currency", "text", "币种", "Currency"),
        field("initiator", "text", "申请人", "Initiator"),
        field("department", "text", "申请部门", "Department"),
        field("customer_name", "text", "客户名称", "Customer's name"),
    ),
    shows=_SHOWN,
    # Tasks are their assignees' own; how far somebody may decide is another matter.
    whole=("read", "act", "approve_more"),
)
INSTANCES = Resource(
    "instances",
    "流程实例",
    "Instances",
    actions(
        "read",
        "withdraw",
        start=("发起", "Start"),
        steer=("终止与跳转", "Terminate and move"),
    ),
    scope=scope_fields(
        field("subject_key", "text", "业务编号", "Number"),
        field("state", "text", "状态", "State"),
        field("initiator", "text", "申请人", "Initiator"),
        field("department", "text", "申请部门", "Department"),
        field("salesperson", "text", "销售负责人", "Salesperson"),
        field("customer_name", "text", "客户名称", "Customer's name"),
    ),
    shows=_SHOWN,
    # One withdraws what one has asked for oneself, and starts what is not there yet.
    whole=("withdraw", "start"),
)
TODOS = Resource("todos", "待办", "To-dos", actions("read", "act"), shows=_SHOWN)
RESOURCES = (FLOWS, TASKS, INSTANCES, TODOS)
