"""The customer service behind its door: in-memory broker, real callers, real event streams."""

from __future__ import annotations

from dataclasses import replace

from services.common.caller import Caller
from services.common.errors import Conflict, Forbidden, Invalid
from tests.integration.customer.conftest import SALES, Door
from tests.support.wait import wait_until

READER = Caller("user", "8", "zhao", permissions=frozenset({"customers.read"}))


def test_a_retry_with_the_same_key_gives_the_first_answer_and_another_body_is_refused(door: Door) -> None:
    first = door.ask("create_customer", SALES, "key-1", code="D-1", name="甲")
    assert door.ask("create_customer", SALES, "key-1", code="D-1", name="甲") == first
    problem = door.refused("create_customer", SALES, "key-1", code="D-9", name="乙")
    assert isinstance(problem, Conflict)
    refusal = door.refused("create_customer", SALES, "key-2", code="D-1", name="乙")
    assert refusal.code == "customer_code_taken"
    assert refusal.data["existing"]["id"] == first["id"]
    assert door.refused("create_customer", SALES, "key-2", code="D-1", name="乙").detail == refusal.detail


def test_every_method_asks_for_its_permission(door: Door) -> None:
    made = door.ask("create_customer", code="D-2", name="甲")
    key = {"customer_id": made["id"]}
    attachment = {**key, "attachment_id": made["id"]}
    for method, received in (
        ("create_customer", {"name": "乙"}),
        ("update_customer", {**key, "name": "乙"}),
        ("delete_customer", key),
        ("delete_attachment", attachment),
        ("import_customers", {"rows": [{"name": "乙"}]}),
        ("get_form", {"key": "customer"}),
        ("create_group", {"code": "G", "name": "G"}),
    ):
        assert isinstance(door.refused(method, READER, None, **received), Forbidden), method
    assert door.ask("get_customer", READER, **key)["version"] == 1


def test_faults_of_the_input_are_named_by_field_in_chinese(door: Door) -> None:
    problem = door.refused("create_customer", SALES, None, uscc="91350100M000100Y44", colour="red", grade="A")
    assert isinstance(problem, Invalid)
    assert {error["field"] for error in problem.errors} == {"name", "uscc", "colour", "grade"}
    assert "校验位" in str(problem.errors)


def test_limit_and_grade_reach_the_customer_through_the_event_streams(door: Door) -> None:
    made = door.ask("create_customer", code="D-3", name="甲")
    account = {
        "customer_id": made["id"], "currency": "CNY", "state": "amount", "frozen": False, "limit": "60000.00",
        "unlimited": False, "exposure": {"total": "0.00"}, "payment_term_days": 30,
    }  # fmt: skip
    rating = {"customer_id": made["id"], "grade": "A", "score": "700", "rated_on": "2026-03-01"}
    for service, type_, data in (
        ("limits", "account_changed", {"account": account}),
        ("risk_rules", "customer_rated", rating),
    ):
        door.ask_service(service, "tell", {"type": type_, "customer_id": made["id"], "data": data})

    def copied() -> bool:
        found = door.ask("get_customer", customer_id="D-3")
        return (found["credit_limit"], found["payment_term_days"], found["grade"]) == ("60000.00", 30, "A")

    wait_until(copied, 10, what="the copies of limit and grade")
    assert door.refused("delete_customer", customer_id="D-3").code == "customer_has_credit"


def test_customers_of_an_erp_arrive_once_and_what_cannot_be_applied_is_parked(door: Door) -> None:
    body = {"event_id": "e1", "source": "sap", "revision": 2, "code": "E-1", "name": "戊"}
    poison = {"event_id": "e2", "source": "sap", "revision": 1, "code": "E-2", "name": "己", "grade": "A"}
    for message in (body, poison, body, {**body, "event_id": "e3", "revision": 1, "name": "旧"}):
        door.publish("customer.upserted", message)
    door.publish("customer.upserted", {"event_id": "e4", "source": "sap", "code": "E-3", "name": "庚"})

    def arrived() -> bool:
        found = door.ask("list_customers", where={"q": "E-"}, sort="code")["items"]
        return [(item["code"], item["name"], item["version"]) for item in found] == [
            ("E-1", "戊", 1), ("E-3", "庚", 1),
        ]  # fmt: skip

    wait_until(arrived, 10, what="the ERP's customers")
    parked = door.ask("list_parked", replace(SALES, permissions=frozenset({"admin.parked"})))["items"]
    assert ["grade" in item["problem"] for item in parked] == [True]


def test_lists_history_and_forms_are_answered_as_plain_json(door: Door) -> None:
    made = door.ask("create_customer", code="D-4", name="丁", fields={"annual_sales": "1000.00"})
    door.ask("update_customer", customer_id=made["id"], version=1, region="华南")
    listed = door.ask("list_customers", where={"q": "丁"}, page_size=1)
    assert [item["code"] for item in listed["items"]] == ["D-4"]
    history = door.ask("list_history", customer_id="D-4")
    assert [entry["action"] for entry in history["items"]] == ["updated", "created"]
    assert door.ask("get_form", key="customer")["version"] == 1
    assert [item["key"] for item in door.ask("list_forms")["items"]] == ["customer"]
    assert door.ask("list_groups") == {"items": [], "next": None}
    for method, key in (("list_groups", {}), ("list_history", {"customer_id": "D-4"})):
        assert "colour" in str(door.refused(method, SALES, None, where={"colour": "red"}, **key).errors)
