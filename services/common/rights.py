"""What may be allowed: resources, the actions on them, the fields of their records, and what scopes may read.

A service declares its resources in its schema; the gateway puts them into one catalogue, from which rights,
OpenAPI and the matrix of roles come. A right is written `resource.action`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.common.expressions import Field, Fields, field
from services.common.expressions.types import declared

# Every button there is: (Chinese, English). A new one is named here, once.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "read": ("查看", "Read"),
    "create": ("新建", "Create"),
    "update": ("修改", "Update"),
    "change": ("变更", "Change"),
    "delete": ("删除", "Delete"),
    "write": ("设计", "Design"),
    "publish": ("发布", "Publish"),
    "test": ("试运行", "Try out"),
    "simulate": ("模拟", "Simulate"),
    "use": ("使用", "Use"),
    "import": ("导入", "Import"),
    "export": ("导出", "Export"),
    "share": ("共享", "Share"),
    "submit": ("提交", "Submit"),
    "withdraw": ("撤回", "Withdraw"),
    "approve": ("同意", "Approve"),
    "reject": ("拒绝", "Reject"),
    "return": ("退回", "Return"),
    "act": ("处理", "Handle"),
    "check": ("试算", "Check"),
    "grant": ("授信", "Grant"),
    "freeze": ("冻结", "Freeze"),
    "unfreeze": ("解冻", "Unfreeze"),
    "release": ("放行", "Release"),
    "reverse": ("冲销", "Reverse"),
    "allocate": ("核销", "Allocate"),
    "open": ("提出", "Open"),
    "resolve": ("解决", "Resolve"),
    "verify": ("核对", "Verify"),
    "settings": ("设置", "Settings"),
}
# Actions that leave a record as it is: whoever was shown one may take them.
READING = frozenset({"read", "export", "check", "test", "simulate"})
MY_FIELDS: Mapping[str, Field] = {
    "my_username": field("my_username", "text", "当前用户", "Me"),
    "my_department": field("my_department", "text", "当前部门", "My department"),
    "my_departments": Field(
        "my_departments", declared({"type": "list", "items": "text"}), "当前部门及下级", "My departments"
    ),
}

# What the scope of a record that belongs to a customer may read of that customer.
OF_CUSTOMER: tuple[Field, ...] = (
    field("customer_code", "text", "客户编码", "Customer's code"),
    field("customer_name", "text", "客户名称", "Customer's name"),
    field("salesperson", "text", "销售负责人", "Salesperson"),
    field("department", "text", "部门", "Department"),
)


@dataclass(frozen=True)
class Action:
    """A button."""

    key: str
    label_zh: str
    label_en: str


@dataclass(frozen=True)
class GuardedField:
    """A field of a resource that a role may be kept from.

    `path` leads to it from the record (`contacts.phone`); `fields.*` stands for every field of a form. `mask`
    is how it is masked unless the role says otherwise; `also` are the names under which others show it.
    """

    path: str
    label_zh: str
    label_en: str
    mask: str = "text"
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resource:
    """Something that rights are about.

    `scope` has the fields that a grant's scope and condition may read; None where its records are
    everybody's. `shows` are the resources whose fields its answers show as well. `whole` are the actions that
    are about no single record: no scope narrows them. `record_name` is the key under which answers of others
    hold a whole record.
    """

    key: str
    label_zh: str
    label_en: str
    actions: tuple[Action, ...]
    fields: tuple[GuardedField, ...] = ()
    scope: Fields | None = None
    shows: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    record_name: str = ""

    @property
    def scope_of_records(self) -> Fields:
        """What scopes may read, of a resource whose records are not everybody's."""
        if self.scope is None:
            raise ValueError(f"the records of {self.key} have no scope")
        return self.scope

    @property
    def scoped(self) -> frozenset[str]:
        """The rights that a scope or a condition may narrow."""
        if self.scope is None:
            return frozenset()
        return frozenset(f"{self.key}.{one.key}" for one in self.actions if one.key not in self.whole)

    @property
    def rights(self) -> tuple[str, ...]:
        """Every right on it, in the order of its actions."""
        return tuple(f"{self.key}.{action.key}" for action in self.actions)


def actions(*keys: str, **own: tuple[str, str]) -> tuple[Action, ...]:
    """Actions by their keys; `own` are those that only this resource has, with their labels."""
    named = {key: ACTIONS[key] for key in keys} | own
    return tuple(Action(key, *labels) for key, labels in named.items())


def scope_fields(*declared: Field) -> Fields:
    """What a scope may read: these, and who asks."""
    return Fields({each.key: each for each in declared} | dict(MY_FIELDS))


def resource_of(right: str) -> str:
    """The resource of a right."""
    return right.partition(".")[0]


def leaves_as_it_is(right: str) -> bool:
    """Whether a right only reads."""
    return right.partition(".")[2] in READING
