"""To-dos that fired rules ask for: for whom, once per episode, and done by one for all."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from services.common.errors import Conflict
from tests.integration.workflow.conftest import LENA, MIA, RITA, RON, ROOT, House


def fired(customer_id: str, *actions: dict[str, Any], episode: int = 1, **more: Any) -> dict[str, Any]:
    """What the rules tell when one has fired."""
    told = {"rule_key": "overdue", "rule_version": 1, "customer_id": customer_id, "customer_code": "C"}
    return {**told, "episode": episode, "salesperson": "mia", "actions": list(actions), **more}


def todo(assignee: str, **more: Any) -> dict[str, Any]:
    return {"kind": "todo", "assignee": assignee, "title": "催收", **more}


def todos(house: House, person: Any, customer_id: str, state: str = "open") -> list[dict[str, Any]]:
    found = house.ask("list_todos", person, where={"state": state}, page_size=200)["items"]
    return [each for each in found if each["customer_id"] == customer_id]


def test_a_rule_gives_a_todo_to_the_owner_the_named_and_everybody_with_the_role(house: House) -> None:
    for assignee, people in (("sales_owner", [MIA]), ("lena", [LENA]), ("role:risk_analyst", [RITA, RON])):
        customer = str(uuid4())
        actions = (todo(assignee), {"kind": "mail", "to": ["lena"]})
        house.door.tell("risk_rules", "rule_fired", customer, fired(customer, *actions))
        house.door.settle()
        for person in (MIA, LENA, RITA, RON, ROOT):
            assert len(todos(house, person, customer)) == (person in people), (assignee, person.username)


def test_a_todo_says_whose_name_its_title_may_hold(house: House) -> None:
    customer = house.customer()
    told = fired(customer, todo("lena", title="催收 客户"), rule_key="named")
    house.door.tell("risk_rules", "rule_fired", customer, told)
    house.door.settle()
    (shown,) = todos(house, LENA, customer)
    (event,) = [
        each["task"]
        for each in house.door.log_of("workflow", "task_created")
        if each["task"]["id"] == shown["id"]
    ]
    # From it the name is known in the title by whoever keeps it from somebody.
    assert event["summary"]["customer_name"].startswith("客户")


def test_a_todo_for_nobody_goes_to_the_administrators(house: House) -> None:
    for assignee, more in (
        ("nobody", {}), ("role:nobody", {}), ("sales_owner", {"salesperson": None}),
        ("sales_owner", {"salesperson": "gone"}),
    ):  # fmt: skip
        customer = str(uuid4())
        house.door.tell("risk_rules", "rule_fired", customer, fired(customer, todo(assignee), **more))
        house.door.settle()
        assert len(todos(house, ROOT, customer)) == 1, assignee


def test_an_episode_told_twice_asks_once_and_the_next_episode_asks_again(house: House) -> None:
    customer = str(uuid4())
    for episode in (1, 1, 2, 1):
        told = fired(customer, todo("lena"), episode=episode)
        house.door.tell("risk_rules", "rule_fired", customer, told)
    house.door.settle()
    assert len(todos(house, LENA, customer)) == 2
    for task in todos(house, LENA, customer):
        house.ask("finish_todo", LENA, task_id=task["id"])
    house.door.tell("risk_rules", "rule_fired", customer, fired(customer, todo("lena")))
    house.door.settle()
    assert todos(house, LENA, customer) == [], "what is done stays done"


def test_one_who_finishes_a_todo_takes_it_from_the_others(house: House) -> None:
    customer = str(uuid4())
    house.door.tell("risk_rules", "rule_fired", customer, fired(customer, todo("role:risk_analyst")))
    house.door.settle()
    [of_rita], [of_ron] = todos(house, RITA, customer), todos(house, RON, customer)
    done = house.ask("finish_todo", RITA, "t-1", task_id=of_rita["id"], opinion="已电话催收")
    assert (done["state"], done["opinion"]) == ("done", "已电话催收")
    assert house.ask("finish_todo", RITA, "t-1", task_id=of_rita["id"], opinion="已电话催收") == done
    assert todos(house, RON, customer, "superseded")[0]["id"] == of_ron["id"]
    problem = house.refused("finish_todo", RON, task_id=of_ron["id"])
    assert (problem.code, problem.data) == ("task_closed", {"state": "superseded"})


def test_todos_and_approvals_are_not_mistaken_for_each_other(house: House) -> None:
    customer = str(uuid4())
    house.door.tell("risk_rules", "rule_fired", customer, fired(customer, todo("lena")))
    approval = house.task(LENA, house.submitted("100.00")["id"])
    [task] = todos(house, LENA, customer)
    problem = house.refused("finish_todo", LENA, task_id=approval)
    assert (type(problem), problem.code) == (Conflict, "not_a_todo")
    for method in ("approve_task", "reject_task", "return_task"):
        assert house.refused(method, LENA, task_id=task["id"]).code == "not_an_approval"
    problem = house.refused("comment_task", LENA, task_id=task["id"], opinion="嗯")
    assert problem.code == "no_instance"
    assert approval not in {each["id"] for each in house.ask("list_todos", LENA, page_size=200)["items"]}
    shown = house.ask("list_tasks", LENA, where={"kind": "todo"}, page_size=200)["items"]
    assert {each["kind"] for each in shown} == {"todo"}
    assert house.refused("list_todos", LENA, where={"colour": "red"}).code == "filter_unknown"
    assert {each["id"] for each in todos(house, LENA, customer)} == {task["id"]}


def test_somebody_who_has_left_gets_no_more_tasks(house: House) -> None:
    house.tell_user(RON, active=False)
    application = house.submitted("60000.00")
    assert len(house.tasks(RITA, application["id"])) == 1
    assert house.tasks(RON, application["id"]) == []
    house.tell_user(RON)
    house.door.settle()
    assert len(house.tasks(RON, house.submitted("60000.00")["id"])) == 1


def test_a_task_shows_how_its_customer_stands_whatever_was_told_first(house: House) -> None:
    application = house.submitted("100.00")
    customer = application["customer_id"]
    rated = {"customer_id": customer, "grade": "B", "score": 75, "rated_on": "2026-03-01"}
    house.door.tell("risk_rules", "customer_rated", customer, rated)
    house.ask("approve_task", LENA, task_id=house.task(LENA, application["id"]))
    asked = {"customer_id": customer, "amount": "200.00", "currency": "CNY"}
    second = house.door.ask("application", "create_application", asked, MIA)
    house.submit(second["id"])
    [task] = house.tasks(LENA, second["id"])
    summary = task["summary"]
    assert (summary["grade"], summary["limit"], summary["exposure"], summary["state"]) == (
        "B", "100.00", "0.00", "amount",
    )  # fmt: skip
    assert (summary["customer"], summary["amount"]) == (second["customer_name"], "200.00")
