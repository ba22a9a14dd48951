"""The demos: real invoices replayed to the cent, and an invented company in which everything occurs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from credit.demo.invoices import read_invoices
from credit.demo.replay import Replay
from credit.demo.sample import Sample, invent
from credit.rebuilding import rebuild
from credit.suite import database_of
from credit.verifying import verify
from services.common.caller import service_caller
from services.common.config import GATEWAY, Settings
from tests.support.ports import free_port
from tests.support.suites import Suite, embedded_suite

_TABLES = {
    "limits": ("entries", "freezes", "grants", "decisions", "events"),
    "risk_rules": ("episodes", "behaviour", "ratings"),
    "workflow": ("instances", "tasks", "timeline", "events"),
    GATEWAY: ("notifications", "mails"),
}
REAL_INVOICES = Path(__file__).parents[3] / "shared" / "data" / "ibm-late-payments.csv"


@pytest.fixture
def suite(settings: Settings) -> Iterator[Suite]:
    """An empty suite in this process."""
    with embedded_suite(replace(settings, http_port=free_port())) as running:
        yield running


@pytest.mark.timeout(900)
def test_real_invoices_replay_as_history_had_them(suite: Suite) -> None:
    if not REAL_INVOICES.exists():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{REAL_INVOICES} is missing")
        pytest.skip(f"NO REAL INVOICES: {REAL_INVOICES} is not there")
    invoices = read_invoices(REAL_INVOICES)
    summary = Replay(suite.administrator(), invoices).run(lambda days: days)
    assert (summary.customers, summary.invoices, summary.payments) == (100, 2466, 2466)
    assert summary.invoice_amount == summary.payment_amount == Decimal("147703.18")
    late = {days: {i.customer for i in invoices if (i.settled_on - i.due_on).days > days} for days in (7, 30)}
    assert (summary.ever_warned, summary.ever_frozen) == (len(late[7]), len(late[30]))
    assert summary.unfrozen == summary.ever_frozen
    checks = verify(suite.settings, lambda check: None)
    assert {check.title: check.faults for check in checks if check.faults} == {}


def test_the_invented_company_is_the_same_every_time() -> None:
    first = date(2026, 1, 5)
    assert invent(first) == invent(first)
    assert len(invent(first)) == 40
    assert invent(first, seed=1) != invent(first, seed=2)


@pytest.mark.timeout(300)
def test_the_invented_company_shows_every_grade_and_its_troubles(suite: Suite) -> None:
    admin = suite.administrator()
    Sample(admin, date(2026, 6, 1)).run(lambda days: days)
    customers = list(admin.pages("/customers"))
    assert {customer["grade"] for customer in customers} == set("ABCDE")
    states = {customer["credit_status"] for customer in customers}
    assert {"amount", "unset", "frozen"} <= states
    checks = verify(suite.settings, lambda check: None)
    assert {check.title: check.faults for check in checks if check.faults} == {}
    _read_again_and_compare(suite)


def _read_again_and_compare(suite: Suite) -> None:
    """Let every service read the logs of the others from their beginning: it does nothing twice."""
    before = _everything(suite)
    for name in ("customer", "limits", "risk_rules", "workflow", "reporting", GATEWAY):
        rebuild(suite.settings, name, lambda done, total: None)
    suite.administrator().post("/admin/streams:drain")
    after = _everything(suite)
    assert {key for key in before if before[key] != after[key]} == set()
    checks = verify(suite.settings, lambda check: None)
    assert {check.title: check.faults for check in checks if check.faults} == {}


def _everything(suite: Suite) -> dict[str, object]:
    """What people see and would be told, and what the databases hold of it."""
    admin = suite.administrator()
    boards = [board["key"] for board in admin.get("/dashboards")["items"]]
    seen: dict[str, object] = {key: admin.get(f"/dashboards/{key}/data") for key in boards}
    seen["customers"] = [
        {name: value for name, value in customer.items() if name != "updated_at"}
        for customer in admin.pages("/customers")
    ]
    for service, names in _TABLES.items():
        with database_of(suite.settings, service) as database, database.read(service_caller(service)) as work:
            for name in names:
                counted = select(func.count()).select_from(database.metadata.tables[name])
                seen[f"{service}.{name}"] = work.execute(counted).scalar_one()
    return seen
