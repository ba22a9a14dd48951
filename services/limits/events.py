"""What the limit ledger publishes, and its own copy of what it listens to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.limits.ledger import guarantee_of

_ORDER_FIELDS = (
    "id",
    "order_no",
    "source",
    "company",
    "customer_id",
    "order_date",
    "delivery_date",
    "salesperson",
    "currency",
    "status",
    "revision",
)
_INVOICE_FIELDS = (
    "id",
    "invoice_no",
    "source",
    "company",
    "customer_id",
    "order_no",
    "currency",
    "invoice_date",
    "due_date",
    "salesperson",
    "status",
)
_PAYMENT_FIELDS = (
    "id",
    "payment_no",
    "source",
    "company",
    "customer_id",
    "currency",
    "paid_at",
    "method",
    "status",
)


def order_view(order: Mapping[str, Any]) -> dict[str, Any]:
    """An order as callers and subscribers see it; amounts as text in its currency."""
    currency = order["currency"]
    amounts = {
        "amount": order["amount"],
        "reserved": order["reserved"],
        "delivered": order["delivered_total"],
        "invoiced": order["invoiced_total"],
    }
    return {
        **{name: order[name] for name in _ORDER_FIELDS},
        **{name: format_amount(amount, currency) for name, amount in amounts.items()},
    }


def invoice_view(invoice: Mapping[str, Any]) -> dict[str, Any]:
    """An invoice as callers and subscribers see it."""
    currency = invoice["currency"]
    return {
        **{name: invoice[name] for name in _INVOICE_FIELDS},
        "amount": format_amount(invoice["amount"], currency),
        "open_amount": format_amount(invoice["open_amount"], currency),
    }


def payment_view(payment: Mapping[str, Any]) -> dict[str, Any]:
    """A payment as callers and subscribers see it."""
    currency = payment["currency"]
    return {
        **{name: payment[name] for name in _PAYMENT_FIELDS},
        "amount": format_amount(payment["amount"], currency),
        "unallocated": format_amount(payment["unallocated"], currency),
    }


def grant_view(grant: Mapping[str, Any]) -> dict[str, Any]:
    """A grant as callers and subscribers see it."""
    names = ("id", "kind", "change", "unlimited", "currency", "valid_from", "valid_to", "term_days")
    amount = grant["amount"]
    return {
        **{name: grant[name] for name in names},
        "amount": None if amount is None else format_amount(amount, grant["currency"]),
        "application_id": grant["application_id"],
        "reason": grant["reason"],
        "replaced_on": grant["replaced_on"],
        "granted_by": grant["granted_by"],
        "granted_at": grant["granted_at"],
    }


_GUARANTEE_FIELDS = (
    "id",
    "customer_id",
    "kind",
    "currency",
    "provider",
    "reference",
    "valid_from",
    "valid_to",
    "reason",
    "accepted_by",
    "accepted_at",
    "released_on",
    "released_by",
    "release_reason",
)


def guarantee_view(guarantee: Mapping[str, Any]) -> dict[str, Any]:
    """A guarantee as callers and subscribers see it; `accepted` is what it adds to the limit."""
    accepted = guarantee_of(guarantee).accepted
    return {
        **{name: guarantee[name] for name in _GUARANTEE_FIELDS},
        "value": format_amount(guarantee["value"], guarantee["currency"]),
        "accepted_percent": f"{guarantee['accepted_percent'].normalize():f}",
        "accepted": format_amount(accepted, guarantee["currency"]),
    }


def allocation_view(allocation: Mapping[str, Any], invoice: Mapping[str, Any] | None) -> dict[str, Any]:
    """A part of a payment and the invoice that it pays; the dates are empty while that has not arrived."""
    return {
        "invoice_id": allocation["invoice_id"],
        "invoice_no": allocation["invoice_no"],
        "amount": allocation["amount"],
        "allocated_on": allocation["allocated_on"],
        "due_date": None if invoice is None else invoice["due_date"],
        "invoice_date": None if invoice is None else invoice["invoice_date"],
    }


def order_event(
    work: UnitOfWork, name: str, order: Mapping[str, Any], decision: Any = None, **extra: Any
) -> None:
    """`order_reserved`, `order_held`, `order_refused`, `order_amended`, `order_cancelled` and so on."""
    work.add_event(
        name,
        subject=order["id"],
        ordering_key=order["customer_id"],
        data={"order": order_view(order), "decision": decision, **extra},
    )


def invoice_event(work: UnitOfWork, name: str, invoice: Mapping[str, Any], **extra: Any) -> None:
    """`invoice_recorded` or `invoice_reversed`."""
    work.add_event(
        name,
        subject=invoice["id"],
        ordering_key=invoice["customer_id"],
        data={"invoice": invoice_view(invoice), **extra},
    )


def payment_event(
    work: UnitOfWork,
    name: str,
    payment: Mapping[str, Any],
    allocations: Sequence[Mapping[str, Any]],
    **extra: Any,
) -> None:
    """`payment_recorded`, `payment_allocated` or `payment_reversed`, with the whole of its allocations."""
    work.add_event(
        name,
        subject=payment["id"],
        ordering_key=payment["customer_id"],
        data={"payment": payment_view(payment), "allocations": list(allocations), **extra},
    )


def credit_granted(work: UnitOfWork, customer_id: UUID, grant: Mapping[str, Any]) -> None:
    """A limit was granted."""
    work.add_event(
        "credit_granted",
        subject=grant["id"],
        ordering_key=customer_id,
        data={"customer_id": customer_id, "grant": grant_view(grant)},
    )


def guarantee_event(work: UnitOfWork, name: str, guarantee: Mapping[str, Any]) -> None:
    """`guarantee_accepted` or `guarantee_released`."""
    work.add_event(
        name,
        subject=guarantee["id"],
        ordering_key=guarantee["customer_id"],
        data={"customer_id": guarantee["customer_id"], "guarantee": guarantee_view(guarantee)},
    )


def account_changed(work: UnitOfWork, account: Mapping[str, Any]) -> None:
    """An account's limit, exposure, freezes or overdue items are other than they were."""
    customer_id = account["customer_id"]
    work.add_event(
        "account_changed", subject=customer_id, ordering_key=customer_id, data={"account": account}
    )


def freeze_changed(
    work: UnitOfWork, name: str, freeze: Mapping[str, Any], on: date, reason: str | None
) -> None:
    """`customer_frozen` or `customer_unfrozen`."""
    customer_id = freeze["customer_id"]
    work.add_event(
        name,
        subject=customer_id,
        ordering_key=customer_id,
        data={
            "customer_id": customer_id,
            "source": freeze["source"],
            "reason": reason,
            "by": work.caller.actor,
            "business_date": on,
        },
    )


def business_date_opened(work: UnitOfWork, on: date) -> None:
    """A business day has begun."""
    work.add_event(
        "business_date_opened", subject=on.isoformat(), ordering_key="business-date", data={"date": on}
    )


def business_date_closed(work: UnitOfWork, on: date, *, root: str, before: str | None, pools: int) -> None:
    """A business day is over: the root over the chains of all pools, which covers the root before it.

    `pools` is how many had new entries.
    """
    work.add_event(
        "business_date_closed",
        subject=on.isoformat(),
        ordering_key="business-date",
        data={"date": on, "root": root, "before": before, "pools": pools},
    )


def customer_aged(work: UnitOfWork, customer_id: UUID, data: Mapping[str, Any]) -> None:
    """A customer is overdue on a business date, with every open item that is."""
    work.add_event(
        "customer_aged",
        subject=customer_id,
        ordering_key=customer_id,
        data={"customer_id": customer_id, **data},
    )


def customer_copy(customer: Mapping[str, Any], *, active: bool = True) -> dict[str, Any]:
    """What the customer service tells of a customer, as the ledger keeps it."""
    group = customer.get("group_id")
    return {
        "id": UUID(str(customer["id"])),
        "code": customer["code"],
        "name": customer["name"],
        "salesperson": customer.get("salesperson"),
        "department": customer.get("department"),
        "group_id": None if group is None else UUID(str(group)),
        "active": active,
    }
