"""From events to the star schema: every handler sets what a full snapshot says, so twice is once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, update

from services.common.db import UnitOfWork
from services.common.events import Event
from services.common.snapshots import Snapshots
from services.reporting import model


def _save(work: UnitOfWork, table: Table, row: Mapping[str, Any]) -> None:
    work.part(Snapshots).put(table, row)


def customer_changed(work: UnitOfWork, event: Event) -> None:
    """A customer's attributes."""
    customer = event.data["customer"]
    names = ("code", "name", "region", "salesperson", "department")
    row = {name: customer.get(name) for name in names}
    _save(work, model.dim_customer, {"customer_id": UUID(str(customer["id"])), **row, "deleted": False})


def customer_deleted(work: UnitOfWork, event: Event) -> None:
    """A customer who is gone counts no more; their history stays."""
    row = {"customer_id": UUID(str(event.data["customer_id"])), "deleted": True}
    _save(work, model.dim_customer, row)


def exposure_merged(work: UnitOfWork, event: Event) -> None:
    """Documents of a customer who goes on as another are the other's, as in the ledger."""
    giver, taker = (UUID(str(event.data[name])) for name in ("customer_id", "into_id"))
    work.part(Snapshots).flush()
    for table in (model.fact_order, model.fact_invoice, model.fact_payment, model.fact_bill):
        work.execute(update(table).where(table.c.customer_id == giver).values(customer_id=taker))


def customer_rated(work: UnitOfWork, event: Event) -> None:
    """A customer's grade."""
    row = {"customer_id": UUID(str(event.data["customer_id"])), "grade": event.data["grade"]}
    _save(work, model.dim_customer, row)


def account_changed(work: UnitOfWork, event: Event) -> None:
    """How an account stands, and the limit that it has from this business date on."""
    account = event.data["account"]
    customer_id = UUID(str(account["customer_id"]))
    exposure = account["exposure"]
    limit = None if account["limit"] is None else Decimal(account["limit"])
    stages = {name: Decimal(exposure[name]) for name in ("reserved", "delivered", "receivable")}
    _save(
        work,
        model.account_state,
        {
            "customer_id": customer_id,
            "currency": account["currency"],
            "state": account["state"],
            "frozen": account["frozen"],
            "credit_limit": limit,
            "unlimited": account["unlimited"],
            **stages,
            "available": None if account["available"] is None else Decimal(account["available"]),
            "payment_term_days": account["payment_term_days"],
        },
    )
    _save(
        work,
        model.limit_history,
        {
            "customer_id": customer_id,
            "business_date": date.fromisoformat(account["business_date"]),
            "currency": account["currency"],
            "credit_limit": limit,
            "used": sum(stages.values(), Decimal(0)),
        },
    )
    status = "frozen" if account["frozen"] else account["state"]
    _save(work, model.dim_customer, {"customer_id": customer_id, "credit_status": status})


def credit_granted(work: UnitOfWork, event: Event) -> None:
    """A limit that was granted."""
    grant = event.data["grant"]
    row = {
        "id": UUID(str(grant["id"])),
        "customer_id": UUID(str(event.data["customer_id"])),
        "grant": grant,
        "granted_at": grant["granted_at"],
    }
    _save(work, model.grants, row)


def freeze_changed(work: UnitOfWork, event: Event) -> None:
    """A customer was frozen or unfrozen."""
    data = event.data
    _save(
        work,
        model.freezes,
        {
            "event_id": event.id,
            "customer_id": UUID(str(data["customer_id"])),
            "action": event.name,
            "source": data["source"],
            "reason": data["reason"],
            "business_date": date.fromisoformat(data["business_date"]),
        },
    )


def order_changed(work: UnitOfWork, event: Event) -> None:
    """An order as it stands now."""
    order = event.data["order"]
    amounts = {name: Decimal(order[name]) for name in ("amount", "reserved", "delivered", "invoiced")}
    _save(
        work,
        model.fact_order,
        {
            "id": UUID(str(order["id"])),
            # Who owes; an order that was told before payers counted had none.
            "customer_id": UUID(str(order.get("payer_id") or order["customer_id"])),
            **{name: order[name] for name in ("order_no", "company", "currency", "status")},
            **amounts,
            "order_date": date.fromisoformat(order["order_date"]),
        },
    )


def date_opened(work: UnitOfWork, event: Event) -> None:
    """The business date."""
    work.execute(delete(model.business_date))
    work.execute(insert(model.business_date).values(date=date.fromisoformat(event.data["date"])))


def date_closed(work: UnitOfWork, event: Event) -> None:
    """The root over the ledger's chains at the end of a business date."""
    told = event.data
    row = {"date": date.fromisoformat(told["date"]), "root": told["root"]}
    _save(work, model.ledger_roots, {**row, "before": told["before"], "pools": told["pools"]})
