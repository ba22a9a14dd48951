"""The flow that the product ships with, as ordinary, editable data (DOMAIN.md)."""

from __future__ import annotations

from typing import Any

from services.common.db import UnitOfWork
from services.workflow import store
from services.workflow.operations import flows

CREDIT_APPLICATION: dict[str, Any] = {
    "nodes": [
        {"key": "start", "type": "start", "title": "提交申请", "position": {"x": 0, "y": 120}},
        {"key": "by-amount", "type": "condition", "title": "按金额", "position": {"x": 180, "y": 120}},
        {
            "key": "manager",
            "type": "approval",
            "title": "部门经理审批",
            "approvers": [{"kind": "department_head"}],
            "position": {"x": 380, "y": 20},
        },
        {
            "key": "risk",
            "type": "approval",
            "title": "风控审批",
            "approvers": [{"kind": "role", "value": "risk_analyst"}],
            "position": {"x": 380, "y": 220},
        },
        {
            "key": "cfo",
            "type": "approval",
            "title": "财务总监审批",
            "approvers": [{"kind": "role", "value": "cfo"}],
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


def seed(work: UnitOfWork) -> None:
    """Make and publish the shipped flow if it is missing; what somebody edited stays as it is."""
    if store.find_flow(work, "credit-application") is None:
        received = {"key": "credit-application", "name": "授信申请", "graph": CREDIT_APPLICATION}
        flows.create_flow(work, received)
        flows.publish_flow(work, "credit-application")
