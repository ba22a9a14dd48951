"""Waiting until services have read everything: all of them, or those that are named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit.demo.client import ApiRefused, Client
from services.common.config import Settings
from tests.support.suites import embedded_suite


@pytest.fixture(scope="module")
def admin(module_settings: Settings) -> Iterator[Client]:
    with embedded_suite(module_settings) as running:
        yield running.administrator()


def test_services_that_are_named_have_read_their_sources_to_the_end(admin: Client) -> None:
    customer = admin.post("/customers", {"name": "甲公司", "region": "华东"})
    admin.post(f"/credit-accounts/{customer['id']}:freeze", {"reason": "risk_event"})
    told = admin.post("/admin/streams:drain?services=limits,risk_rules")
    assert (told["stopped"], told["parked"]) == ({}, {})
    services = {service["service"]: service for service in admin.get("/admin/system")["services"]}
    for name in ("limits", "risk_rules"):
        read = {position["source"]: position["sequence"] for position in services[name]["positions"]}
        assert all(read[source] >= services[source]["head"] for source in read)
        assert read["customer"] > 0


@pytest.mark.parametrize(
    ("services", "code"), [("nobody", "service_unknown"), ("limits,,customer", "service_unknown")]
)
def test_a_service_that_is_not_there_is_named(admin: Client, services: str, code: str) -> None:
    with pytest.raises(ApiRefused) as refused:
        admin.post(f"/admin/streams:drain?services={services}")
    problem: dict[str, Any] = refused.value.problem
    assert refused.value.status == 422
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("services", code)]


def test_services_are_read_dry_one_like_all(admin: Client) -> None:
    admin.post("/customers", {"name": "乙公司", "region": "华南"})
    admin.post("/admin/streams:drain")
    services = {service["service"]: service for service in admin.get("/admin/system")["services"]}
    for service in services.values():
        for position in service["positions"]:
            assert position["sequence"] == services[position["source"]]["head"]
