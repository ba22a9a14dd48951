"""Filing applications: what is refused and why, who may do what, what a retry and a stale version get."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest

from services.common.errors import Conflict, CreditError, Forbidden, Invalid, NotFound
from tests.integration.application.conftest import BOB, ERP, FLOW, MIA, READER, Desk


def test_a_draft_carries_what_was_asked_and_its_customers_name(desk: Desk) -> None:
    customer = desk.customer()
    asked = {"amount": "1000.5", "currency": "CNY", "term_days": 30, "reason": "旺季备货"}
    dates = {"valid_from": "2026-03-01", "valid_to": "2026-12-31"}
    made = desk.ask("create_application", customer_id=customer["code"], fields={"a": 1}, **asked, **dates)
    assert made.items() >= {**asked, **dates, "amount": "1000.50", "fields": {"a": 1}}.items()
    assert made["customer_id"] == customer["id"]
    assert (made["customer_code"], made["customer_name"]) == (customer["code"], customer["name"])
    assert (made["status"], made["initiator"], made["version"]) == ("draft", "mia", 1)
    by_number = desk.ask("get_application", READER, application_id=made["number"])
    assert by_number == desk.ask("get_application", READER, application_id=made["id"])
    assert [(line["action"], line["actor"]) for line in by_number["history"]] == [("create", "mia")]
    assert desk.told(made["id"]) == [("created", "draft", 1)]


def test_numbers_are_never_given_twice(desk: Desk) -> None:
    numbers = [desk.draft()["number"] for _ in range(3)]
    assert len(set(numbers)) == 3
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({"amount": None}, {"amount": "null"}),
        ({"amount": "-1.00"}, {"amount": "amount_not_positive"}),
        ({"amount": "0"}, {"amount": "amount_not_positive"}),
        ({"amount": "1.001"}, {"amount": "amount_too_precise"}),
        ({"amount": "many"}, {"amount": "amount_malformed"}),
        ({"currency": "XXX"}, {"amount": "currency_needed", "currency": "currency_unknown"}),
        ({"term_days": 3651, "reason": 5}, {"term_days": "out_of_range", "reason": "not_text"}),
        ({"term_days": -1}, {"term_days": "out_of_range"}),
        ({"valid_from": "2026-12-31", "valid_to": "2026-01-01"}, {"": "validity"}),
        ({"valid_from": "2026-02-30"}, {"valid_from": "date_unknown"}),
        ({"colour": "red"}, {"colour": "unknown_field"}),
        ({"type": "loan"}, {"type": "application_type"}),
    ],
)
def test_a_wrong_input_is_refused_and_names_each_field_at_fault(
    desk: Desk, wrong: dict[str, Any], faults: dict[str, str]
) -> None:
    asked = {"customer_id": desk.customer()["id"], "amount": "1000.00", "currency": "CNY", **wrong}
    problem = desk.refused("create_application", **asked)
    assert isinstance(problem, Invalid)
    assert {error["field"]: error["code"] for error in problem.errors} == faults
    assert desk.ask("list_applications", where={"customer_id": asked["customer_id"]})["items"] == []


def test_an_application_for_nobody_is_not_filed(desk: Desk) -> None:
    for nobody in (str(uuid4()), "no-such-code"):
        problem = desk.refused("create_application", customer_id=nobody, amount="1.00", currency="CNY")
        assert isinstance(problem, NotFound)


def test_every_method_asks_for_its_permission_and_steps_are_for_services_only(desk: Desk) -> None:
    made = desk.draft()
    key = {"application_id": made["id"]}
    asked = {"amount": "1.00", "currency": "CNY"}
    for method, received in (
        ("create_application", {"customer_id": made["customer_id"], **asked}),
        ("change_application", {**key, **asked}),
        ("submit_application", key),
        ("withdraw_application", key),
        ("take_step", {**key, "step": "grant"}),
    ):
        assert isinstance(desk.refused(method, READER, None, **received), Forbidden), method
    assert isinstance(desk.refused("take_step", MIA, None, **key, step="reject"), Forbidden)
    assert desk.ask("get_application", READER, **key)["version"] == 1


@pytest.mark.parametrize("other", [BOB, ERP], ids=["a person", "a machine"])
def test_only_whoever_filed_an_application_changes_submits_or_withdraws_it(desk: Desk, other: Any) -> None:
    made = desk.draft()
    key = {"application_id": made["id"]}
    for method, received in (
        ("change_application", {**key, "amount": "9.00", "currency": "CNY"}),
        ("submit_application", key),
        ("withdraw_application", key),
    ):
        assert isinstance(desk.refused(method, other, None, **received), NotFound), method
    assert desk.ask("get_application", other, **key)["status"] == "draft"
    own = desk.draft(other)
    assert desk.ask("submit_application", other, application_id=own["number"])["status"] == "in_approval"


def test_a_retry_with_the_same_key_files_one_application(desk: Desk) -> None:
    asked = {"customer_id": desk.customer()["id"], "amount": "5.00", "currency": "CNY"}
    first = desk.ask("create_application", MIA, "k-1", **asked)
    assert desk.ask("create_application", MIA, "k-1", **asked) == first
    problem = desk.refused("create_application", MIA, "k-1", **{**asked, "amount": "6.00"})
    assert (type(problem), problem.code) == (Conflict, "idempotency_key_reused")
    of_bob = desk.ask("create_application", BOB, "k-1", **asked)
    assert of_bob["id"] != first["id"], "a key belongs to its caller"
    listed = desk.ask("list_applications", where={"customer_id": asked["customer_id"]})["items"]
    assert {item["id"] for item in listed} == {first["id"], of_bob["id"]}
    submitted = desk.ask("submit_application", MIA, "k-2", application_id=first["id"])
    assert desk.ask("submit_application", MIA, "k-2", application_id=first["id"]) == submitted
    assert len(desk.told(first["id"])) == 2
    refusal = desk.refused("submit_application", MIA, "k-3", application_id=first["id"])
    desk.step(first["id"], "return")
    again = desk.refused("submit_application", MIA, "k-3", application_id=first["id"])
    assert again.to_dict() == refusal.to_dict(), "a refusal is kept under its key as well"


def test_a_change_on_a_stale_version_is_refused_and_names_the_present_one(desk: Desk) -> None:
    made = desk.draft()
    change = {"application_id": made["id"], "currency": "CNY", "version": 1}
    assert desk.ask("change_application", **change, amount="2.00")["version"] == 2
    problem = desk.refused("change_application", **change, amount="3.00")
    assert (type(problem), problem.code, problem.data) == (Conflict, "stale_version", {"version": 2})
    for method in ("submit_application", "withdraw_application"):
        assert desk.refused(method, application_id=made["id"], version=1).code == "stale_version"
    assert desk.ask("get_application", application_id=made["id"])["amount"] == "2.00"


def test_of_changes_at_once_on_one_version_exactly_one_wins(desk: Desk) -> None:
    made = desk.draft()
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            change = {"application_id": made["id"], "currency": "CNY", "version": 1}
            desk.ask("change_application", **change, amount=f"{number}.00")
            outcomes.append("changed")
        except CreditError as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["changed"] + ["stale_version"] * 4
    assert [version for _, _, version in desk.told(made["id"])] == [1, 2]


def test_lists_are_filtered_and_paged_without_losing_or_repeating_any(desk: Desk) -> None:
    customer = desk.customer()["id"]
    made = [desk.draft(customer_id=customer)["number"] for _ in range(5)]
    desk.ask("submit_application", application_id=made[2])
    where = {"customer_id": customer}
    seen: list[str] = []
    asked: dict[str, Any] = {"where": where, "page_size": 2, "sort": "number"}
    while True:
        page = desk.ask("list_applications", READER, **asked)
        seen += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        asked["page_after"] = page["next"]
    assert seen == made
    found = desk.ask("list_applications", where={**where, "status": "in_approval"})["items"]
    assert [item["number"] for item in found] == [made[2]]
    assert desk.ask("list_applications", where={**where, "initiator": "bob"})["items"] == []
    for wrong, code in (({"colour": "red"}, "filter_unknown"), ({"customer_id": "C-1"}, "not_an_id")):
        problem = desk.refused("list_applications", where=wrong)
        assert (type(problem), problem.code) == (Invalid, code)


def test_an_unknown_application_is_not_found_by_any_method(desk: Desk) -> None:
    for unknown in (str(uuid4()), "SX-1999-000001"):
        key = {"application_id": unknown}
        for method, caller, received in (
            ("get_application", READER, key),
            ("change_application", MIA, {**key, "amount": "1.00", "currency": "CNY"}),
            ("submit_application", MIA, key),
            ("withdraw_application", MIA, key),
            ("take_step", FLOW, {**key, "step": "grant"}),
        ):
            assert isinstance(desk.refused(method, caller, None, **received), NotFound), method
