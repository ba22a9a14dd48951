"""Exposure recomputed from the facts, for comparing with the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from services.common.db import UnitOfWork
from services.reporting.model import fact_allocation, fact_bill, fact_invoice, fact_order, fact_payment

_STAGES = ("reserved", "delivered", "receivable")


def exposure_totals(work: UnitOfWork) -> list[dict[str, Any]]:
    """Exposure by customer and currency, recomputed from the facts, for comparing with the ledger."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}

    def add(statement: Any, names: Sequence[str], sign: int = 1) -> None:
        for row in work.execute(statement).all():
            found_here = tuple(row)
            entry = found.setdefault((str(found_here[0]), str(found_here[1])), {})
            for name, value in zip(names, found_here[2:], strict=True):
                entry[name] = entry.get(name, Decimal(0)) + sign * value

    key = (fact_order.c.customer_id, fact_order.c.currency)
    delivered = func.sum(func.greatest(fact_order.c.delivered - func.greatest(fact_order.c.invoiced, 0), 0))
    add(select(*key, func.sum(fact_order.c.reserved), delivered).group_by(*key), ("reserved", "delivered"))
    for table, counts, sign in (
        (fact_invoice, fact_invoice.c.reversed.is_(False), 1),
        (fact_payment, fact_payment.c.reversed.is_(False), -1),
        (fact_bill, fact_bill.c.status == "pending", 1),
    ):
        columns = (table.c.customer_id, table.c.currency)
        statement = select(*columns, func.sum(table.c.amount)).where(counts)
        add(statement.group_by(*columns), ("receivable",), sign)
    owed = (fact_invoice.c.customer_id, fact_invoice.c.currency)
    written_off = (
        select(*owed, func.sum(fact_allocation.c.amount))
        .join(fact_invoice, fact_invoice.c.id == fact_allocation.c.invoice_id)
        .where(fact_allocation.c.kind == "write_off", fact_invoice.c.reversed.is_(False))
    )
    add(written_off.group_by(*owed), ("receivable",), -1)
    return [
        {"customer_id": customer, "currency": currency, **{n: figures.get(n, Decimal(0)) for n in _STAGES}}
        for (customer, currency), figures in sorted(found.items())
    ]
