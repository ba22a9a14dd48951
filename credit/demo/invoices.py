"""A file of settled invoices (IBM's “Late payment histories” and others of its columns) as a plan of days."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from pathlib import Path

CURRENCY = "USD"
_COLUMNS = (
    "countryCode",
    "customerID",
    "invoiceNumber",
    "InvoiceDate",
    "DueDate",
    "InvoiceAmount",
    "SettledDate",
)
_ROUND_LIMIT_TO = Decimal(100)


class UnreadableFile(Exception):
    """The file is not such a list of invoices; the text names the line and the column."""


@dataclass(frozen=True)
class SettledInvoice:
    """One line of the file. Amount in `CURRENCY`."""

    region: str
    customer: str
    number: str
    invoiced_on: date
    due_on: date
    amount: Decimal
    settled_on: date


@dataclass(frozen=True)
class Day:
    """What happened on one date, in the order in which it is replayed."""

    on: date
    settled: tuple[SettledInvoice, ...]
    invoiced: tuple[SettledInvoice, ...]


def read_invoices(path: Path) -> list[SettledInvoice]:
    """Every invoice of the file, in its order. Dates in it are month/day/year."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UnreadableFile(f"{path.name}: 缺少列 {', '.join(missing)}")
            invoices = [_invoice(row, line, path.name) for line, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UnreadableFile(f"{path}: {problem}") from problem
    if not invoices:
        raise UnreadableFile(f"{path.name}: 没有发票")
    seen: set[str] = set()
    for line, invoice in enumerate(invoices, 2):
        if invoice.number in seen:
            raise UnreadableFile(f"{path.name} 第 {line} 行: 发票号 {invoice.number} 重复")
        seen.add(invoice.number)
    return invoices


def days_of(invoices: Iterable[SettledInvoice]) -> list[Day]:
    """The dates on which something happened, in order; payments of a day come before its orders."""
    settled: dict[date, list[SettledInvoice]] = defaultdict(list)
    invoiced: dict[date, list[SettledInvoice]] = defaultdict(list)
    for invoice in invoices:
        settled[invoice.settled_on].append(invoice)
        invoiced[invoice.invoiced_on].append(invoice)
    dates = sorted({*settled, *invoiced})
    return [Day(on, tuple(settled[on]), tuple(invoiced[on])) for on in dates]


def limit_needed(invoices: Iterable[SettledInvoice]) -> Decimal:
    """The most that was open at once, rounded up to the next 100: what a fitting limit would have been."""
    moves: dict[date, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        # What is invoiced and settled on one date is open during that day.
        moves[invoice.invoiced_on] += invoice.amount
    highest = open_amount = Decimal(0)
    settled = sorted(invoices, key=lambda invoice: invoice.settled_on)
    place = 0
    for on in sorted(moves):
        while place < len(settled) and _paid_before(settled[place], on):
            open_amount -= settled[place].amount
            place += 1
        open_amount += moves[on]
        highest = max(highest, open_amount)
    return (highest / _ROUND_LIMIT_TO).to_integral_value(ROUND_CEILING) * _ROUND_LIMIT_TO


def _paid_before(invoice: SettledInvoice, on: date) -> bool:
    return invoice.settled_on < on or (invoice.settled_on == on and invoice.invoiced_on < on)


def _invoice(row: dict[str, str], line: int, name: str) -> SettledInvoice:
    def text(column: str) -> str:
        value = (row[column] or "").strip()
        if not value:
            raise UnreadableFile(f"{name} 第 {line} 行: {column} 为空")
        return value

    def day(column: str) -> date:
        try:
            return datetime.strptime(text(column), "%m/%d/%Y").date()
        except ValueError:
            raise UnreadableFile(f"{name} 第 {line} 行: {column} 不是 月/日/年 日期") from None

    try:
        amount = Decimal(text("InvoiceAmount"))
    except InvalidOperation:
        raise UnreadableFile(f"{name} 第 {line} 行: InvoiceAmount 不是数字") from None
    if not amount.is_finite() or amount <= 0:
        raise UnreadableFile(f"{name} 第 {line} 行: InvoiceAmount 应大于零")
    return SettledInvoice(
        text("countryCode"),
        text("customerID"),
        text("invoiceNumber"),
        day("InvoiceDate"),
        day("DueDate"),
        amount,
        day("SettledDate"),
    )
