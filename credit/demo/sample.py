"""An invented Chinese company: forty customers, a year of trade, everything made by one seeded generator."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from credit.demo.client import Client
from credit.demo.company import Company, Person, Wish

SEED = 20260101
DAYS = 365
CUSTOMERS = 40
PASSWORD = "demo-2026-credit"  # noqa: S105 - the demo's people are to be signed in as; shown when it ends
_SOURCE = "demo"
_TERM_DAYS = 30
_APPROVERS = ("zhou.jingli", "wu.fengkong", "zheng.zongjian")
_SALES = {"chen.jing": "陈静", "li.na": "李娜", "wang.lei": "王磊", "zhao.min": "赵敏"}
_REGIONS = {"华东": "上海", "华南": "广州", "华北": "北京", "西南": "成都"}
_WORDS = ("恒信", "瑞丰", "华盛", "天成", "金桥", "东方", "宏达", "永泰", "新海", "中联")
_TRADES = ("贸易有限公司", "机电设备有限公司", "建材有限公司", "食品有限公司")
# How late each kind of customer pays, in days after the due date, and how many of ten are of the kind.
_HABITS: tuple[tuple[str, int, int, int], ...] = (
    ("prompt", -8, 0, 4),
    ("slow", 0, 12, 3),
    ("late", 8, 28, 2),
    ("bad", 25, 50, 1),
)

_DEPARTMENTS: tuple[dict[str, str], ...] = (
    {"code": "GS", "name": "示例公司", "head": "zheng.zongjian"},
    {"code": "XS", "name": "销售部", "parent": "GS", "head": "zhou.jingli"},
    {"code": "FK", "name": "风控财务部", "parent": "GS"},
)
_PEOPLE = (
    Person("zhou.jingli", "周经理", "department_manager", "XS"),
    Person("wu.fengkong", "吴风控", "risk_analyst", "FK"),
    Person("zheng.zongjian", "郑总监", "cfo", "GS"),
    Person("sun.caiwu", "孙财务", "finance", "FK"),
    *(Person(username, name, "salesperson", "XS") for username, name in _SALES.items()),
)

Progress = Callable[[Sequence[date]], Iterable[date]]


@dataclass(frozen=True)
class Trade:
    """One order, its invoice on the same day, and its payment."""

    customer: str
    number: str
    ordered_on: date
    paid_on: date
    amount: Decimal


@dataclass(frozen=True)
class Debtor:
    """One invented customer. `limit` is None for those who never asked for one."""

    code: str
    name: str
    region: str
    salesperson: str
    limit: Decimal | None
    trades: tuple[Trade, ...]


def invent(first: date, seed: int = SEED, customers: int = CUSTOMERS, days: int = DAYS) -> list[Debtor]:
    """The forty customers and their year from a date on; the same seed gives the same company."""
    dice = random.Random(seed)
    habits = [habit for habit in _HABITS for _ in range(habit[3])]
    debtors = []
    for number in range(customers):
        region, city = list(_REGIONS.items())[number % len(_REGIONS)]
        name = f"{city}{_WORDS[number % len(_WORDS)]}{_TRADES[number // len(_WORDS) % len(_TRADES)]}"
        code = _code(number)
        trades = _trades(dice, code, habits[number % len(habits)], first, days)
        asks = number % 13 != 12
        limit = _round_up(max(trade.amount for trade in trades) * dice.choice((2, 3, 4))) if asks else None
        debtors.append(Debtor(code, name, region, list(_SALES)[number % len(_SALES)], limit, tuple(trades)))
    return debtors


def _code(number: int) -> str:
    return f"KH-{number + 1:03d}"


def _trades(
    dice: random.Random, code: str, habit: tuple[str, int, int, int], first: date, days: int
) -> list[Trade]:
    size = Decimal(dice.choice((8_000, 15_000, 30_000, 60_000)))
    trades = []
    for place in range(dice.randint(6, 12)):
        # Trade happens on Mondays: a year then has 52 days to open and replay.
        ordered_on = first + timedelta(days=7 * dice.randint(0, days // 7 - 1))
        late = dice.randint(habit[1], habit[2])
        amount = (size * Decimal(dice.randint(60, 140)) / 100).quantize(Decimal("0.01"))
        paid_on = _monday(ordered_on + timedelta(days=_TERM_DAYS + late), first)
        trades.append(Trade(code, f"{code}-{place + 1:02d}", ordered_on, paid_on, amount))
    return trades


def _monday(on: date, first: date) -> date:
    """The next day of trade on or after a date."""
    return on + timedelta(days=-(on - first).days % 7)


def _round_up(amount: Decimal) -> Decimal:
    return -(-amount // 10_000) * Decimal(10_000)


@dataclass(frozen=True)
class Size:
    """How many customers the company has, and how many days it has traded (a multiple of 7)."""

    customers: int = CUSTOMERS
    days: int = DAYS


def contents(size: Size) -> dict[str, list[str]]:
    """What belongs to the company: usernames of its `people`, codes of its `departments` and `customers`."""
    return {
        "people": [person.username for person in _PEOPLE],
        "departments": [department["code"] for department in _DEPARTMENTS],
        "customers": [_code(number) for number in range(size.customers)],
    }


class Sample:
    """Makes the invented company in an empty suite, over the public API."""

    def __init__(
        self, admin: Client, last: date, *, password: str = PASSWORD, size: Size | None = None
    ) -> None:
        self._admin = admin
        self._company = Company(admin, password)
        self._size = size or Size()
        first = last - timedelta(days=self._size.days)
        self._first = first
        self._last = last
        self._debtors = invent(first, customers=self._size.customers, days=self._size.days)
        self._ids: dict[str, str] = {}

    def run(self, progress: Progress) -> dict[str, int]:
        """Do it all; returns counts for people."""
        self._company.open_at(self._first)
        self._hire()
        self._make_customers()
        counts: dict[str, int] = defaultdict(int)
        ordered, paid = self._by_day()
        days = [self._first + timedelta(days=place) for place in range(0, self._size.days, 7)]
        for on in progress([*days, self._last]):
            if on != self._first:
                self._admin.post("/admin/business-date", {"date": on.isoformat()})
                self._company.settle()
            self._pay(on, paid.get(on, []), counts)
            self._sell(on, ordered.get(on, []), counts)
        self._company.settle()
        counts["customers"] = len(self._debtors)
        return dict(counts)

    def _hire(self) -> None:
        self._company.hire(_DEPARTMENTS, _PEOPLE)

    def _make_customers(self) -> None:
        for debtor in self._debtors:
            made = self._company.as_user(debtor.salesperson).post(
                "/customers",
                {
                    "code": debtor.code,
                    "name": debtor.name,
                    "region": debtor.region,
                    "salesperson": debtor.salesperson,
                    "department": "XS",
                    "contacts": [{"name": "财务部"}],
                },
            )
            self._ids[debtor.code] = made["id"]
        self._company.apply_for(
            Wish(
                self._ids[debtor.code],
                debtor.salesperson,
                debtor.limit,
                "CNY",
                _TERM_DAYS,
                "年度框架合同",
            )
            for debtor in self._debtors
            if debtor.limit is not None
        )
        self._company.approve_everything(_APPROVERS, "同意")
        self._company.settle()

    def _by_day(self) -> tuple[dict[date, list[Trade]], dict[date, list[Trade]]]:
        ordered: dict[date, list[Trade]] = defaultdict(list)
        paid: dict[date, list[Trade]] = defaultdict(list)
        for trade in (trade for debtor in self._debtors for trade in debtor.trades):
            ordered[trade.ordered_on].append(trade)
            if trade.paid_on <= self._last:
                paid[trade.paid_on].append(trade)
        return ordered, paid

    def _pay(self, on: date, trades: Sequence[Trade], counts: dict[str, int]) -> None:
        payments = [
            {
                **self._common(trade),
                "payment_no": f"SK-{trade.number}",
                "paid_at": on.isoformat(),
                "allocations": [{"invoice_no": f"FP-{trade.number}", "amount": str(trade.amount)}],
            }
            for trade in trades
        ]
        counts["payments"] += self._send("payments", payments, on, "recorded")

    def _sell(self, on: date, trades: Sequence[Trade], counts: dict[str, int]) -> None:
        orders = [
            {**self._common(trade), "order_no": f"DD-{trade.number}", "order_date": on.isoformat()}
            for trade in trades
        ]
        counts["orders"] += len(orders)
        counts["reserved"] += self._send("orders", orders, on, "reserved")
        due = (on + timedelta(days=_TERM_DAYS)).isoformat()
        invoices = [
            {
                **self._common(trade),
                "invoice_no": f"FP-{trade.number}",
                "order_no": f"DD-{trade.number}",
                "invoice_date": on.isoformat(),
                "due_date": due,
            }
            for trade in trades
        ]
        counts["invoices"] += self._send("invoices", invoices, on, "recorded")

    def _common(self, trade: Trade) -> dict[str, Any]:
        customer_id = self._ids[trade.customer]
        money = {"amount": str(trade.amount), "currency": "CNY"}
        return {"source": _SOURCE, "customer_id": customer_id, **money}

    def _send(self, kind: str, items: list[dict[str, Any]], on: date, wanted: str) -> int:
        if not items:
            return 0
        results = self._admin.batch(f"/{kind}:batch", items, key=f"{_SOURCE}:{kind}:{on}")
        return sum(result["status"] == wanted for result in results)
