"""What a customer's account was on a date, as it was known at an instant: by plain sums of its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.common.db import UnitOfWork
from services.limits import model
from services.limits.ledger import Overdue, Stages, days_overdue
from services.limits.open_items import parts_of

_DEFAULTS = (None, True)


class History:
    """Every row that says how a customer's account came to be what it is."""

    def __init__(self, work: UnitOfWork, customer_id: UUID) -> None:
        def rows(table: Any) -> list[Any]:
            mine = select(table).where(table.c.customer_id == customer_id)
            return list(work.execute(mine.order_by(table.primary_key.columns[0])))

        self.entries = rows(model.entries)
        self.invoices = rows(model.invoices)
        self.open_changes = rows(model.open_changes)
        self.reserved_changes = rows(model.reserved_changes)
        self.disputes = rows(model.disputes)
        changes = select(model.settings_changes).order_by(model.settings_changes.c.identity)
        self._settings = list(work.execute(changes))

    def stages(self, on: date, known_at: datetime | None) -> Stages:
        """What the customer's pool held."""
        return _sum_of(_counted(self.entries, on, known_at))

    def owed(self, on: date) -> Decimal:
        """What is open of invoices less what is on account: what is receivable without the bills."""
        counted = _counted(self.entries, on, None)
        return _sum_of(row for row in counted if row.document_type != "bill").receivable

    def open_amounts(self, on: date, known_at: datetime | None) -> dict[UUID, Decimal]:
        """What was open of each invoice."""
        found: dict[UUID, Decimal] = {}
        for row in _counted(self.open_changes, on, known_at):
            found[row.invoice_id] = found.get(row.invoice_id, Decimal(0)) + row.change
        return found

    def overdue(self, on: date, known_at: datetime | None) -> Overdue:
        """What was overdue: of each late part that was open, less what was disputed where that spares it."""
        _, disputes_are_overdue = self._settings_then(on, known_at)
        amount, oldest = Decimal(0), None
        still_open = self.open_amounts(on, known_at)
        for invoice in self.invoices:
            spared = Decimal(0) if disputes_are_overdue else self._disputed(invoice.id, on, known_at)
            then = {**invoice._mapping, "open_amount": still_open.get(invoice.id, Decimal(0))}
            for part in parts_of(then):
                if not days_overdue(part.due_date, on):
                    continue
                late = max(Decimal(0), part.open_amount - spared)
                spared -= part.open_amount - late
                amount += late
                if late:
                    oldest = part.due_date if oldest is None else min(oldest, part.due_date)
        return Overdue(amount, oldest)

    def beyond(self, on: date, known_at: datetime | None) -> Decimal:
        """What orders reserved beyond the credit horizon."""
        horizon_days, _ = self._settings_then(on, known_at)
        if horizon_days is None:
            return Decimal(0)
        last = on + timedelta(days=horizon_days)
        counted = _counted(self.reserved_changes, on, known_at)
        return sum((row.change for row in counted if row.delivery_date > last), Decimal(0))

    def _disputed(self, invoice_id: UUID, on: date, known_at: datetime | None) -> Decimal:
        total = Decimal(0)
        for row in self.disputes:
            opened = row.opened_on <= on and (known_at is None or row.opened_at <= known_at)
            ended = row.resolved_on is not None and row.resolved_on <= on
            ended = ended and (known_at is None or row.resolved_at <= known_at)
            if row.invoice_id == invoice_id and opened and not ended:
                total += row.amount
        return total

    def _settings_then(self, on: date, known_at: datetime | None) -> tuple[int | None, bool]:
        horizon_days, disputes_are_overdue = _DEFAULTS
        for row in self._settings:
            if row.effective_date <= on and (known_at is None or row.changed_at <= known_at):
                horizon_days, disputes_are_overdue = row.horizon_days, row.disputes_are_overdue
        return horizon_days, disputes_are_overdue


def _counted(rows: Sequence[Any], on: date, known_at: datetime | None) -> list[Any]:
    known = (row for row in rows if known_at is None or row.recorded_at <= known_at)
    return [row for row in known if row.effective_date <= on]


def _sum_of(entries: Iterable[Any]) -> Stages:
    total = Stages()
    for row in entries:
        total += Stages(row.reserved, row.delivered, row.receivable)
    return total
