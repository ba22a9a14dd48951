"""What every query of customers stands on: which rows there are, and whose they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from services.common.scopes import Owned
from services.customer import rights
from services.customer.model import customer_credit, customers

Row = dict[str, Any]
alive = customers.c.deleted_at.is_(None)
with_credit = customers.outerjoin(customer_credit, customer_credit.c.customer_id == customers.c.id)
OWNED = Owned(
    fields=rights.CUSTOMERS.scope_of_records,
    columns={
        **{name: customers.c[name] for name in ("id", "code", "name", "region", "salesperson", "department")},
        "grade": customer_credit.c.grade,
        "credit_status": func.coalesce(customer_credit.c.credit_status, "unset"),
        "credit_limit": customer_credit.c.credit_limit,
    },
    owners=("salesperson",),
    departments=("department",),
    ids=("id",),
)
