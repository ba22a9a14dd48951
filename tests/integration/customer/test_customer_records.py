"""Customers in a real database: create, read, change, delete, and what history and listeners are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from services.common import fields
from services.common.caller import Caller
from services.common.db import Database, UnitOfWork
from services.common.errors import Conflict, CreditError, Invalid, NotFound
from services.common.events import Event
from services.common.forms import designing
from services.customer import schema
from services.customer.operations import records
from tests.integration.customer.conftest import CLERK, MANAGER, Begin

USCC = "91350100M000100Y43"
ACME: dict[str, Any] = {
    "code": "C-1",
    "name": "福州测试贸易有限公司",
    "uscc": USCC,
    "region": "福建",
    "contacts": [{"name": "张三", "phone": "+86 591-8888 0000", "email": "zhang@example.com"}],
    "fields": {"industry": "wholesale", "registered_capital": "5000000.00", "employees": "120"},
}


def create(begin: Begin, caller: Caller = CLERK, **changes: Any) -> dict[str, Any]:
    with begin(caller) as work:
        return records.create_customer(work, fields.load(schema.NewCustomer(), {**ACME, **changes}))


def change(begin: Begin, customer_id: Any, caller: Caller = CLERK, **changes: Any) -> dict[str, Any]:
    received = {"customer_id": str(customer_id), **changes}
    with begin(caller) as work:
        return records.update_customer(work, fields.load(schema.CustomerChange(), received))


def events(database: Database) -> list[Any]:
    with database.read(CLERK) as work:
        table = work.table("events")
        return list(work.execute(select(table).order_by(table.c.identity)).all())


def history(begin: Begin, customer_id: Any) -> list[dict[str, Any]]:
    with begin() as work:
        received = fields.load(schema.CustomerDetails(), {"customer_id": str(customer_id)})
        items: list[dict[str, Any]] = records.list_history(work, received)["items"]
        return items


def refused(action: Callable[[], Any], kind: type[CreditError]) -> CreditError:
    with pytest.raises(kind) as caught:
        action()
    return caught.value


def test_a_created_customer_is_read_back_by_id_and_by_code(begin: Begin) -> None:
    made = create(begin)
    with begin() as work:
        by_id = records.get_customer(work, str(made["id"]))
        assert by_id == records.get_customer(work, "C-1")
    assert made.pop("warnings") == []
    assert {name: by_id[name] for name in made} == made
    assert by_id["fields"] == {
        "industry": "wholesale",
        "registered_capital": "5000000.00",
        "employees": "120",
    }
    assert (by_id["salesperson"], by_id["department"]) == ("wang", "sales-1")
    assert (by_id["credit_status"], by_id["credit_limit"], by_id["version"]) == ("unset", None, 1)


def test_creating_tells_the_whole_customer(begin: Begin, database: Database) -> None:
    made = create(begin)
    (told,) = events(database)
    assert (told.type, told.ordering_key, told.actor) == ("customer_created", str(made["id"]), "wang")
    snapshot = told.data["customer"]
    assert set(snapshot) == {
        "id", "code", "name", "uscc", "region", "salesperson", "department", "group_id", "contacts", "fields",
        "version", "created_at", "tags", "credit_review_on", "list_kind", "list_reason",
    }  # fmt: skip
    assert (snapshot["code"], snapshot["fields"]["employees"]) == ("C-1", "120")


def test_a_customer_without_a_code_gets_one_that_is_free(begin: Begin) -> None:
    create(begin, code="C000002", uscc=None)
    codes = [create(begin, code=None, uscc=None)["code"] for _ in range(2)]
    assert codes == ["C000001", "C000003"]


@pytest.mark.parametrize(
    ("changes", "field"), [({"uscc": None}, "code"), ({"code": "C-2"}, "uscc"), ({}, "code")]
)
def test_a_second_customer_with_the_same_code_or_credit_code_is_refused_and_named(
    begin: Begin, database: Database, changes: dict[str, Any], field: str
) -> None:
    first = create(begin)
    problem = refused(lambda: create(begin, name="另一家", **changes), Conflict)
    assert problem.code == f"customer_{field}_taken"
    assert problem.data["existing"] == {"id": str(first["id"]), "code": "C-1", "name": ACME["name"]}
    assert "福州测试贸易有限公司" in problem.detail
    assert len(events(database)) == 1


def test_of_ten_people_who_create_the_same_customer_at_once_one_succeeds(begin: Begin) -> None:
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            create(begin)
            outcomes.append("created")
        except Conflict as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["created"] + ["customer_code_taken"] * 9


def test_an_unknown_form_field_and_a_wrong_value_are_named(begin: Begin, database: Database) -> None:
    wrong = {"colour": "red", "industry": "magic", "registered_capital": "1.005", "email": "x"}
    problem = refused(lambda: create(begin, fields=wrong), Invalid)
    assert {error["field"]: error["code"] for error in problem.errors} == {
        "fields.colour": "unknown_field",
        "fields.industry": "not_a_choice",
        "fields.registered_capital": "amount_too_precise",
        "fields.email": "email",
    }
    assert events(database) == []


@pytest.mark.parametrize("name", ["credit_status", "credit_limit", "payment_term_days", "grade"])
def test_what_other_services_decide_cannot_be_written(begin: Begin, name: str) -> None:
    made = create(begin)
    for action in (lambda: change(begin, made["id"], **{name: "1"}), lambda: create(begin, **{name: "1"})):
        problem = refused(action, Invalid)
        assert [(error["field"], error["code"]) for error in problem.errors] == [(name, "read_only")]


def test_a_change_touches_only_what_it_names_and_is_kept_field_by_field(
    begin: Begin, database: Database
) -> None:
    made = create(begin)
    changed = change(
        begin, made["id"], MANAGER, region="浙江", fields={"employees": 130, "listed": True, "industry": None}
    )
    assert changed["name"] == ACME["name"]
    assert changed["fields"] == {"registered_capital": "5000000.00", "employees": "130", "listed": True}
    assert (changed["version"], changed["updated_by"]) == (2, "li")
    entry, first = history(begin, made["id"])
    assert (entry["action"], entry["version"], entry["changed_by"]) == ("updated", 2, "li")
    assert [(item["field"], item["label"], item["before"], item["after"]) for item in entry["changes"]] == [
        ("region", "地区", "福建", "浙江"),
        ("fields.employees", "员工人数", "120", "130"),
        ("fields.industry", "行业", "wholesale", None),
        ("fields.listed", "上市公司", None, True),
    ]
    assert first["action"] == "created"
    assert [event.type for event in events(database)] == ["customer_created", "customer_updated"]
    assert events(database)[-1].data["customer"]["fields"] == changed["fields"]


def test_a_change_that_changes_nothing_leaves_no_trace(begin: Begin, database: Database) -> None:
    made = create(begin)
    same = change(begin, made["id"], region="福建", fields={"employees": 120})
    assert same["version"] == 1
    assert len(events(database)) == len(history(begin, made["id"])) == 1


def test_a_change_made_on_a_stale_version_is_refused_and_says_who_was_faster(begin: Begin) -> None:
    made = create(begin)
    change(begin, made["id"], MANAGER, version=1, region="浙江")
    problem = refused(lambda: change(begin, made["id"], version=1, region="广东"), Conflict)
    assert problem.code == "stale_version"
    assert (problem.data["current_version"], problem.data["updated_by"]) == (2, "li")


def test_two_changes_on_the_same_version_at_once_let_one_win(begin: Begin) -> None:
    made = create(begin)
    outcomes: list[str] = []

    def attempt(region: str) -> None:
        try:
            change(begin, made["id"], version=1, region=region)
            outcomes.append("changed")
        except Conflict as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=attempt, args=(f"省{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["changed"] + ["stale_version"] * 5


def test_a_change_to_a_code_that_another_has_is_refused_and_names_it(begin: Begin) -> None:
    create(begin)
    other = create(begin, code="C-2", uscc=None, name="另一家")
    for changes, field in (({"code": "C-1"}, "code"), ({"uscc": USCC}, "uscc")):
        problem = refused(lambda changes=changes: change(begin, other["id"], **changes), Conflict)  # type: ignore[misc]
        assert problem.code == f"customer_{field}_taken"
        assert problem.data["existing"]["code"] == "C-1"


def test_an_unknown_group_is_refused_and_a_known_one_kept(begin: Begin) -> None:
    problem = refused(lambda: create(begin, group_id=str(uuid4())), Invalid)
    assert problem.errors[0]["field"] == "group_id"
    with begin() as work:
        parent = records.create_group(work, {"code": "G1", "name": "集团", "parent_id": None})
        child = records.create_group(work, {"code": "G2", "name": "子集团", "parent_id": parent["id"]})
    assert create(begin, group_id=str(child["id"]))["group_id"] == child["id"]


def test_a_deleted_customer_is_gone_its_history_stays_and_its_code_is_free(
    begin: Begin, database: Database
) -> None:
    made = create(begin)
    with begin() as work:
        records.delete_customer(work, {"customer_id": "C-1", "version": 1})
    for action in (
        lambda: change(begin, made["id"], region="浙江"),
        lambda: history(begin, made["id"]),
        lambda: change(begin, "C-1", region="浙江"),
    ):
        refused(action, NotFound)
    assert [event.type for event in events(database)] == ["customer_created", "customer_deleted"]
    assert events(database)[-1].data == {"customer_id": str(made["id"])}
    assert create(begin)["id"] != made["id"]


def account(customer_id: UUID, **changes: Any) -> Event:
    told = {
        "customer_id": str(customer_id), "currency": "CNY", "state": "amount", "frozen": False, "freezes": [],
        "limit": "50000.00", "unlimited": False, "exposure": {"total": "0.00"}, "payment_term_days": 45,
        **changes,
    }  # fmt: skip
    return Event(
        uuid4(), "limits.account_changed", "limits", str(customer_id), 1, str(customer_id), "", "", "",
        {"account": told},
    )  # fmt: skip


def rating(customer_id: UUID, grade: str) -> Event:
    told = {"customer_id": str(customer_id), "grade": grade, "score": "650", "rated_on": "2026-03-01"}
    return Event(
        uuid4(),
        "risk_rules.customer_rated",
        "risk_rules",
        str(customer_id),
        1,
        str(customer_id),
        "",
        "",
        "",
        told,
    )


def tell(begin: Begin, handler: Callable[[UnitOfWork, Event], None], event: Event) -> None:
    with begin() as work:
        handler(work, event)


def test_limit_term_state_and_grade_are_copied_from_those_who_decide_them(begin: Begin) -> None:
    made = create(begin)
    tell(begin, records.copy_rating, rating(made["id"], "B"))
    tell(begin, records.copy_account, account(made["id"]))
    with begin() as work:
        record = records.get_customer(work, "C-1")
    assert record["credit_limit"] == "50000.00"
    assert (record["payment_term_days"], record["credit_status"], record["grade"]) == (45, "amount", "B")
    assert record["version"] == 1
    tell(begin, records.copy_account, account(made["id"], frozen=True, limit=None, unlimited=True))
    with begin() as work:
        record = records.get_customer(work, "C-1")
    assert (record["credit_status"], record["credit_limit"], record["credit_unlimited"]) == (
        "frozen",
        None,
        True,
    )


@pytest.mark.parametrize(
    "changes", [{}, {"state": "expired"}, {"state": "unset", "limit": None, "exposure": {"total": "0.01"}}]
)
def test_a_customer_who_has_credit_or_owes_something_cannot_be_deleted(
    begin: Begin, changes: dict[str, Any]
) -> None:
    made = create(begin)
    tell(begin, records.copy_account, account(made["id"], **changes))
    with begin() as work:
        problem = refused(lambda: records.delete_customer(work, {"customer_id": "C-1"}), Conflict)
    assert problem.code == "customer_has_credit"


def test_attachments_are_registered_listed_hidden_and_remembered(begin: Begin) -> None:
    made = create(begin)
    received = {
        "customer_id": "C-1", "name": "营业执照.pdf", "content_type": "application/pdf", "size_bytes": 10,
        "sha256": "0" * 64, "storage_key": "attachments/ab/" + "0" * 32,
    }  # fmt: skip
    with begin() as work:
        added = records.add_attachment(work, fields.load(schema.NewAttachment(), received))
    assert "storage_key" not in added
    key = {"customer_id": "C-1", "attachment_id": added["id"]}
    with begin() as work:
        listed = records.list_attachments(work, fields.load(schema.CustomerDetails(), {"customer_id": "C-1"}))
        assert [item["name"] for item in listed["items"]] == ["营业执照.pdf"]
        assert "storage_key" not in listed["items"][0]
        assert records.get_attachment(work, key)["storage_key"] == received["storage_key"]
        records.delete_attachment(work, key)
        refused(lambda: records.get_attachment(work, key), NotFound)
        refused(lambda: records.delete_attachment(work, key), NotFound)
    actions = [entry["action"] for entry in history(begin, made["id"])]
    assert actions == ["attachment_removed", "attachment_added", "created"]


def test_another_customers_attachment_is_not_found(begin: Begin) -> None:
    create(begin)
    create(begin, code="C-2", uscc=None)
    received = {
        "customer_id": "C-1", "name": "a", "content_type": "text/plain", "size_bytes": 1, "sha256": "0" * 64,
        "storage_key": "attachments/ab/" + "1" * 32,
    }  # fmt: skip
    with begin() as work:
        added = records.add_attachment(work, received)
        key = {"customer_id": "C-2", "attachment_id": added["id"]}
        refused(lambda: records.get_attachment(work, key), NotFound)


def test_the_published_form_is_answered_with_its_version(begin: Begin) -> None:
    with begin() as work:
        form = designing.get_form(work, "customer")
        assert [item["key"] for item in designing.list_forms(work)] == ["customer"]
        refused(lambda: designing.get_form(work, "order"), NotFound)
    assert form["version"] == 1
    assert {"industry", "registered_capital", "listed"} <= {field["key"] for field in form["fields"]}
    assert Decimal(form["version"]) == 1
