"""People decide their tasks: who has which, what each decision leads to, and that each happens once."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from services.common.caller import Caller
from services.common.errors import Conflict, CreditError, Forbidden, Invalid, NotFound
from services.workflow.schema import BATCH_MAX
from tests.integration.workflow.conftest import BORIS, CARL, LENA, MIA, READER, RITA, RON, ROOT, House


def test_a_small_amount_needs_the_department_head_and_takes_effect(house: House) -> None:
    application = house.submitted("49999.99", term_days=30, reason="旺季备货")
    [task] = house.tasks(LENA, application["id"])
    assert task["title"].startswith("部门经理审批")
    summary = task["summary"]
    assert (summary["amount"], summary["term_days"], summary["reason"]) == ("49999.99", 30, "旺季备货")
    answer = house.ask("approve_task", LENA, task_id=task["id"], opinion="同意")
    assert (answer["state"], answer["action"], answer["opinion"]) == ("done", "approve", "同意")
    assert house.status(application["id"]) == "effective"
    assert house.limit(application["customer_id"]) == "49999.99"
    instance = house.instance(task["id"], LENA)
    assert (instance["state"], instance["node"]) == ("effective", "end")
    assert [line["action"] for line in instance["timeline"]] == ["submit", "approve", "approved", "granted"]
    assert [task["state"] for task in instance["tasks"]] == ["done"]


def test_a_large_amount_needs_one_analyst_then_the_officer(house: House) -> None:
    application = house.submitted("50000.00")
    assert house.tasks(LENA, application["id"]) == []
    of_rita, of_ron = house.task(RITA, application["id"]), house.task(RON, application["id"])
    house.ask("approve_task", RON, task_id=of_ron)
    assert house.ask("get_task", RITA, task_id=of_rita)["state"] == "superseded"
    problem = house.refused("reject_task", RITA, task_id=of_rita)
    assert (type(problem), problem.code, problem.data) == (Conflict, "task_closed", {"state": "superseded"})
    assert house.status(application["id"]) == "in_approval"
    house.ask("approve_task", CARL, task_id=house.task(CARL, application["id"]))
    assert house.status(application["id"]) == "effective"
    assert house.limit(application["customer_id"]) == "50000.00"


def test_less_may_be_approved_and_is_what_the_ledger_grants(house: House) -> None:
    application = house.submitted("90000.00", term_days=60)
    less = {"amount": "60000.00", "term_days": 15}
    house.ask("approve_task", RITA, task_id=house.task(RITA, application["id"]), approved=less)
    of_carl = house.task(CARL, application["id"])
    more = house.refused("approve_task", CARL, task_id=of_carl, approved={"amount": "60000.01"})
    assert (type(more), more.code) == (Invalid, "more_than_asked")
    house.ask("approve_task", CARL, task_id=of_carl)
    assert house.status(application["id"]) == "effective"
    assert house.limit(application["customer_id"]) == "60000.00"
    found = house.door.ask("application", "get_application", {"application_id": application["id"]}, MIA)
    assert (found["amount"], found["approved"]["amount"], found["approved"]["term_days"]) == (
        "90000.00", "60000.00", 15,
    )  # fmt: skip


def test_another_currency_may_be_approved_and_is_judged_by_the_rate_of_the_day(house: House) -> None:
    caller = Caller("user", str(uuid4()), "fin", permissions=frozenset({"credit.rates"}))
    rates = {"rates": [{"currency": "SEK", "rate": "0.7"}]}
    house.door.ask("limits", "set_exchange_rates", rates, caller)
    application = house.submitted("70000.00")
    of_rita = house.task(RITA, application["id"])
    too_much = {"amount": "100000.01", "currency": "SEK"}
    assert (
        house.refused("approve_task", RITA, None, task_id=of_rita, approved=too_much).code
        == "more_than_asked"
    )
    house.ask("approve_task", RITA, task_id=of_rita, approved={"amount": "100000.00", "currency": "SEK"})
    house.ask("approve_task", CARL, task_id=house.task(CARL, application["id"]))
    assert house.status(application["id"]) == "effective"
    account = house.door.ask("limits", "get_credit_account", {"customer_id": application["customer_id"]}, MIA)
    assert (account["limit"], account["currency"]) == ("100000.00", "SEK")


def test_the_way_follows_what_was_approved_not_what_was_asked(house: House) -> None:
    application = house.submitted("60000.00")
    house.ask("approve_task", RITA, task_id=house.task(RITA, application["id"]), approved={"amount": "1.00"})
    assert len(house.tasks(CARL, application["id"])) == 1, "the analyst's way leads on to the officer"


def test_amounts_in_other_currencies_are_compared_in_the_base_currency(house: House) -> None:
    unknown = house.submitted("1.00", currency="CHF")
    assert house.tasks(RITA, unknown["id"]), "without a rate the longer path"
    caller = Caller("user", str(uuid4()), "fin", permissions=frozenset({"credit.rates"}))
    for rate, amount, person in (("8", "6249.99", LENA), ("8", "6250.00", RITA), ("4", "6250.00", LENA)):
        rates = {"rates": [{"currency": "CHF", "rate": rate}]}
        house.door.ask("limits", "set_exchange_rates", rates, caller)
        application = house.submitted(amount, currency="CHF")
        assert house.tasks(person, application["id"]), (rate, amount)
        data = {"amount": amount, "currency": "CHF"}
        asked = {"flow": "credit-application", "initiator": "mia", "data": data}
        path = house.ask("simulate_flow", READER, **asked)["path"]
        first = next(step["approvers"] for step in path if step["kind"] == "approval")
        assert person.username in first
    house.ask("approve_task", LENA, task_id=house.task(LENA, application["id"]))
    assert house.status(application["id"]) == "effective"
    assert house.limit(application["customer_id"]) == "6250.00"


@pytest.mark.parametrize(
    ("approved", "code"),
    [
        ({"amount": "100.01"}, "more_than_asked"),
        ({"amount": "0.00"}, "amount_not_positive"),
        ({"amount": "-1.00"}, "amount_not_positive"),
        ({"amount": "1.001"}, "amount_too_precise"),
        ({"amount": "NaN"}, "amount_malformed"),
        ({"amount": "1.00", "currency": "GBP"}, "rate_missing"),
        ({"currency": "USD"}, "required"),
        ({"valid_from": "2026-12-31", "valid_to": "2026-01-01"}, "validity"),
        ({"valid_to": "2025-12-31"}, "validity"),
    ],
)
def test_what_cannot_be_approved_is_refused_and_the_task_stays_open(
    house: House, approved: dict[str, str], code: str
) -> None:
    application = house.submitted("100.00", valid_from="2026-01-01", valid_to="2029-12-31")
    task = house.task(LENA, application["id"])
    problem = house.refused("approve_task", LENA, task_id=task, approved=approved)
    assert (type(problem), problem.code) == (Invalid, code)
    assert house.task(LENA, application["id"]) == task


def test_a_rejection_ends_the_flow_and_the_application(house: House) -> None:
    application = house.submitted("60000.00")
    task = house.task(RITA, application["id"])
    house.ask("reject_task", RITA, task_id=task, opinion="风险过高")
    assert house.status(application["id"]) == "rejected"
    instance = house.instance(task, RITA)
    assert instance["state"] == "rejected"
    assert {each["state"] for each in instance["tasks"]} == {"done", "superseded"}
    assert house.limit(application["customer_id"]) is None


def test_a_returned_application_begins_its_flow_anew(house: House) -> None:
    application = house.submitted("100.00")
    first = house.task(LENA, application["id"])
    house.ask("return_task", LENA, task_id=first, opinion="请补充合同")
    assert house.status(application["id"]) == "returned"
    house.submit(application["id"])
    second = house.task(LENA, application["id"])
    assert second != first
    assert house.refused("approve_task", LENA, task_id=first).code == "task_closed"
    house.ask("approve_task", LENA, task_id=second)
    assert house.status(application["id"]) == "effective"
    instances = [house.instance(task, LENA) for task in (first, second)]
    assert [(each["state"], each["submission"]) for each in instances] == [("returned", 1), ("effective", 2)]


def test_a_withdrawn_application_closes_every_task_of_its_flow(house: House) -> None:
    application = house.submitted("60000.00")
    task = house.task(RITA, application["id"])
    house.withdraw(application["id"])
    instance = house.instance(task, RITA)
    assert instance["state"] == "withdrawn"
    assert [each["state"] for each in instance["tasks"]] == ["cancelled", "cancelled"]
    problem = house.refused("approve_task", RITA, task_id=task)
    assert (problem.code, problem.data) == ("task_closed", {"state": "cancelled"})


def test_of_two_who_decide_at_once_exactly_one_does(house: House) -> None:
    application = house.submitted("60000.00")
    tasks = [(person, house.task(person, application["id"])) for person in (RITA, RON)]
    outcomes: list[str] = []

    def decide(person: Caller, task: str, method: str) -> None:
        try:
            outcomes.append(house.ask(method, person, task_id=task)["action"])
        except CreditError as problem:
            outcomes.append(problem.code)

    threads = [
        threading.Thread(target=decide, args=(person, task, method))
        for person, task in tasks
        for method in ("approve_task", "reject_task", "return_task")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert outcomes.count("task_closed") == 5
    instance = house.instance(tasks[0][1], RITA)
    decided = [line for line in instance["timeline"] if line["action"] in ("approve", "reject", "return")]
    assert len(decided) == 1
    assert sum(task["state"] == "done" for task in instance["tasks"]) == 1


def test_a_retried_decision_is_answered_as_before_and_happens_once(house: House) -> None:
    application = house.submitted("60000.00")
    task = house.task(RITA, application["id"])
    first = house.ask("approve_task", RITA, "d-1", task_id=task)
    assert house.ask("approve_task", RITA, "d-1", task_id=task) == first
    problem = house.refused("approve_task", RITA, "d-1", task_id=task, opinion="另一个意见")
    assert problem.code == "idempotency_key_reused"
    assert house.refused("approve_task", RITA, "d-2", task_id=task).code == "task_closed"
    actions = [line["action"] for line in house.instance(task, RITA)["timeline"]]
    assert actions == ["submit", "approve"]
    assert len(house.tasks(CARL, application["id"])) == 1


def test_everybody_sees_and_decides_their_own_tasks_only(house: House) -> None:
    application = house.submitted("100.00")
    task = house.task(LENA, application["id"])
    instance = house.ask("get_task", LENA, task_id=task)["instance_id"]
    for stranger in (RITA, BORIS, ROOT, MIA):
        assert house.tasks(stranger, application["id"], None) == []
        assert isinstance(house.refused("get_task", stranger, task_id=task), NotFound)
        for method in ("approve_task", "reject_task", "return_task", "comment_task", "finish_todo"):
            problem = house.refused(method, stranger, None, task_id=task, opinion="不是我的")
            assert isinstance(problem, NotFound), method
    for taking_part in (LENA, MIA, ROOT):
        assert house.ask("get_instance", taking_part, instance_id=instance)["id"] == instance
    assert isinstance(house.refused("get_instance", RITA, instance_id=instance), NotFound)
    assert isinstance(house.refused("get_instance", ROOT, instance_id=str(uuid4())), NotFound)
    assert house.task(LENA, application["id"]) == task


def test_every_method_asks_for_its_permission(house: House) -> None:
    task = house.task(LENA, house.submitted("100.00")["id"])
    for method in ("approve_task", "reject_task", "return_task", "comment_task", "finish_todo"):
        assert isinstance(house.refused(method, READER, None, task_id=task), Forbidden), method
    batch = {"action": "approve", "task_ids": [task]}
    assert isinstance(house.refused("act_on_tasks", READER, None, **batch), Forbidden)
    assert isinstance(house.refused("list_todos", READER), Forbidden)


def test_nobody_decides_their_own_application(house: House) -> None:
    application = house.submitted("100.00", LENA)
    assert house.tasks(LENA, application["id"]) == []
    task = house.task(BORIS, application["id"])
    assert house.instance(task, BORIS)["timeline"][-1]["action"] == "reassigned"
    own = house.submitted("60000.00", RITA)
    assert house.tasks(RITA, own["id"]) == []
    assert len(house.tasks(RON, own["id"])) == 1


def test_a_comment_decides_nothing_and_needs_words(house: House) -> None:
    application = house.submitted("100.00")
    task = house.task(LENA, application["id"])
    problem = house.refused("comment_task", LENA, task_id=task)
    assert (type(problem), problem.errors[0]["field"]) == (Invalid, "opinion")
    house.ask("comment_task", LENA, task_id=task, opinion="等合同")
    assert house.task(LENA, application["id"]) == task
    last = house.instance(task, LENA)["timeline"][-1]
    assert (last["action"], last["actor"], last["opinion"]) == ("comment", "lena", "等合同")


def test_each_task_of_a_batch_stands_alone(house: House) -> None:
    first, second = (house.submitted("100.00") for _ in range(2))
    tasks = [house.task(LENA, each["id"]) for each in (first, second)]
    foreign = house.task(RITA, house.submitted("60000.00")["id"])
    ids = [tasks[0], foreign, tasks[0], tasks[1]]
    results = house.ask("act_on_tasks", LENA, action="approve", task_ids=ids)["results"]
    assert [result["status"] for result in results] == ["done", "error", "error", "done"]
    assert [results[place]["problem"]["code"] for place in (1, 2)] == ["not_found", "task_closed"]
    assert [house.status(each["id"]) for each in (first, second)] == ["effective", "effective"]
    assert house.refused("act_on_tasks", LENA, action="burn", task_ids=ids).code == "action_unknown"
    for wrong in ([], [str(uuid4())] * (BATCH_MAX + 1)):
        problem = house.refused("act_on_tasks", LENA, action="approve", task_ids=wrong)
        assert (type(problem), problem.errors[0]["code"]) == (Invalid, "batch_size")


def test_a_grant_that_the_ledger_refuses_is_shown_to_the_administrators(house: House) -> None:
    application = house.submitted("100.00", valid_to="2020-01-01")
    house.ask("approve_task", LENA, task_id=house.task(LENA, application["id"]))
    assert house.status(application["id"]) == "grant_failed"
    todos = house.ask("list_todos", ROOT, where={"state": "open"})["items"]
    [todo] = [todo for todo in todos if todo["subject"]["id"] == application["id"]]
    assert application["number"] in todo["title"]
    house.ask("finish_todo", ROOT, task_id=todo["id"], opinion="已与销售沟通")
    assert house.ask("get_task", ROOT, task_id=todo["id"])["state"] == "done"
