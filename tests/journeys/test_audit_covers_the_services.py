"""The audit trail tells of the changes in every service, and `credit verify` checks its chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from credit.demo.client import Client
from credit.suite import database_of
from credit.verifying import verify
from gateway.audit.projection import AUDITED, LEFT_OUT
from services.common.config import ALL_SERVICES, GATEWAY, Settings
from tests.support.suites import Suite, embedded_suite

_SERVICES = Path(__file__).resolve().parents[2] / "services"


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    """The embedded suite after a change in each service."""
    with embedded_suite(module_settings) as running:
        admin = running.administrator()
        admin.post("/departments", {"code": "HQ", "name": "总部"})
        customer = admin.post("/customers", {"name": "甲公司", "region": "华东", "department": "HQ"})
        admin.patch(f"/customers/{customer['id']}", {"region": "华南", "version": customer["version"]})
        asked = {"type": "credit", "customer_id": customer["id"], "amount": "1000", "currency": "CNY"}
        application = admin.post("/applications", {**asked, "term_days": 30, "reason": "试用"})
        admin.post(f"/applications/{application['id']}:submit", {})
        admin.post(f"/credit-accounts/{customer['id']}:freeze", {"reason": "risk_event"})
        dashboard: dict[str, Any] = admin.get("/dashboards")["items"][0]
        admin.post("/dashboards", {"key": "mine", "title": "我的", "widgets": dashboard["widgets"]})
        admin.post("/admin/streams:drain", {})
        yield running


@pytest.fixture(scope="module")
def admin(suite: Suite) -> Client:
    return suite.administrator()


def _lines(admin: Client, **where: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in where.items())
    items: list[dict[str, Any]] = admin.get(f"/admin/audit?page[size]=200&{query}")["items"]
    return items


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ("customer", "customer_created"),
        ("customer", "customer_updated"),
        ("application", "application_submitted"),
        ("limits", "customer_frozen"),
        ("reporting", "save_dashboard"),
    ],
)
def test_a_change_in_a_service_is_told_with_who_when_and_from_where(
    admin: Client, source: str, action: str
) -> None:
    line = _lines(admin, source=source, action=action)[0]
    assert line["actor"] == "admin"
    assert line["address"] == "127.0.0.1"
    assert line["agent"].startswith("python-requests/")
    assert line["trace_id"]


def test_what_a_record_was_before_is_told(admin: Client) -> None:
    (line,) = _lines(admin, action="customer_updated")
    told = {change["field"]: change for change in line["changes"]}
    assert told["customer.region"] == {"field": "customer.region", "before": "华东", "after": "华南"}
    assert "customer.name" not in told


def test_a_field_that_some_role_may_not_see_is_in_no_line(suite: Suite, admin: Client) -> None:
    role = {"key": "half_blind", "label": "部分可见", "permissions": ["customers.read"]}
    admin.post("/roles", {**role, "fields": {"customers": {"contacts.phone": "masked"}}})
    contact = {"name": "王五", "phone": "13812345678"}
    made = admin.post("/customers", {"name": "乙公司", "department": "HQ", "contacts": [contact]})
    changed = {"contacts": [{**contact, "phone": "13887654321"}], "version": made["version"]}
    admin.patch(f"/customers/{made['id']}", changed)
    admin.post("/admin/streams:drain", {})
    told = _lines(admin, subject=made["id"])
    assert {line["action"] for line in told} >= {"customer_created", "customer_updated"}
    assert "contacts" in str(told[0]["changes"]), "that it changed is told"
    assert "1234" not in str(told)
    assert "8765" not in str(told)


def test_what_a_request_led_to_in_other_services_is_found_by_its_trace(admin: Client) -> None:
    (submitted,) = _lines(admin, action="application_submitted")
    led_to = {line["action"] for line in _lines(admin, trace_id=submitted["trace_id"])}
    assert {"application_submitted", "instance_started"} <= led_to


def test_a_stream_that_is_read_again_adds_no_line_twice(suite: Suite, admin: Client) -> None:
    before = len(_lines(admin, source="customer"))
    admin.post(f"/admin/services/{GATEWAY}:rebuild", {})
    admin.post("/admin/streams:drain", {})
    assert len(_lines(admin, source="customer")) == before


def test_every_kind_of_event_is_audited_or_left_out_on_purpose(suite: Suite) -> None:
    """What the services have told here, and every name that stands in their code where events are told."""
    known = {(source, name) for part in (AUDITED, LEFT_OUT) for source in part for name in part[source]}
    told = set()
    for source in set(ALL_SERVICES) - {GATEWAY}:
        with database_of(suite.settings, source) as database, database.engine.connect() as connection:
            rows = connection.execute(text("SELECT DISTINCT type FROM events"))
            told |= {(source, row.type) for row in rows}
        for path in (_SERVICES / source).rglob("*.py"):
            written = re.findall(
                r"(?:add_event|[a-z]+_event|told)\(\s*work, \"([a-z_]+)\"|add_event\(\s*\"([a-z_]+)\"",
                path.read_text(encoding="utf-8"),
            )
            names = {first or second for first, second in written}
            told |= {(source, name) for name in names if "_" in name}
    assert len(told) > 30
    assert not told - known


def test_credit_verify_checks_the_chain(suite: Suite) -> None:
    def audit_check() -> Any:
        return verify(suite.settings, lambda check: None)[-1]

    check = audit_check()
    assert check.checked > 10
    assert not check.faults
    with database_of(suite.settings, GATEWAY) as database, database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))
        connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE place = 7"))
    (fault,) = audit_check().faults
    assert "line 7 " in fault
