"""ERP documents come twice, late and in disorder: the ledger ends the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.common.caller import service_caller
from services.common.db import UnitOfWork
from services.limits import model, store
from services.limits.operations import accounts, intake, verification
from tests.integration.limits.conftest import TODAY, Ledger

Document = tuple[str, dict[str, Any]]
_DAYS = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in (1, 10, 20)]
# The invoices that name no date fall due between those that do.
_TERM = {
    "kind": "instalments",
    "parts": [{"percent": "20", "days": 5}, {"percent": "50", "days": 35}, {"percent": "30", "days": 70}],
}
# On both sides of the credit horizon.
_DELIVERIES = ["2026-03-05", "2026-09-01"]
_amounts = st.integers(1, 500).map(lambda units: f"{units}.00")


def _of(customer: UUID, **body: Any) -> dict[str, Any]:
    return {"source": "erp", "customer_id": str(customer), "currency": "CNY", **body}


@st.composite
def histories(draw: st.DrawFn) -> list[Document]:
    """A customer's documents; what payments name fits into their invoices."""
    customer = uuid4()
    documents: list[Document] = []
    for number in range(draw(st.integers(0, 2))):
        documents += draw(_orders(customer, f"SO-{number}"))
    left: dict[str, Decimal] = {}
    for number in range(draw(st.integers(0, 4))):
        amount = draw(_amounts)
        named = {"order_no": f"SO-{draw(st.integers(0, 2))}"} if draw(st.booleans()) else {}
        dates = {"invoice_date": "2026-01-01", "due_date": draw(st.sampled_from([*_DAYS, None]))}
        invoice = _of(customer, invoice_no=f"I-{number}", amount=amount, **dates, **named)
        documents.append(("invoice.issued", invoice))
        if draw(st.integers(0, 4)) == 0:
            documents.append(("invoice.reversed", {"source": "erp", "invoice_no": f"I-{number}"}))
        else:
            left[f"I-{number}"] = Decimal(amount)
    for number in range(draw(st.integers(0, 4))):
        documents += draw(_money(customer, "payment", f"P-{number}", left))
    for number in range(draw(st.integers(0, 2))):
        documents += draw(_money(customer, "credit_note", f"P-{number}", left))
    return [(key, {**body, "event_id": f"E-{place}"}) for place, (key, body) in enumerate(documents)]


@st.composite
def _orders(draw: st.DrawFn, customer: UUID, name: str) -> list[Document]:
    order = _of(customer, order_no=name, amount=draw(_amounts), order_date="2026-01-01", revision=1)
    order["delivery_date"] = draw(st.sampled_from([*_DELIVERIES, None]))
    documents: list[Document] = [("order.created", order)]
    if draw(st.booleans()):
        amended = {"amount": draw(_amounts), "delivery_date": draw(st.sampled_from([*_DELIVERIES, None]))}
        documents.append(("order.amended", {**order, **amended, "revision": 2}))
        if draw(st.booleans()):
            documents.append(("order.amended", {**order, "revision": 3}))
    for delivery in range(draw(st.integers(0, 2))):
        delivered = {"source": "erp", "order_no": name, "delivery_no": f"D-{delivery}"}
        documents.append(("order.delivered", {**delivered, "amount": draw(_amounts)}))
    if draw(st.booleans()):
        returned = {"source": "erp", "order_no": name, "return_no": "R", "amount": draw(_amounts)}
        documents.append(("order.returned", returned))
    if draw(st.booleans()):
        ended = draw(st.sampled_from(["order.cancelled", "order.closed"]))
        documents.append((ended, {"source": "erp", "order_no": name, "revision": 4}))
        if draw(st.booleans()):
            documents.append(("order.reopened", {"source": "erp", "order_no": name, "revision": 5}))
    return documents


@st.composite
def _money(draw: st.DrawFn, customer: UUID, kind: str, name: str, left: dict[str, Decimal]) -> list[Document]:
    amount, dated = draw(_amounts), "paid_at" if kind == "payment" else "credit_note_date"
    money = _of(customer, amount=amount, **{f"{kind}_no": name, dated: draw(st.sampled_from(_DAYS))})
    if kind == "credit_note" and draw(st.booleans()):
        money["order_no"] = f"SO-{draw(st.integers(0, 2))}"
    if kind == "payment" and draw(st.integers(0, 2)) == 0:
        money |= {"method": "acceptance_bill", "bill": {"number": name, "due_date": "2026-06-30"}}
    if left and draw(st.booleans()):
        invoice_no = draw(st.sampled_from(sorted(left)))
        part = min(left[invoice_no], Decimal(amount))
        if part:
            left[invoice_no] -= part
            money["allocations"] = [{"invoice_no": invoice_no, "amount": str(part)}]
    documents: list[Document] = [(f"{kind}.{'received' if kind == 'payment' else 'issued'}", money)]
    if draw(st.integers(0, 4)) == 0:
        documents.append((f"{kind}.reversed", {"source": "erp", f"{kind}_no": name}))
    return documents


def _applied(ledger: Ledger, documents: list[Document], batch: int) -> dict[str, Any]:
    """What the ledger holds after these documents, for a customer of its own, in batches of this size."""
    customer, tag = uuid4(), uuid4().hex[:12]
    with ledger.database.begin(service_caller("limits")) as work:
        row = {"id": customer, "code": tag, "name": tag, "salesperson": None, "department": None}
        store.save_customer(work, {**row, "group_id": None, "active": True})
    ledger.grant("100000.00", customer_id=str(customer), term=_TERM, term_days=None)
    own = [(key, _renamed(body, customer, tag)) for key, body in documents]
    for start in range(0, len(own), batch):
        with ledger.database.begin(service_caller("limits", "erp")) as work:
            intake.foresee(work, own[start : start + batch])
            for key, body in own[start : start + batch]:
                intake.apply_document(work, key, dict(body))
    return ledger.do(_end_state, customer)


def _renamed(body: dict[str, Any], customer: UUID, tag: str) -> dict[str, Any]:
    renamed = {**body, "source": tag}
    if "customer_id" in body:
        renamed["customer_id"] = str(customer)
    return renamed


def _end_state(work: UnitOfWork, customer: UUID) -> dict[str, Any]:
    account = accounts.get_account(work, customer)
    invoices, orders = model.invoices, model.orders
    open_rows = work.execute(
        select(invoices.c.invoice_no, invoices.c.open_amount, invoices.c.status)
        .where(invoices.c.customer_id == customer)
        .order_by(invoices.c.invoice_no)
    ).all()
    columns = ("order_no", "status", "amount", "delivery_date", "reserved", "delivered")
    order_rows = work.execute(
        select(*(orders.c[name] for name in columns))
        .where(orders.c.customer_id == customer)
        .order_by(orders.c.order_no)
    ).all()
    names = ("exposure", "available", "overdue", "state")
    return {
        **{name: account[name] for name in names},
        "invoices": [tuple(row) for row in open_rows],
        "orders": [tuple(row) for row in order_rows],
    }


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 7))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_end_is_the_same_in_any_order_with_duplicates_in_any_batches(
    ledger: Ledger, documents: list[Document], random: Any, batch: int
) -> None:
    ledger.configure(horizon_days=30, disputes_are_overdue=True)
    in_order = _applied(ledger, documents, 1)
    shuffled = [*documents, *random.sample(documents, len(documents) // 2)]
    random.shuffle(shuffled)
    assert _applied(ledger, shuffled, batch) == in_order
    assert ledger.do(verification.verify)["differences"] == []


def test_nothing_differs_from_what_it_is_made_of_afterwards(ledger: Ledger) -> None:
    due = {"invoice_date": "2026-01-01"}
    customer = uuid4()
    documents: list[Document] = [
        ("payment.received", _of(customer, payment_no="P", amount="300.00", paid_at=TODAY.isoformat())),
        ("invoice.issued", _of(customer, invoice_no="late", amount="200.00", due_date="2026-03-20", **due)),
        ("invoice.issued", _of(customer, invoice_no="early", amount="250.00", due_date="2026-01-10", **due)),
    ]
    addressed = [(key, {**body, "event_id": f"E-{place}"}) for place, (key, body) in enumerate(documents)]
    found = _applied(ledger, addressed, 1)
    assert found["invoices"] == [("early", 0, "paid"), ("late", 150, "open")], (
        "the oldest due is covered first"
    )
    assert ledger.do(verification.verify)["differences"] == []
