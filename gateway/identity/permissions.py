"""The rights that exist, and which of them each role begins with."""

from __future__ import annotations

PERMISSIONS: dict[str, tuple[str, ...]] = {
    "customers": ("read", "create", "update", "delete", "import", "export"),
    "applications": ("read", "create", "submit", "withdraw"),
    "flows": ("read", "write", "publish"),
    "tasks": ("read", "act"),
    "instances": ("read",),
    "todos": ("read", "act"),
    "credit": ("read", "grant", "freeze", "unfreeze", "verify", "settings", "rates"),
    "orders": ("read", "check", "create", "change", "release"),
    "deliveries": ("create", "reverse"),
    "invoices": ("read", "create", "reverse"),
    "payments": ("read", "create", "allocate", "reverse"),
    "credit_notes": ("read", "create", "reverse"),
    "write_offs": ("read", "create", "reverse"),
    "disputes": ("read", "open", "resolve"),
    "rules": ("read", "write", "publish"),
    "decisions": ("read",),
    "ratings": ("read", "write"),
    "notifications": ("read",),
    "reports": ("read",),
    "dashboards": ("read", "write"),
    "forms": ("read", "write"),
    "expressions": ("use",),
    "admin": ("users", "departments", "roles", "keys", "audit", "parked", "business_date", "system"),
}
ALL = frozenset(f"{resource}.{action}" for resource, actions in PERMISSIONS.items() for action in actions)

_READING = {
    "customers.read",
    "applications.read",
    "tasks.read",
    "tasks.act",
    "todos.read",
    "todos.act",
    "instances.read",
    "credit.read",
    "orders.read",
    "orders.check",
    "invoices.read",
    "payments.read",
    "credit_notes.read",
    "write_offs.read",
    "disputes.read",
    "decisions.read",
    "ratings.read",
    "rules.read",
    "flows.read",
    "forms.read",
    "notifications.read",
    "reports.read",
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
            | {"applications.withdraw", "orders.create", "orders.change", "customers.export"}
        ),
    ),
    "risk_analyst": (
        "风控专员",
        frozenset(
            _READING
            | {"credit.freeze", "credit.unfreeze", "credit.verify", "orders.release", "rules.write"}
            | {"rules.publish", "ratings.write", "flows.write", "customers.update", "customers.export"}
            | {"dashboards.write", "credit.rates"}
        ),
    ),
    "cfo": (
        "财务总监",
        frozenset(
            _READING
            | {"credit.grant", "credit.freeze", "credit.unfreeze", "credit.verify", "credit.rates"}
            | {"orders.release"}
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
