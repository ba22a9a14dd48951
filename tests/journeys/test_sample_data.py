"""The sample company: made by one call, guarded, removed whole, and the installation is as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from credit.demo.client import ApiRefused, Client
from credit.demo.sample import Size
from credit.sample_data import NotRemovable, SampleMaker, remove_sample
from credit.verifying import verify
from services.common.config import Settings
from tests.support.ports import free_port
from tests.support.suites import embedded_suite
from tests.support.wait import wait_until

_PASSWORD = "Sample-4711-xyz"
_PATH = "/admin/sample-data"


class Maker(SampleMaker):
    """One that leaves stopping this process to the test."""

    def remove(self) -> None:
        """Note that it was asked for."""
        self.removal_asked = True


@pytest.fixture
def ported(settings: Settings) -> Settings:
    """Settings with the port at which the sample is made."""
    return replace(settings, http_port=free_port())


def _refusal(call: Any, *given: Any) -> str:
    with pytest.raises(ApiRefused) as refused:
        call(*given)
    return str(refused.value.problem["code"])


def _make(admin: Client) -> None:
    assert admin.post(f"{_PATH}:make", {"password": _PASSWORD})["state"] == "making"
    assert _refusal(admin.post, f"{_PATH}:make", {"password": _PASSWORD}) in (
        "sample_data_there",
        "customers_there",
    )
    found = wait_until(
        lambda: (now := admin.get(_PATH))["state"] != "making" and now, timeout=120, what="the sample"
    )
    assert (found["state"], found["problem"], found["done"]) == ("made", None, found["whole"])


@pytest.mark.timeout(300)
def test_the_sample_is_made_and_removed_and_what_is_ones_own_stays(ported: Settings) -> None:
    maker = Maker(ported, can_remove=True, size=Size(customers=2, days=14))
    with embedded_suite(ported, maker) as suite:
        admin = suite.administrator()
        assert _refusal(admin.post, f"{_PATH}:make", {"password": "short"}) == "too_short"
        _make(admin)
        assert len(list(admin.pages("/customers"))) == 2
        assert suite.client().sign_in("zheng.zongjian", _PASSWORD).get("/me")["roles"] == ["cfo"]
        admin.post("/departments", {"code": "OWN", "name": "自己的部门", "parent": "GS"})
        body = {"username": "olga", "name": "奥尔加", "password": "a long enough password"}
        admin.post("/users", {**body, "department": "XS", "roles": ["finance"]})
        own = admin.post("/customers", {"code": "OWN", "name": "自己的客户", "region": "华东"})
        assert _refusal(admin.post, f"{_PATH}:remove") == "sample_data_mixed"
        assert not maker.removal_asked
        admin.delete(f"/customers/{own['id']}")
        assert admin.post(f"{_PATH}:remove")["state"] == "removing"
        wait_until(lambda: maker.removal_asked, timeout=10, what="the stop")
    remove_sample(ported)
    with pytest.raises(NotRemovable):
        remove_sample(ported)
    with embedded_suite(ported, maker) as suite:
        admin = suite.administrator()
        _require_fresh(admin)
        checks = verify(suite.settings, lambda check: None)
        assert {check.title: check.faults for check in checks if check.faults} == {}


def _require_fresh(admin: Client) -> None:
    admin.post("/admin/streams:drain")
    assert admin.get(_PATH)["state"] == "none"
    for path in ("/customers", "/orders", "/applications", "/instances"):
        assert admin.get(path)["items"] == [], path
    people = {user["username"]: user["department"] for user in admin.pages("/users")}
    assert people == {"admin": None, "olga": None}
    assert [(one["code"], one["parent"]) for one in admin.pages("/departments")] == [("OWN", None)]
    actions = [line["action"] for line in admin.pages("/admin/audit", action="sample_data.*")]
    assert actions == ["sample_data.remove", "sample_data.make"]
    # What others know of people they have from the log that was begun anew.
    customer = admin.post("/customers", {"code": "FIRST", "name": "第一个客户", "salesperson": "olga"})
    assert admin.get(f"/customers/{customer['id']}")["salesperson"] == "olga"
