"""Administration in a real browser, at the width of a PC and of a phone."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from credit.suite import database_of
from services.common.caller import service_caller
from services.common.parked import park_document
from tests.journeys.conftest import PASSWORD, Company

pytestmark = [pytest.mark.parametrize("width", [1440, 390]), pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def ada(company: Company) -> None:
    """An administrator among the people."""
    if not company.admin.get("/users", username="ada")["items"]:
        company.admin.post(
            "/users", {"username": "ada", "name": "艾达", "password": PASSWORD, "roles": ["admin"]}
        )


def test_an_administrator_sees_to_people_and_what_they_did(stage: Any, company: Company, width: int) -> None:
    who = {"username": f"new{width}", "name": f"新人{width}"}
    # Somebody without a role is refused even what home asks for: the page says so instead of breaking.
    stage("administration.people_and_rights", width=width, expected_statuses=[403], **who)
    assert company.admin.get(f"/users/new{width}")["name"] == who["name"]


def test_a_role_is_narrowed_from_the_keyboard(stage: Any, company: Company, width: int) -> None:
    role = f"desk{width}"
    company.admin.post(
        "/roles", {"key": role, "label": role, "permissions": ["customers.read", "customers.export"]}
    )
    stage("administration.narrow_a_role", width=width, role=role)
    assert company.admin.get(f"/roles/{role}")["permissions"] == ["customers.read"]


def test_what_was_set_aside_is_repaired_and_applied(stage: Any, company: Company, width: int) -> None:
    code = f"PARK{width}"
    company.customer_with_limit(code, "5000.00")
    order = {"order_no": f"{code}-1", "customer_code": code, "amount": "-9.00", "currency": "CNY"}
    order |= {"order_date": "2026-01-05", "event_id": str(uuid4()), "source": "erp"}
    event = {"routing_key": "order.created", "type": "order.created", "source": "erp", "data": order}
    problem = f"金额应大于零（{code}）"
    with (
        database_of(company.suite.settings, "limits") as database,
        database.begin(service_caller("limits")) as work,
    ):
        park_document(work, "erp", uuid4(), code, event, problem)
    given = {"problem": problem, "wrong": "-9.00", "right": "9.00"}
    stage("administration.repair", width=width, **given)
    assert company.fin.get("/orders", order_no=f"{code}-1")["items"][0]["amount"] == "9.00"
    assert company.admin.get("/admin/parked-events")["items"] == []
