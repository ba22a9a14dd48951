"""The catalogue of all rights, as the services declare them, and which of them each role begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from services.application import rights as application
from services.common.forms.rights import PREFIX
from services.common.rights import Resource, actions, resource_of
from services.customer import rights as customer
from services.limits import rights as limits
from services.reporting import rights as reporting
from services.risk_rules import rights as risk_rules
from services.workflow import rights as workflow

# The role that has every right.
ADMIN = "admin"
_ADMIN = Resource(
    "admin",
    "系统管理",
    "Administration",
    actions(
        users=("用户", "Users"),
        departments=("部门", "Departments"),
        roles=("角色与权限", "Roles and rights"),
        preview=("以用户身份预览", "See what somebody else sees"),
        keys=("API 密钥", "API keys"),
        audit=("审计日志", "Audit trail"),
        parked=("搁置事件", "Parked events"),
        business_date=("业务日期", "Business date"),
        system=("系统运行", "System"),
    ),
)
_OWN = (
    Resource("notifications", "通知", "Notifications", actions("read")),
    Resource("expressions", "表达式", "Expressions", actions("use")),
    _ADMIN,
)
_OF_SERVICES = {
    "customer": customer.RESOURCES,
    "application": application.RESOURCES,
    "workflow": workflow.RESOURCES,
    "limits": limits.RESOURCES,
    "risk_rules": risk_rules.RESOURCES,
    "reporting": reporting.RESOURCES,
}


@dataclass(frozen=True)
class Catalogue:
    """Resources by their keys, and the service that keeps the records of each."""

    resources: Mapping[str, Resource]
    services: Mapping[str, str]

    @cached_property
    def rights(self) -> frozenset[str]:
        """Every right there is."""
        return frozenset(right for resource in self.resources.values() for right in resource.rights)

    @cached_property
    def scoped(self) -> frozenset[str]:
        """The rights that a scope or a condition may narrow."""
        return frozenset(right for resource in self.resources.values() for right in resource.scoped)

    @cached_property
    def of_forms(self) -> frozenset[str]:
        """The rights on the records of forms that people define."""
        return frozenset(right for right in self.rights if right.startswith(PREFIX))

    def resource_of(self, right: str) -> Resource | None:
        """The resource of a right that exists."""
        resource = self.resources.get(resource_of(right))
        return resource if resource is not None and right in resource.rights else None


CATALOGUE: Mapping[str, Resource] = {
    resource.key: resource for resources in (*_OF_SERVICES.values(), _OWN) for resource in resources
}
SERVICE_OF = {resource.key: name for name, resources in _OF_SERVICES.items() for resource in resources}
# What the services declare; `gateway.identity.forms` adds the forms that people define.
STATIC = Catalogue(CATALOGUE, SERVICE_OF)
ALL = STATIC.rights
SCOPED = STATIC.scoped

_READING = {
    "customers.read",
    "applications.read",
    "tasks.read",
    "tasks.approve",
    "tasks.reject",
    "tasks.return",
    "tasks.act",
    "todos.read",
    "todos.act",
    "instances.read",
    "instances.start",
    "instances.withdraw",
    "credit.read",
    "orders.read",
    "orders.check",
    "invoices.read",
    "payments.read",
    "credit_notes.read",
    "write_offs.read",
    "disputes.read",
    "overrides.read",
    "decisions.read",
    "ratings.read",
    "rules.read",
    "rules.test",
    "firings.read",
    "flows.read",
    "flows.simulate",
    "forms.read",
    "notifications.read",
    "reports.read",
    "reports.export",
    "dashboards.read",
    "expressions.use",
}

ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "admin": ("系统管理员", ALL),
    "salesperson": (
        "销售",
        frozenset(
            _READING
            | {
                "customers.create",
                "customers.update",
                "customers.share",
                "applications.share",
                "applications.create",
                "applications.submit",
                "applications.withdraw",
                "orders.create",
                "orders.change",
                "deliveries.create",
                "disputes.open",
            }
        ),
    ),
    "department_manager": (
        "部门经理",
        frozenset(
            _READING
            | {"customers.create", "customers.update", "applications.create", "applications.submit"}
            | {"customers.share", "applications.share"}
            | {"applications.withdraw", "orders.create", "orders.change", "customers.export"}
        ),
    ),
    "risk_analyst": (
        "风控专员",
        frozenset(
            _READING
            | {"credit.freeze", "credit.unfreeze", "credit.verify", "orders.release", "rules.write"}
            | {"rules.publish", "ratings.write", "flows.write", "customers.update", "customers.export"}
            | {"customers.lists", "customers.merge"}
            | {"dashboards.write", "credit.rates"}
        ),
    ),
    "cfo": (
        "财务总监",
        frozenset(
            _READING
            | {"credit.grant", "credit.freeze", "credit.unfreeze", "credit.verify", "credit.rates"}
            | {"orders.release", "overrides.grant", "overrides.reverse"}
            | {"customers.lists"}
            | {"customers.export", "flows.publish", "rules.publish", "dashboards.write"}
            | {"write_offs.create", "write_offs.reverse", "disputes.resolve"}
        ),
    ),
    "finance": (
        "财务",
        frozenset(
            _READING
            | {"invoices.create", "invoices.reverse", "payments.create", "payments.reverse"}
            | {"payments.allocate", "credit_notes.create", "credit_notes.reverse", "deliveries.reverse"}
            | {"disputes.open", "disputes.resolve"}
            | {"orders.create", "orders.change", "deliveries.create", "credit.freeze", "credit.verify"}
            | {"customers.export", "credit.rates"}
        ),
    ),
}
