"""The ledger and the reports behind their real doors, with a customer who has a limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from credit.suite import database_of
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY, Settings
from services.common.errors import CreditError
from services.limits.operations import opening
from services.limits.service import LimitsService
from services.reporting.service import ReportingService
from tests.integration.limits.conftest import TODAY
from tests.support.doors import Door, open_doors
from tests.support.postgres import DatabaseServer

_RIGHTS = {
    "orders": ("create", "change", "read"),
    "deliveries": ("create", "reverse"),
    "invoices": ("create", "reverse", "read"),
    "payments": ("create", "allocate", "reverse", "read"),
    "credit_notes": ("create", "reverse", "read"),
    "write_offs": ("create", "reverse", "read"),
    "disputes": ("read", "open", "resolve"),
    "credit": ("read", "grant", "verify", "settings"),
    "admin": ("business_date",),
    "reports": ("read",),
}
BOSS = Caller(
    kind="user",
    id="boss",
    username="boss",
    permissions=frozenset(f"{name}.{right}" for name, rights in _RIGHTS.items() for right in rights),
)
NOBODY = Caller(kind="user", id="nobody", username="nobody")
_SERVICE = service_caller(GATEWAY)


class Trade:
    """A customer of their own, and what is done with them through the doors."""

    def __init__(self, door: Door, limit: str) -> None:
        self.door = door
        self.customer_id = str(uuid4())
        customer = {"id": self.customer_id, "code": self.customer_id[:8]}
        customer["name"] = customer["code"]
        door.tell("customer", "customer_created", self.customer_id, {"customer": customer})
        grant = {"customer_id": self.customer_id, "amount": limit, "currency": "CNY", "term_days": 30}
        self.ask("grant_credit", **grant)

    def ask(self, method: str, /, *, key: str | None = None, **received: Any) -> Any:
        """Call the ledger."""
        return self.door.ask("limits", method, received, BOSS, key)

    def refused(self, method: str, caller: Caller = BOSS, /, **received: Any) -> CreditError:
        """The refusal of a call of the ledger that must be refused."""
        return self.door.refused("limits", method, received, caller)

    def record(self, kind: str, number: str, amount: str, **more: Any) -> Any:
        """Record an order, an invoice, a payment or a credit note of the customer."""
        dated = {
            "order": {},
            "invoice": {"invoice_date": "2026-03-02"},
            "payment": {"paid_at": "2026-03-02"},
            "credit_note": {"credit_note_date": "2026-03-02"},
        }[kind]
        named = {"customer_id": self.customer_id, f"{kind}_no": self.number(number)}
        received = {**named, "amount": amount, "currency": "CNY", **dated, **more}
        return self.ask("reserve_order" if kind == "order" else f"record_{kind}", **received)

    def number(self, number: str) -> str:
        """A document number that no other customer has."""
        return f"{self.customer_id[:8]}/{number}"

    def exposure(self) -> tuple[str, str, str]:
        """What is reserved, delivered and receivable, as the ledger and reporting both say."""
        found = self.ask("get_credit_account", customer_id=self.customer_id)["exposure"]
        stages = (found["reserved"], found["delivered"], found["receivable"])
        assert tuple(self.reported()) == tuple(Decimal(stage) for stage in stages)
        return stages

    def reported(self) -> list[Decimal]:
        """What reporting says of the same, having read everything."""
        self.door.settle()
        items = self.door.ask("reporting", "totals", {}, _SERVICE)["items"]
        mine = [item for item in items if item["customer_id"] == self.customer_id]
        return [Decimal(mine[0][name]) for name in ("reserved", "delivered", "receivable")]

    def overdue(self) -> tuple[str, str]:
        """What the customer owes too late, by the ledger and by reporting."""
        account = self.ask("get_credit_account", customer_id=self.customer_id)
        name = self.customer_id[:8]
        reported = self.measure("overdue_amount", filters={"customer": name})
        return account["overdue"]["amount"], reported[0]["overdue_amount"] if reported else "0.00"

    def measure(self, *measures: str, **more: Any) -> list[dict[str, Any]]:
        """What a report says of these measures."""
        self.door.settle()
        asked = {"measures": list(measures), "dimensions": [], **more}
        rows: list[dict[str, Any]] = self.door.ask("reporting", "query", asked, BOSS)["rows"]
        return rows


@contextmanager
def trading(server: DatabaseServer, folder: Path) -> Iterator[Door]:
    """The ledger and reports on 2 March 2026."""
    kinds, sources = [LimitsService, ReportingService], ("customer", "risk_rules", "gateway")
    with open_doors(server, folder, kinds, sources, _open_the_day) as door:
        yield door


def _open_the_day(settings: Settings) -> None:
    # Before the services start: the schedule would open today's date.
    with database_of(settings, "limits") as database, database.begin(service_caller("limits")) as work:
        opening.open_next(work, TODAY)
