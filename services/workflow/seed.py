"""The flows that the product ships with, as ordinary, editable data (DOMAIN.md)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from services.common.db import UnitOfWork
from services.workflow import store
from services.workflow.engine.definition import CUSTOMER_FORM
from services.workflow.operations import flows

Graph = dict[str, Any]
_HEAD = {"kind": "department_head"}
_RISK = {"kind": "role", "value": "risk_analyst"}
_CFO = {"kind": "role", "value": "cfo"}
_FINANCE = {"kind": "role", "value": "finance"}

CREDIT_APPLICATION: Graph = {
    "nodes": [
        {"key": "start", "type": "start", "title": "提交申请", "position": {"x": 0, "y": 120}},
        {"key": "by-amount", "type": "condition", "title": "按金额", "position": {"x": 180, "y": 120}},
        {
            "key": "manager",
            "type": "approval",
            "title": "部门经理审批",
            "approvers": [_HEAD],
            "position": {"x": 380, "y": 20},
        },
        {
            "key": "risk",
            "type": "approval",
            "title": "风控审批",
            "approvers": [_RISK],
            "position": {"x": 380, "y": 220},
        },
        {
            "key": "cfo",
            "type": "approval",
            "title": "财务总监审批",
            "approvers": [_CFO],
            "position": {"x": 580, "y": 220},
        },
        {"key": "end", "type": "end", "title": "额度生效", "position": {"x": 780, "y": 120}},
    ],
    "edges": [
        {"from": "start", "to": "by-amount"},
        {"from": "by-amount", "to": "manager", "when": "approved_amount_base < 50000"},
        {"from": "by-amount", "to": "risk"},
        {"from": "manager", "to": "end"},
        {"from": "risk", "to": "cfo"},
        {"from": "cfo", "to": "end"},
    ],
}


def _person(key: str, title: str, approver: dict[str, Any]) -> Graph:
    asked = {"approvers": [approver], "opinion": "required_on_reject"}
    return {"key": key, "type": "approval", "title": title, **asked}


def _does(key: str, title: str, service: str, method: str, **values: str) -> Graph:
    """What is done once it is approved; refused, an administrator gets a to-do and nothing is half done."""
    asked = {"service": service, "method": method, "values": values}
    return {"key": key, "type": "action", "title": title, "do": "command", **asked}


def _row(*steps: Graph, fields: dict[str, Any] | None = None) -> Graph:
    """One step after the other, drawn from left to right."""
    nodes: Sequence[Graph] = [
        {"key": "start", "type": "start", "title": "发起"},
        *steps,
        {"key": "end", "type": "end", "title": "完成"},
    ]
    placed = [{**node, "position": {"x": 200 * place, "y": 0}} for place, node in enumerate(nodes)]
    keys = [node["key"] for node in nodes]
    edges = [{"from": one, "to": other} for one, other in itertools.pairwise(keys)]
    graph: Graph = {"nodes": placed, "edges": edges}
    return graph if fields is None else {**graph, "fields": fields}


def _grants(title: str, kind: str, reason: str, **more: str) -> Graph:
    return _does(
        "grant",
        title,
        "limits",
        "grant_credit",
        amount="approved_amount",
        currency="approved_currency",
        kind=f'"{kind}"',
        valid_from="valid_from",
        valid_to="valid_to",
        reason=f'"{reason}"',
        **more,
    )


SHIPPED: dict[str, tuple[str, Graph]] = {
    "credit-application": ("授信申请", CREDIT_APPLICATION),
    "limit-raise": (
        "额度提升",
        _row(
            _person("risk", "风控审批", _RISK),
            _person("cfo", "财务总监审批", _CFO),
            _grants("提升额度", "base", "额度提升", change='"raise"'),
        ),
    ),
    "limit-cut": (
        "额度下调",
        _row(_person("risk", "风控审批", _RISK), _grants("下调额度", "base", "额度下调", change='"cut"')),
    ),
    "temporary-limit": (
        "临时额度",
        _row(
            _person("manager", "部门经理审批", _HEAD),
            _person("risk", "风控审批", _RISK),
            _grants("临时额度生效", "temporary", "临时额度"),
        ),
    ),
    "override": (
        "信用特批",
        _row(
            _person("manager", "部门经理审批", _HEAD),
            _person("risk", "风控审批", _RISK),
            # What came from an order that was held or refused is for that order alone.
            _does(
                "override",
                "特批生效",
                "limits",
                "grant_override",
                amount="approved_amount",
                currency="approved_currency",
                order_no='IF(subject_type = "order", subject_key, 订单号)',
                valid_until="valid_to",
                reason='"审批通过的信用特批"',
            ),
            fields={"订单号": "text"},
        ),
    ),
    "unfreeze": (
        "解冻",
        _row(
            _person("risk", "风控审批", _RISK),
            _does("unfreeze", "解除冻结", "limits", "unfreeze_account", reason='"审批通过后解冻"'),
        ),
    ),
    "write-off": (
        "坏账核销",
        _row(
            _person("finance", "财务审批", _FINANCE),
            _person("cfo", "财务总监审批", _CFO),
            _does(
                "write-off",
                "核销",
                "limits",
                "record_write_off",
                invoice_no="发票号",
                amount="approved_amount",
                reason='"审批通过后核销"',
            ),
            fields={"发票号": "text"},
        ),
    ),
    "customer-change": (
        "客户主数据变更",
        _row(
            _person("manager", "部门经理审批", _HEAD),
            {
                "key": "update",
                "type": "action",
                "title": "更新客户",
                "do": "write_back",
                "form": CUSTOMER_FORM,
                "values": {
                    "name": "客户名称",
                    "uscc": "统一社会信用代码",
                    "region": "地区",
                    "salesperson": "销售负责人",
                },
            },
            fields=dict.fromkeys(("客户名称", "统一社会信用代码", "地区", "销售负责人"), "text"),
        ),
    ),
}


# What the shipped flows write of a customer, every customer has: nobody need be asked for the form.
_FORMS = {CUSTOMER_FORM: {"key": CUSTOMER_FORM, "title": {"zh": "客户"}, "fields": []}}


def seed(work: UnitOfWork) -> None:
    """Make and publish the shipped flows that are missing; what somebody edited stays as it is."""
    for key, (name, graph) in SHIPPED.items():
        if store.find_flow(work, key) is None:
            flows.create_flow(work, {"key": key, "name": name, "graph": graph})
            flows.publish_flow(work, key, _FORMS)
