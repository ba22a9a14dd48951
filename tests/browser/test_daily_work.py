"""Daily work in a real browser, at the width of a PC and of a phone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import Company

WIDTHS = [1440, 390]
# Where nothing has been built yet, the first test also waits for that.
pytestmark = [pytest.mark.parametrize("width", WIDTHS), pytest.mark.timeout(400)]


def _asked(company: Company, code: str) -> dict[str, Any]:
    """An application of sam's that waits for mia."""
    customer = company.sam.post(
        "/customers",
        {"code": code, "name": f"上海{code}贸易有限公司", "region": "华东", "salesperson": "sam"},
    )
    asked = {"customer_id": customer["id"], "amount": "10000.00", "currency": "CNY", "term_days": 30}
    application: dict[str, Any] = company.sam.post("/applications", {**asked, "reason": "年度框架合同"})
    company.sam.post(f"/applications/{application['id']}:submit")
    return {**application, "customer": customer}


def test_a_stranger_is_let_in_and_no_script_sees_a_token(stage: Any, width: int) -> None:
    stage("daily_work.front_door", width=width, expected_statuses=[401])


def test_an_approval_leaves_every_window_at_once(company: Company, stage: Any, width: int) -> None:
    asked = _asked(company, f"QUEUE{width}")
    stage("daily_work.approve", width=width, customer=asked["customer"]["name"])
    company.settle()
    found = company.sam.get(f"/applications/{asked['id']}")
    assert found["status"] == "effective"
    assert (found["approved"]["amount"], found["approved"]["term_days"]) == ("8000.00", 20)
