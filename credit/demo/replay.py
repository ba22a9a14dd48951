"""Replays a file of settled invoices: customers, approved limits, then every order, invoice and payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from credit.demo.client import Client
from credit.demo.company import Company, Person, Wish
from credit.demo.invoices import CURRENCY, Day, SettledInvoice, days_of, limit_needed

_SOURCE = "replay"
_TERM_DAYS = 30
_HEAD_OFFICE = "RP-HQ"
_APPROVERS = ("rp-manager", "rp-risk", "rp-cfo")

Progress = Callable[[Sequence[Day]], Iterable[Day]]


class ReplayFailed(Exception):
    """A document that must be accepted was not; the text shows the first ones."""


@dataclass
class Summary:
    """What the replay did. Amounts in `CURRENCY`."""

    customers: int = 0
    approvals: int = 0
    days: int = 0
    orders: int = 0
    orders_refused: int = 0
    invoices: int = 0
    invoice_amount: Decimal = Decimal(0)
    payments: int = 0
    payment_amount: Decimal = Decimal(0)
    ever_warned: int = 0
    ever_frozen: int = 0
    unfrozen: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


class Replay:
    """One replay over the public API; each step is a method, `run` does them all."""

    def __init__(self, admin: Client, invoices: Sequence[SettledInvoice]) -> None:
        self._company = Company(admin)
        self._admin = admin
        self._invoices = list(invoices)
        self._days = days_of(invoices)
        self._customer_ids: dict[str, str] = {}
        self.summary = Summary()

    def run(self, progress: Progress) -> Summary:
        """Do the whole replay; `progress` wraps the days, to show how far it is."""
        self._company.open_at(self._days[0].on)
        self.make_people()
        self.make_customers()
        self.make_limits()
        opened: date | None = self._days[0].on
        for day in progress(self._days):
            if day.on != opened:
                self.open_day(day.on)
            opened = None
            self.replay_day(day)
        self._company.settle()
        self.count_consequences()
        return self.summary

    def make_people(self) -> None:
        """One salesperson for each region, and those who approve."""
        regions = sorted({invoice.region for invoice in self._invoices})
        departments = [
            {"code": _HEAD_OFFICE, "name": "重放公司", "head": "rp-cfo"},
            {"code": "RP-SALES", "name": "重放销售部", "parent": _HEAD_OFFICE, "head": "rp-manager"},
            {"code": "RP-RISK", "name": "重放风控财务部", "parent": _HEAD_OFFICE},
        ]
        people = [
            Person("rp-manager", "销售经理", "department_manager", "RP-SALES"),
            Person("rp-risk", "风控专员", "risk_analyst", "RP-RISK"),
            Person("rp-cfo", "财务总监", "cfo", _HEAD_OFFICE),
            Person("rp-finance", "财务专员", "finance", "RP-RISK"),
            *(
                Person(_salesperson(region), f"{region} 区销售", "salesperson", "RP-SALES")
                for region in regions
            ),
        ]
        self._company.hire(departments, people)

    def make_customers(self) -> None:
        """One customer for each customer of the file, made by the salesperson of its region."""
        first = {invoice.customer: invoice for invoice in reversed(self._invoices)}
        for code, invoice in sorted(first.items()):
            owner = _salesperson(invoice.region)
            made = self._company.as_user(owner).post(
                "/customers",
                {
                    "code": code,
                    "name": f"客户 {code}",
                    "region": invoice.region,
                    "salesperson": owner,
                    "department": "RP-SALES",
                },
            )
            self._customer_ids[code] = made["id"]
        self.summary.customers = len(self._customer_ids)

    def make_limits(self) -> None:
        """An application for each customer, as high as its history needed, approved through the real flow."""
        owned: dict[str, list[SettledInvoice]] = defaultdict(list)
        for invoice in self._invoices:
            owned[invoice.customer].append(invoice)
        self._company.apply_for(
            Wish(
                self._customer_ids[code],
                _salesperson(theirs[0].region),
                limit_needed(theirs),
                CURRENCY,
                _TERM_DAYS,
                "按历史最高未清金额申请",
            )
            for code, theirs in sorted(owned.items())
        )
        self.summary.approvals = self._company.approve_everything(_APPROVERS, "历史交易良好, 同意")
        self._company.settle()

    def open_day(self, on: date) -> None:
        """Open a business date, and let what it freezes and frees happen before the day's documents."""
        self._admin.post("/admin/business-date", {"date": on.isoformat()})
        self._company.settle_credit()

    def replay_day(self, day: Day) -> None:
        """Payments first, then orders and invoices, then what is paid on the very day."""
        self.summary.days += 1
        self._pay(day, [invoice for invoice in day.settled if invoice.invoiced_on < day.on])
        self._invoice(day, self._order(day))
        self._pay(day, [invoice for invoice in day.settled if invoice.invoiced_on == day.on])

    def _pay(self, day: Day, settled: Sequence[SettledInvoice]) -> None:
        payments = [
            {
                "payment_no": f"P-{invoice.number}",
                "source": _SOURCE,
                "customer_id": self._customer_ids[invoice.customer],
                "amount": str(invoice.amount),
                "currency": CURRENCY,
                "paid_at": day.on.isoformat(),
                "allocations": [{"invoice_no": invoice.number, "amount": str(invoice.amount)}],
            }
            for invoice in settled
        ]
        self._send("payments", payments, day)
        self.summary.payments += len(payments)
        self.summary.payment_amount += sum((invoice.amount for invoice in settled), Decimal(0))

    def _order(self, day: Day) -> set[str]:
        orders = [
            {
                "order_no": f"SO-{invoice.number}",
                "source": _SOURCE,
                "customer_id": self._customer_ids[invoice.customer],
                "amount": str(invoice.amount),
                "currency": CURRENCY,
                "order_date": day.on.isoformat(),
                "salesperson": _salesperson(invoice.region),
            }
            for invoice in day.invoiced
        ]
        results = self._send("orders", orders, day)
        self.summary.orders += len(orders)
        taken = {order["order_no"] for order, result in zip(orders, results, strict=True) if _taken(result)}
        self.summary.orders_refused += len(orders) - len(taken)
        return taken

    def _invoice(self, day: Day, taken: set[str]) -> None:
        invoices = [
            {
                "invoice_no": invoice.number,
                "source": _SOURCE,
                "customer_id": self._customer_ids[invoice.customer],
                "amount": str(invoice.amount),
                "currency": CURRENCY,
                "invoice_date": day.on.isoformat(),
                "due_date": invoice.due_on.isoformat(),
                # A refused order was delivered all the same: history has its invoice, without an order.
                **({"order_no": f"SO-{invoice.number}"} if f"SO-{invoice.number}" in taken else {}),
            }
            for invoice in day.invoiced
        ]
        self._send("invoices", invoices, day)
        self.summary.invoices += len(invoices)
        self.summary.invoice_amount += sum((invoice.amount for invoice in day.invoiced), Decimal(0))

    def _send(self, kind: str, items: list[dict[str, Any]], day: Day) -> list[dict[str, Any]]:
        if not items:
            return []
        key = f"{_SOURCE}:{kind}:{day.on}:{items[0].get('payment_no') or len(items)}"
        results = self._admin.batch(f"/{kind}:batch", items, key=key)
        wrong = [result for result in results if result["status"] == "error"]
        if wrong:
            raise ReplayFailed(f"{day.on} {kind}: {wrong[:3]}")
        return results

    def count_consequences(self) -> None:
        """Who was ever warned, frozen and unfrozen, as the rules and the ledger kept it."""
        warned, frozen = set(), set()
        for firing in self._admin.pages("/rules/overdue-7-days/firings"):
            warned.add(firing["customer_id"])
        for firing in self._admin.pages("/rules/overdue-30-days/firings"):
            frozen.add(firing["customer_id"])
        mine = set(self._customer_ids.values())
        self.summary.ever_warned = len(warned & mine)
        self.summary.ever_frozen = len(frozen & mine)
        self.summary.unfrozen = sum(
            1 for customer in frozen & mine if not self._admin.get(f"/credit-accounts/{customer}")["frozen"]
        )


def _salesperson(region: str) -> str:
    return f"rp-sales-{region}".lower()


def _taken(result: dict[str, Any]) -> bool:
    return result["status"] in ("reserved", "duplicate")
