"""The main chain and every page of records in a real browser, at the width of a PC and of a phone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import Company

pytestmark = [pytest.mark.parametrize("width", [1440, 390]), pytest.mark.timeout(400)]


def test_from_a_new_customer_to_an_explained_order(company: Company, stage: Any, width: int) -> None:
    name = f"杭州链条{width}有限公司"
    stage("records.main_chain", width=width, customer=name)
    found = next(one for one in company.sam.get("/customers", q=name)["items"] if one["name"] == name)
    assert company.account(found)["limit"] == "60000.00"


def test_every_page_of_records_can_be_seen(company: Company, stage: Any, width: int) -> None:
    code = f"LOOK{width}"
    customer = company.customer_with_limit(code, "40000.00")
    order = {"order_no": f"{code}-1", "customer_code": code, "amount": "9000.00", "currency": "CNY"}
    assert company.sam.post("/orders", order)["status"] == "reserved"
    stage("records.looking_around", width=width, customer=customer, order=order["order_no"])
