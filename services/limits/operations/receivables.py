"""Invoices and payments: what happened is recorded, matched, and gives the limit back at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound
from services.common.ids import new_id
from services.common.paging import page
from services.limits import events, store
from services.limits.ledger import Stages
from services.limits.model import invoices, payments
from services.limits.operations import dates
from services.limits.operations.accounts import (
    cure_freezes,
    limit_of,
    lock_customers_of,
    read_accounts,
    require_customer,
    tell_accounts,
)
from services.limits.operations.orders import positive_amount, restage, wanted_columns


def record_invoice(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record an invoice: exposure moves from its order to the receivables, or rises where it has none.

    Answers `{"status": recorded | duplicate, "invoice", "over_limit"}`.
    """
    answer = record_invoice_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["invoice"]["customer_id"]])
    return answer


def foresee_invoices(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new invoices will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    store.read_invoices(work, [(item["source"], item["company"], item["invoice_no"]) for item in items])
    store.read_orders(
        work,
        [(item["source"], item["company"], item["order_no"]) for item in items if item.get("order_no")],
    )
    store.read_matchable(work, customer_ids)
    read_accounts(work, customer_ids)


def record_invoice_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer = require_customer(work, received.get("customer_id"), received.get("customer_code"))
    store.lock_customers(work, [customer["id"]])
    existing = store.document_of(
        work, "invoice", received["source"], received["company"], received["invoice_no"]
    )
    if existing is not None:
        _same_or_conflict(existing, received, customer["id"], "invoice")
        return {"status": "duplicate", "invoice": events.invoice_view(existing)}
    order = _order_of(work, received, customer["id"])
    names = ("source", "company", "invoice_no", "order_no", "amount", "currency", "invoice_date", "due_date")
    invoice = {
        "id": new_id(),
        **{name: received[name] for name in names},
        "customer_id": customer["id"],
        "order_id": order["id"] if order else None,
        "open_amount": received["amount"],
        "salesperson": received.get("salesperson") or customer["salesperson"],
        "status": "open",
        "revision": received["revision"],
        "recorded_at": work.now,
    }
    store.add_invoice(work, invoice)
    pool = store.customer_pool(work, customer["id"], invoice["currency"])
    on = dates.effective_date(work, invoice["invoice_date"], order)
    _post(work, pool, "invoice", "invoice", invoice, Stages(receivable=invoice["amount"]), on)
    if order is not None:
        order["invoiced_total"] += invoice["amount"]
        restage(work, order, "invoice", on)
    touched = _match_named(work, invoice)
    touched |= cover_oldest(work, customer["id"], invoice["currency"])
    invoice = store.documents_by_id(work, "invoice", [invoice["id"]])[invoice["id"]]
    over_limit = _is_over_limit(work, customer["id"], invoice["currency"])
    events.invoice_event(work, "invoice_recorded", invoice, over_limit=over_limit)
    _tell_allocated(work, touched)
    return {"status": "recorded", "invoice": events.invoice_view(invoice), "over_limit": over_limit}


def reverse_invoice(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take an invoice back: its order binds again what it bound, its payments stand on account."""
    invoice = _require(work, "invoice", received)
    if invoice["status"] == "reversed":
        raise Conflict("发票已冲销", code="already_reversed")
    pool = store.customer_pool(work, invoice["customer_id"], invoice["currency"])
    freed = _free_allocations(work, store.allocations_to(work, invoice["id"]))
    invoice.update(status="reversed", open_amount=Decimal(0))
    store.update_invoice(work, invoice["id"], {"status": "reversed", "open_amount": Decimal(0)})
    reversed_stages = Stages(receivable=-invoice["amount"])
    _post(work, pool, "reverse_invoice", "invoice", invoice, reversed_stages)
    order = _order_of(work, invoice, invoice["customer_id"])
    if order is not None:
        order["invoiced_total"] -= invoice["amount"]
        restage(work, order, "reverse_invoice")
    events.invoice_event(work, "invoice_reversed", invoice, reason=received.get("reason"))
    touched = freed | cover_oldest(work, invoice["customer_id"], invoice["currency"])
    _tell_allocated(work, touched)
    cure_freezes(work, invoice["customer_id"])
    tell_accounts(work, [invoice["customer_id"]])
    return {"status": "reversed", "invoice": events.invoice_view(invoice)}


def record_payment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Record a payment, match it as its payer says, else to the oldest due; the rest stays on account.

    Freezes whose cause is paid end in this very transaction. Answers `{"status": recorded | duplicate,
    "payment", "allocations"}`.
    """
    answer = record_payment_locked(work, received)
    if answer["status"] != "duplicate":
        tell_accounts(work, [answer["payment"]["customer_id"]])
    return answer


def foresee_payments(work: UnitOfWork, items: Sequence[Mapping[str, Any]]) -> None:
    """Hold what these new payments will ask for. Locks their customers."""
    customer_ids = lock_customers_of(work, items)
    store.read_payments(work, [(item["source"], item["company"], item["payment_no"]) for item in items])
    named = [
        (item["customer_id"], part["invoice_no"]) for item in items for part in item["allocations"] or ()
    ]
    store.read_named_invoices(work, [(owner, number) for owner, number in named if owner is not None])
    if any(item["allocations"] is None for item in items):
        store.read_open_invoices(work, customer_ids)
    store.read_matchable(work, customer_ids)
    read_accounts(work, customer_ids)


def record_payment_locked(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The same without telling the account, for batches."""
    customer = require_customer(work, received.get("customer_id"), received.get("customer_code"))
    store.lock_customers(work, [customer["id"]])
    existing = store.document_of(
        work, "payment", received["source"], received["company"], received["payment_no"]
    )
    if existing is not None:
        _same_or_conflict(existing, received, customer["id"], "payment")
        return {"status": "duplicate", **_payment_answer(work, existing)}
    wanted = _wanted_allocations(received)
    payment = {
        "id": new_id(),
        **{name: received[name] for name in ("source", "company", "payment_no", "amount", "currency")},
        "customer_id": customer["id"],
        "unallocated": received["amount"],
        "paid_at": received["paid_at"],
        "method": received["method"],
        "status": "recorded",
        "recorded_at": work.now,
    }
    store.add_payment(work, payment)
    pool = store.customer_pool(work, customer["id"], payment["currency"])
    on = dates.effective_date(work, payment["paid_at"])
    _post(work, pool, "payment", "payment", payment, Stages(receivable=-payment["amount"]), on)
    touched = _allocate_named(work, payment, wanted or ())
    touched |= cover_oldest(work, customer["id"], payment["currency"])
    payment = store.documents_by_id(work, "payment", [payment["id"]])[payment["id"]]
    _tell_payment(work, "payment_recorded", payment)
    _tell_allocated(work, touched - {payment["id"]})
    cure_freezes(work, customer["id"])
    return {"status": "recorded", **_payment_answer(work, payment)}


def reverse_payment(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take a payment back: what it paid is open again, and exposure rises by its amount."""
    payment = _require(work, "payment", received)
    if payment["status"] == "reversed":
        raise Conflict("收款已冲销", code="already_reversed")
    pool = store.customer_pool(work, payment["customer_id"], payment["currency"])
    _free_allocations(work, store.allocations_of(work, payment["id"]))
    payment.update(status="reversed", unallocated=Decimal(0))
    store.update_payment(work, payment["id"], {"status": "reversed", "unallocated": Decimal(0)})
    _post(work, pool, "reverse_payment", "payment", payment, Stages(receivable=payment["amount"]))
    events.payment_event(work, "payment_reversed", payment, [], reason=received.get("reason"))
    _tell_allocated(work, cover_oldest(work, payment["customer_id"], payment["currency"]))
    tell_accounts(work, [payment["customer_id"]])
    over_limit = _is_over_limit(work, payment["customer_id"], payment["currency"])
    return {"status": "reversed", "payment": events.payment_view(payment), "over_limit": over_limit}


def list_documents(work: UnitOfWork, kind: str, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of invoices or payments, newest first."""
    table = invoices if kind == "invoice" else payments
    view = events.invoice_view if kind == "invoice" else events.payment_view
    texts = (f"{kind}_no", "status", "source", "company", *(("order_no",) if kind == "invoice" else ()))
    return page(
        work,
        store.documents_with(kind, wanted_columns(received["where"], texts)),
        received,
        sort={"recorded_at": table.c.recorded_at},
        key=table.c.id,
        default_sort="-recorded_at",
        to_item=view,
    )


def match_order(work: UnitOfWork, order: dict[str, Any]) -> None:
    """Match the invoices that named an order before it arrived; they count beside it no longer."""
    found = store.unmatched_invoices(work, order["customer_id"], order["source"], order["order_no"])
    for invoice in found:
        store.update_invoice(work, invoice["id"], {"order_id": order["id"]})
        if invoice["status"] != "reversed":
            order["invoiced_total"] += invoice["amount"]


def _order_of(work: UnitOfWork, named: Mapping[str, Any], customer_id: UUID) -> dict[str, Any] | None:
    if not named.get("order_no"):
        return None
    order = store.order_of(work, named["source"], named["company"], named["order_no"])
    if order is None:
        found = store.find_orders(work, named["order_no"], None, None)
        if len(found) == 1:
            order = store.order_of(work, found[0]["source"], found[0]["company"], named["order_no"])
    if order is None or order["customer_id"] != customer_id or order["currency"] != named["currency"]:
        return None
    return order


def _require(work: UnitOfWork, kind: str, received: Mapping[str, Any]) -> dict[str, Any]:
    found = store.find_documents(work, kind, received["number"], received)
    word = "发票" if kind == "invoice" else "收款"
    if not found:
        raise NotFound(f"没有这张{word}单据", code=f"unknown_{kind}")
    if len(found) > 1:
        raise Conflict("有多个来源使用该单号, 请给出 source 与 company", code="document_ambiguous")
    store.lock_customers(work, [found[0]["customer_id"]])
    row = store.document_of(work, kind, found[0]["source"], found[0]["company"], received["number"])
    if row is None:
        raise NotFound(f"没有这张{word}单据", code=f"unknown_{kind}")
    return row


def _same_or_conflict(
    existing: Mapping[str, Any], received: Mapping[str, Any], customer_id: UUID, kind: str
) -> None:
    same = existing["customer_id"] == customer_id and existing["amount"] == received["amount"]
    older = received["revision"] < existing.get("revision", 1)
    if not older and not (same and existing["currency"] == received["currency"]):
        raise Conflict("该单号已存在, 内容不同", code=f"{kind}_exists")


def _wanted_allocations(received: Mapping[str, Any]) -> list[tuple[str, Decimal]] | None:
    if received.get("allocations") is None:
        return None
    wanted = [
        (part["invoice_no"], positive_amount(part["amount"], received["currency"]))
        for part in received["allocations"]
    ]
    if sum((amount for _, amount in wanted), Decimal(0)) > received["amount"]:
        error = {"field": "allocations", "code": "allocations_exceed", "message": "核销合计大于收款金额"}
        raise Invalid("核销合计大于收款金额", code="allocations_exceed", errors=[error])
    if len({number for number, _ in wanted}) != len(wanted):
        error = {"field": "allocations", "code": "allocation_twice", "message": "同一发票出现两次"}
        raise Invalid("同一发票出现两次", code="allocation_twice", errors=[error])
    return wanted


def _allocate_named(
    work: UnitOfWork, payment: dict[str, Any], wanted: Sequence[tuple[str, Decimal]]
) -> set[UUID]:
    """Pay what the payer names; what has not arrived is kept for it. Returns the payments it displaced."""
    touched: set[UUID] = set()
    found = store.invoices_named(work, payment["customer_id"], [number for number, _ in wanted])
    for number, amount in wanted:
        invoice = found.get(number)
        if invoice is None:
            _add_allocation(work, payment, number, None, amount)
        elif invoice["currency"] == payment["currency"] and invoice["status"] != "reversed":
            touched |= _displace(work, invoice, amount)
            _pay(work, payment, invoice, min(amount, invoice["open_amount"]))
    return touched


def _match_named(work: UnitOfWork, invoice: dict[str, Any]) -> set[UUID]:
    """Match payments that named this invoice before it came; returns them."""
    named = store.waiting_allocations(work, invoice["customer_id"], invoice["invoice_no"])
    payments_by_id = store.documents_by_id(work, "payment", [row["payment_id"] for row in named])
    matching = [row for row in named if payments_by_id[row["payment_id"]]["currency"] == invoice["currency"]]
    for row in sorted(matching, key=lambda row: store.payment_order(payments_by_id[row["payment_id"]])):
        payment = payments_by_id[row["payment_id"]]
        store.delete_allocations(work, [row["id"]])
        _pay(work, payment, invoice, min(row["amount"], invoice["open_amount"], payment["unallocated"]))
    return {row["payment_id"] for row in matching}


def cover_oldest(work: UnitOfWork, customer_id: UUID, currency: str) -> set[UUID]:
    """Let the money that nobody has assigned cover what was due first; returns the payments it moved.

    However the documents came: what an older invoice lacks is taken back from newer ones.
    """
    touched: set[UUID] = set()
    paying = store.on_account_payments(work, customer_id, currency)
    free = {payment["id"]: payment["unallocated"] - _promised(work, payment) for payment in paying}
    if not any(free.values()) and not store.has_automatic(work, customer_id):
        return touched
    lacking = store.open_invoices(work, customer_id, currency)
    for payment in paying:
        for invoice in lacking:
            part = min(free[payment["id"]], invoice["open_amount"])
            if part > 0:
                _pay(work, payment, invoice, part, automatic=True)
                free[payment["id"]] -= part
                touched.add(payment["id"])
    lacking = [invoice for invoice in lacking if invoice["open_amount"]]
    if not lacking:
        return touched
    covered = store.covered_from(work, customer_id, currency, lacking[0]["due_date"])
    order = store.invoice_order
    for invoice in lacking:
        while invoice["open_amount"] and covered and order(covered[-1]) > order(invoice):
            moved = _displace(work, covered[-1], covered[-1]["open_amount"] + invoice["open_amount"])
            if not moved:
                covered.pop()
                continue
            for payment in store.documents_by_id(work, "payment", moved).values():
                back = payment["unallocated"] - _promised(work, payment)
                _pay(work, payment, invoice, min(back, invoice["open_amount"]), automatic=True)
            touched |= moved
    return touched


def _displace(work: UnitOfWork, invoice: dict[str, Any], wanted: Decimal) -> set[UUID]:
    """Take back from an invoice what nobody has assigned to it, until so much of it is open.

    The latest payment gives way first. Returns the payments that have their money back.
    """
    short = min(wanted, invoice["amount"]) - invoice["open_amount"]
    if short <= 0:
        return set()
    rows = [row for row in store.allocations_to(work, invoice["id"]) if row["automatic"]]
    payers = store.documents_by_id(work, "payment", [row["payment_id"] for row in rows])
    touched: set[UUID] = set()
    for row in sorted(rows, key=lambda row: store.payment_order(payers[row["payment_id"]]), reverse=True):
        part = min(short, row["amount"])
        if not part:
            break
        payment = payers[row["payment_id"]]
        if part == row["amount"]:
            store.delete_allocations(work, [row["id"]])
        else:
            store.change_allocation(work, row["id"], row["amount"] - part)
        short -= part
        _move(work, payment, invoice, -part)
        touched.add(payment["id"])
    return touched


def _promised(work: UnitOfWork, payment: Mapping[str, Any]) -> Decimal:
    """What of a payment is kept for invoices that its payer named and that have not arrived."""
    waiting = [
        row["amount"] for row in store.allocations_of(work, payment["id"]) if row["invoice_id"] is None
    ]
    return sum(waiting, Decimal(0))


def _pay(
    work: UnitOfWork,
    payment: dict[str, Any],
    invoice: dict[str, Any],
    part: Decimal,
    *,
    automatic: bool = False,
) -> None:
    if part > 0:
        _move(work, payment, invoice, part)
        _add_allocation(work, payment, invoice["invoice_no"], invoice["id"], part, automatic=automatic)


def _move(work: UnitOfWork, payment: dict[str, Any], invoice: dict[str, Any], part: Decimal) -> None:
    """Bring both documents in line with a part of the payment that goes to the invoice, or back."""
    payment["unallocated"] -= part
    invoice["open_amount"] -= part
    invoice["status"] = "open" if invoice["open_amount"] else "paid"
    store.update_invoice(
        work, invoice["id"], {"open_amount": invoice["open_amount"], "status": invoice["status"]}
    )
    store.update_payment(work, payment["id"], {"unallocated": payment["unallocated"]})


def _add_allocation(
    work: UnitOfWork,
    payment: Mapping[str, Any],
    number: str,
    invoice_id: UUID | None,
    amount: Decimal,
    *,
    automatic: bool = False,
) -> None:
    row = {
        "id": new_id(),
        "payment_id": payment["id"],
        "invoice_id": invoice_id,
        "customer_id": payment["customer_id"],
        "invoice_no": number,
        "amount": amount,
        "allocated_on": payment["paid_at"],
        "automatic": automatic,
    }
    store.add_allocations(work, [row])


def _free_allocations(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Undo allocations; returns the payments that they belonged to."""
    store.delete_allocations(work, [row["id"] for row in rows])
    matched = [row for row in rows if row["invoice_id"] is not None]
    freed = store.documents_by_id(work, "payment", [row["payment_id"] for row in matched])
    opened = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in matched])
    for row in matched:
        _move(work, freed[row["payment_id"]], opened[row["invoice_id"]], -row["amount"])
    return set(freed)


def _tell_allocated(work: UnitOfWork, payment_ids: Iterable[UUID]) -> None:
    """Tell how these payments are allocated now."""
    for payment in store.documents_by_id(work, "payment", sorted(payment_ids)).values():
        _tell_payment(work, "payment_allocated", payment)


def _tell_payment(work: UnitOfWork, name: str, payment: Mapping[str, Any]) -> None:
    events.payment_event(work, name, payment, _payment_answer(work, payment)["allocations"])


def _payment_answer(work: UnitOfWork, payment: Mapping[str, Any]) -> dict[str, Any]:
    rows = store.allocations_of(work, payment["id"])
    paid = store.documents_by_id(work, "invoice", [row["invoice_id"] for row in rows if row["invoice_id"]])
    return {
        "payment": events.payment_view(payment),
        "allocations": [events.allocation_view(row, paid.get(row["invoice_id"])) for row in rows],
    }


def _is_over_limit(work: UnitOfWork, customer_id: UUID, currency: str) -> bool:
    limit = limit_of(work, customer_id, currency, dates.today(work))
    pool = store.customer_pool(work, customer_id, currency)
    exposure = pool["reserved"] + pool["delivered"] + pool["receivable"]
    available = limit.available(exposure)
    return bool(available is not None and available < 0)


def _post(
    work: UnitOfWork,
    pool: dict[str, Any],
    action: str,
    kind: str,
    document: Mapping[str, Any],
    delta: Stages,
    effective_date: date | None = None,
) -> None:
    entry = {
        "customer_id": document["customer_id"],
        "action": action,
        "document_type": kind,
        "document_id": document["id"],
        "document_no": document[f"{kind}_no"],
        "effective_date": effective_date or dates.today(work),
    }
    store.post_entry(work, pool, entry, delta)
