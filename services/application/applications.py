"""The states of an application, and which step leads from which to which. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.errors import Conflict

DRAFT = "draft"
IN_APPROVAL = "in_approval"
RETURNED = "returned"
GRANTING = "granting"
EFFECTIVE = "effective"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"
GRANT_FAILED = "grant_failed"

# step -> (states it may start from, state it leads to)
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "submit": (frozenset({DRAFT, RETURNED}), IN_APPROVAL),
    "withdraw": (frozenset({DRAFT, IN_APPROVAL, RETURNED}), WITHDRAWN),
    "return": (frozenset({IN_APPROVAL}), RETURNED),
    "reject": (frozenset({IN_APPROVAL}), REJECTED),
    "grant": (frozenset({IN_APPROVAL}), GRANTING),
    "take_effect": (frozenset({GRANTING, GRANT_FAILED}), EFFECTIVE),
    "fail": (frozenset({IN_APPROVAL, GRANTING}), GRANT_FAILED),
}
EDITABLE = frozenset({DRAFT, RETURNED})
WORDS: Mapping[str, str] = {
    DRAFT: "草稿",
    IN_APPROVAL: "审批中",
    RETURNED: "已退回",
    GRANTING: "正在生效",
    EFFECTIVE: "已生效",
    REJECTED: "已拒绝",
    WITHDRAWN: "已撤回",
    GRANT_FAILED: "生效失败",
}


def require_creditworthy(customer: Mapping[str, Any]) -> None:
    """Raise `Conflict`, with the reason, for a customer on the black list: it gets no credit."""
    if customer.get("list_kind") == "blacklist":
        text = f"客户「{customer['name']}」在黑名单中, 不能申请授信: {customer['list_reason']}"
        raise Conflict(text, code="customer_blacklisted", list_reason=customer["list_reason"])


def next_status(status: str, step: str) -> str:
    """The state that a step leads to; `Conflict` where it cannot be taken from here."""
    sources, target = STEPS[step]
    if status not in sources:
        raise Conflict(f"申请{WORDS[status]}, 不能进行此操作", code="wrong_state", state=status)
    return target
