"""What people do besides deciding: hand on, ask others, press, take back; each once, each on the timeline."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.common.caller import Caller
from services.common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.integration.workflow.conftest import BORIS, CARL, LENA, MIA, PEOPLE, RITA, RON, ROOT, House

START, END = {"key": "start", "type": "start"}, {"key": "end", "type": "end"}


def person(key: str, *names: str, **said: Any) -> dict[str, Any]:
    """A node where these people decide."""
    asked = [{"kind": "user", "value": name} for name in names]
    return {"key": key, "type": "approval", "title": key, "approvers": asked, **said}


def row(*nodes: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A flow of nodes in a row."""
    keys = ["start", *(node["key"] for node in nodes), "end"]
    edges = [{"from": a, "to": b} for a, b in itertools.pairwise(keys)]
    return {"nodes": [START, *nodes, END], "edges": edges, **said}


class Flow:
    """One flow of its own, and the instances that are started of it."""

    def __init__(self, house: House, graph: dict[str, Any]) -> None:
        self.house = house
        self.key = f"f-{uuid4().hex[:8]}"
        house.ask("create_flow", ROOT, key=self.key, name="试用", graph=graph)
        house.ask("publish_flow", ROOT, flow=self.key)

    def start(self, caller: Caller = MIA, **asked: Any) -> str:
        """A new instance's id."""
        made = self.house.ask("start_instance", caller, flow=self.key, **asked)
        return str(made["id"])

    def task(self, instance: str, caller: Caller) -> str:
        """The id of somebody's one open task."""
        [found] = self.tasks(instance, caller)
        return str(found["id"])

    def tasks(self, instance: str, caller: Caller) -> list[dict[str, Any]]:
        """Somebody's open tasks."""
        found = self.house.ask("list_tasks", caller, where={"state": "open"}, page_size=200)["items"]
        return [task for task in found if task["instance_id"] == instance]

    def act(self, method: str, instance: str, caller: Caller, **said: Any) -> Any:
        """Somebody acts on their one open task."""
        return self.house.ask(method, caller, task_id=self.task(instance, caller), **said)

    def refused(self, method: str, instance: str, caller: Caller, **said: Any) -> Any:
        """The refusal of an action on one's open task."""
        return self.house.refused(method, caller, None, task_id=self.task(instance, caller), **said)

    def waiting(self, instance: str) -> list[str]:
        """Who has an open approval, by name."""
        return [each.username for each in PEOPLE for _ in self.tasks(instance, each)]

    def show(self, instance: str) -> Any:
        """The instance as an administrator sees it."""
        return self.house.ask("get_instance", ROOT, instance_id=instance)

    def actions(self, instance: str) -> list[str]:
        """What the timeline says happened."""
        return [line["action"] for line in self.show(instance)["timeline"]]


def test_a_task_is_handed_on_and_stays_handed_on(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    instance = flow.start()
    refused = flow.refused("transfer_task", instance, LENA, to="nobody")
    assert (type(refused), refused.code) == (Invalid, "user_unknown")
    assert flow.refused("transfer_task", instance, LENA, to="mia").code == "own_application"
    assert flow.refused("transfer_task", instance, LENA, to="lena").code == "oneself"
    task = flow.task(instance, LENA)
    flow.act("transfer_task", instance, LENA, to="carl", opinion="更熟悉")
    assert flow.waiting(instance) == ["carl"]
    assert house.refused("approve_task", LENA, None, task_id=task).code == "task_closed"
    flow.act("transfer_task", instance, CARL, to="lena")
    flow.act("approve_task", instance, LENA)
    assert flow.show(instance)["state"] == "approved"
    assert flow.actions(instance) == ["submit", "transfer", "transfer", "approve", "approved"]


def test_a_delegated_task_comes_back_with_an_opinion(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    instance = flow.start()
    flow.act("delegate_task", instance, LENA, to="rita")
    assert flow.waiting(instance) == ["rita"]
    flow.act("reject_task", instance, RITA, opinion="我不同意")
    assert flow.show(instance)["state"] == "running"
    assert flow.waiting(instance) == ["lena"]
    flow.act("approve_task", instance, LENA)
    assert flow.actions(instance) == ["submit", "delegate", "advise_reject", "approve", "approved"]


def test_signers_are_added_before_after_and_beside_and_taken_away(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    instance = flow.start()
    flow.act("add_signers", instance, LENA, to=["rita"], when="before")
    assert flow.waiting(instance) == ["rita"]
    flow.act("approve_task", instance, RITA)
    assert flow.waiting(instance) == ["lena"]
    flow.act("add_signers", instance, LENA, to=["carl", "ron"], when="after")
    assert flow.refused("add_signers", instance, LENA, to=["carl"], when="beside").code == "already_asked"
    assert flow.waiting(instance) == ["lena"]
    flow.act("remove_signer", instance, LENA, who="ron")
    assert flow.refused("remove_signer", instance, LENA, who="ron").code == "not_asked"
    flow.act("approve_task", instance, LENA)
    assert flow.waiting(instance) == ["carl"]
    flow.act("approve_task", instance, CARL)
    assert flow.show(instance)["state"] == "approved"
    beside = flow.start()
    flow.act("add_signers", beside, LENA, to=["rita"], when="beside")
    assert sorted(flow.waiting(beside)) == ["lena", "rita"]
    flow.act("reject_task", beside, RITA)
    assert flow.show(beside)["state"] == "rejected"


@pytest.mark.parametrize(
    ("said", "steps", "state"),
    [
        ({"mode": "all"}, [("lena", "approve"), ("rita", "approve"), ("carl", "approve")], "approved"),
        ({"mode": "all"}, [("lena", "approve"), ("carl", "reject")], "rejected"),
        ({"mode": "order"}, [("lena", "approve"), ("rita", "approve"), ("carl", "approve")], "approved"),
        ({"mode": "ratio", "ratio": 60}, [("carl", "approve"), ("rita", "approve")], "approved"),
        ({"mode": "ratio", "ratio": 60}, [("carl", "reject"), ("rita", "reject")], "rejected"),
        ({"veto": False}, [("carl", "reject"), ("rita", "approve")], "approved"),
    ],
)
def test_each_mode_is_counted_by_its_rule(
    house: House, said: dict[str, Any], steps: list[tuple[str, str]], state: str
) -> None:
    flow = Flow(house, row(person("one", "lena", "rita", "carl", **said)))
    instance = flow.start()
    by_name = {each.username: each for each in PEOPLE}
    for place, (name, action) in enumerate(steps):
        assert flow.show(instance)["state"] == "running"
        if said.get("mode") == "order":
            assert flow.waiting(instance) == [steps[place][0]]
        flow.act(f"{action}_task", instance, by_name[name])
    assert flow.show(instance)["state"] == state
    assert flow.waiting(instance) == []


def test_parallel_branches_wait_for_each_other_and_a_copy_is_read(house: House) -> None:
    graph = {
        "nodes": [
            START, END, {"key": "split", "type": "split"}, {"key": "join", "type": "join"},
            person("a", "lena"), person("b", "rita"), person("c", "carl"),
            {"key": "copy", "type": "cc", "to": [{"kind": "user", "value": "ron"}]},
        ],
        "edges": [
            {"from": "start", "to": "split"}, {"from": "split", "to": "a"}, {"from": "split", "to": "b"},
            {"from": "b", "to": "copy"}, {"from": "a", "to": "join"}, {"from": "copy", "to": "join"},
            {"from": "join", "to": "c"}, {"from": "c", "to": "end"},
        ],
    }  # fmt: skip
    flow = Flow(house, graph)
    instance = flow.start()
    assert sorted(flow.waiting(instance)) == ["lena", "rita"]
    flow.act("approve_task", instance, RITA)
    assert sorted(flow.waiting(instance)) == ["lena", "ron"]
    [copy] = flow.tasks(instance, RON)
    assert copy["kind"] == "cc"
    assert house.refused("approve_task", RON, None, task_id=copy["id"]).code == "not_an_approval"
    house.ask("finish_todo", RON, task_id=copy["id"])
    flow.act("approve_task", instance, LENA)
    assert flow.waiting(instance) == ["carl"]
    refused = flow.refused("return_task", instance, CARL, to="nowhere")
    assert (type(refused), refused.code) == (Invalid, "node_not_passed")
    flow.act("return_task", instance, CARL, to="b", resume="straight")
    assert flow.waiting(instance) == ["rita"]
    assert house.refused("return_task", RITA, None, task_id=flow.task(instance, RITA), to="a").status == 422
    flow.act("approve_task", instance, RITA)
    assert flow.waiting(instance) == ["carl"], "straight back to who sent it back"
    flow.act("return_task", instance, CARL, to="b")
    flow.act("approve_task", instance, RITA)
    assert sorted(flow.waiting(instance)) == ["carl", "ron"], "through all again from there"


def test_returned_to_the_initiator_it_may_come_straight_back(house: House) -> None:
    application = house.submitted("60000.00")
    house.ask("approve_task", RITA, task_id=house.task(RITA, application["id"]))
    of_carl = house.task(CARL, application["id"])
    house.ask("return_task", CARL, task_id=of_carl, resume="straight", opinion="补材料")
    assert house.status(application["id"]) == "returned"
    house.submit(application["id"])
    assert house.tasks(RITA, application["id"]) == []
    house.ask("approve_task", CARL, task_id=house.task(CARL, application["id"]))
    assert house.status(application["id"]) == "effective"


def test_what_a_node_wants_and_lets_people_do_is_held(house: House) -> None:
    node = person(
        "one", "lena", opinion="required", signature=True, actions=["approve", "comment"],
        fields={"额度": "required", "备注": "edit", "底价": "read"},
    )  # fmt: skip
    flow = Flow(house, row(node, fields={"额度": "number", "备注": "text", "底价": "number"}))
    instance = flow.start(fields={"底价": "5"})
    shown = house.ask("get_task", LENA, task_id=flow.task(instance, LENA))
    assert (shown["actions"], shown["opinion"], shown["signature"]) == (
        ["approve", "comment"],
        "required",
        True,
    )
    assert flow.refused("reject_task", instance, LENA, opinion="x").code == "action_not_offered"
    assert flow.refused("approve_task", instance, LENA).errors[0]["field"] == "opinion"
    assert flow.refused("approve_task", instance, LENA, opinion="可").errors[0]["field"] == "signature"
    said = {"opinion": "可", "signature": "data:image/png;base64,AAAA"}
    assert flow.refused("approve_task", instance, LENA, **said).errors[0]["field"] == "fields.额度"
    problem = flow.refused("approve_task", instance, LENA, **said, fields={"底价": "1"})
    assert (type(problem), problem.code) == (Forbidden, "field_not_editable")
    flow.act("approve_task", instance, LENA, **said, fields={"额度": "12", "备注": "好"})
    assert flow.show(instance)["data"]["fields"] == {"额度": "12", "备注": "好", "底价": "5"}


def test_a_hidden_field_is_not_shown_to_whom_it_is_hidden_from(house: House) -> None:
    flow = Flow(house, row(person("one", "lena", fields={"底价": "hidden"}), fields={"底价": "number"}))
    instance = flow.start(fields={"底价": "5", "备注": "x"})
    task = house.ask("get_task", LENA, task_id=flow.task(instance, LENA))
    assert task["fields"] == {"备注": "x"}
    seen = house.ask("get_instance", LENA, instance_id=instance)
    assert seen["data"]["fields"] == {"备注": "x"}
    assert flow.show(instance)["data"]["fields"] == {"底价": "5", "备注": "x"}


def test_the_next_approvers_are_chosen_and_fields_name_people(house: House) -> None:
    chosen = {"key": "two", "type": "approval", "approvers": [{"kind": "chosen_by_previous"}]}
    named = {"key": "three", "type": "approval", "approvers": [{"kind": "field", "value": "负责人"}]}
    wish = {"kind": "expression", "value": 'IF(amount > 5, "carl", "ron")'}
    computed = {"key": "four", "type": "approval", "approvers": [wish]}
    flow = Flow(house, row(person("one", "lena"), chosen, named, computed, fields={"负责人": "text"}))
    instance = flow.start(amount="10.00", currency="CNY", fields={"负责人": "boris"})
    assert flow.refused("approve_task", instance, LENA, choose={"three": ["ron"]}).code == "not_to_choose"
    flow.act("approve_task", instance, LENA, choose={"two": ["ron"]})
    assert flow.waiting(instance) == ["ron"]
    flow.act("approve_task", instance, RON)
    assert flow.waiting(instance) == ["boris"]
    flow.act("approve_task", instance, BORIS)
    assert flow.waiting(instance) == ["carl"]


def test_beyond_ones_authority_it_goes_on_upwards(house: House) -> None:
    roles = [{"role": "department_manager", "amount": "1000"}, {"role": "cfo", "amount": None}]
    assert isinstance(house.refused("set_authorities", LENA, None, items=[]), Forbidden)
    house.ask("set_authorities", ROOT, items=roles)
    try:
        flow = Flow(house, row(person("one", "lena", authority=True)))
        small, large = (flow.start(amount=amount, currency="CNY") for amount in ("1000.00", "1000.01"))
        flow.act("approve_task", small, LENA)
        assert flow.show(small)["state"] == "approved"
        flow.act("approve_task", large, LENA)
        assert flow.waiting(large) == ["boris"], "the next head above"
        flow.act("approve_task", large, BORIS)
        assert flow.waiting(large) == ["root"], "above the highest, the administrators"
        flow.act("approve_task", large, ROOT)
        assert flow.show(large)["state"] == "approved"
        less = flow.start(amount="5000.00", currency="CNY")
        flow.act("approve_task", less, LENA, approved={"amount": "900.00"})
        assert flow.show(less)["state"] == "approved", "judged on what was approved"
    finally:
        house.ask("set_authorities", ROOT, items=[])


def test_an_absence_sends_the_work_to_the_deputy(house: House) -> None:
    span = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z"}
    refused = house.refused("add_absence", LENA, None, username="carl", deputy="ron", **span)
    assert isinstance(refused, Forbidden)
    flow, other = (Flow(house, row(person("one", "lena"))) for _ in range(2))
    absence = house.ask("add_absence", LENA, deputy="ron", flow=flow.key, **span)
    try:
        instance = flow.start()
        assert flow.waiting(instance) == ["ron"]
        [task] = flow.tasks(instance, RON)
        assert task["stands_for"] == "lena"
        flow.act("approve_task", instance, RON)
        assert flow.show(instance)["timeline"][-2]["detail"]["stands_for"] == "lena"
        assert other.waiting(other.start()) == ["lena"]
    finally:
        house.ask("end_absence", LENA, absence_id=absence["id"])
    assert flow.waiting(flow.start()) == ["lena"]
    assert isinstance(house.refused("end_absence", LENA, None, absence_id=absence["id"]), NotFound)


def test_the_work_of_somebody_on_leave_goes_to_their_stand_in(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    leave = {"from": "2020-01-01", "until": "2099-12-31", "stand_in": "carl"}
    for away, waiting in ((leave, "carl"), (leave | {"until": "2020-01-31"}, "lena"), (None, "lena")):
        house.tell_user(LENA, leave=away)
        house.door.settle()
        assert flow.waiting(flow.start()) == [waiting]


def test_urging_is_limited_and_mentioned_people_hear_of_it(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    instance = flow.start()
    task = flow.task(instance, LENA)
    house.ask("urge_task", MIA, task_id=task, opinion="客户在等")
    assert house.refused("urge_task", MIA, None, task_id=task).code == "urged_too_often"
    assert isinstance(house.refused("urge_task", CARL, None, task_id=task), NotFound)
    flow.act("comment_task", instance, LENA, opinion="@rita 请看", mention=["rita"])
    flow.act("copy_task", instance, LENA, to=["carl"])
    assert [each["kind"] for each in flow.tasks(instance, CARL)] == ["cc"]
    told = house.door.log_of("workflow", "task_commented")[-1]
    assert told["mention"] == ["rita"]
    assert house.door.log_of("workflow", "task_urged")[-1]["task"]["id"] == task


def test_taking_back_depends_on_the_flow(house: House) -> None:
    untouched = Flow(
        house, row(person("one", "lena"), person("two", "carl"), settings={"withdraw": "untouched"})
    )
    first, second = untouched.start(), untouched.start()
    assert isinstance(house.refused("withdraw_instance", LENA, None, instance_id=first), NotFound)
    assert house.ask("withdraw_instance", MIA, instance_id=first)["state"] == "withdrawn"
    untouched.act("approve_task", second, LENA)
    refused = house.refused("withdraw_instance", MIA, None, instance_id=second)
    assert (type(refused), refused.code) == (Conflict, "not_withdrawable")
    untouched.act("approve_task", second, CARL)
    ended = house.refused("withdraw_instance", MIA, None, instance_id=second)
    assert (ended.status, ended.code, ended.data) == (409, "instance_ended", {"state": "approved"})


def test_administrators_end_and_move_instances_with_a_reason(house: House) -> None:
    flow = Flow(house, row(person("one", "lena"), person("two", "carl")))
    instance = flow.start()
    assert isinstance(
        house.refused("jump_instance", LENA, None, instance_id=instance, to="two", reason="急"), Forbidden
    )
    house.ask("jump_instance", ROOT, instance_id=instance, to="two", reason="lena 休假")
    assert flow.waiting(instance) == ["carl"]
    unknown = house.refused("jump_instance", ROOT, None, instance_id=instance, to="end", reason="急")
    assert unknown.code == "node_unknown"
    house.ask("terminate_instance", ROOT, instance_id=instance, reason="重复提交")
    assert (flow.show(instance)["state"], flow.waiting(instance)) == ("terminated", [])
    assert flow.actions(instance) == ["submit", "jump", "terminate"]


@pytest.fixture
def leaver(house: House) -> Iterator[Caller]:
    """Somebody who leaves in a test and is back afterwards."""
    yield RON
    house.tell_user(RON)
    house.door.settle()


def test_the_work_of_somebody_who_has_left_goes_to_whom_the_flow_names(house: House, leaver: Caller) -> None:
    flow = Flow(house, row(person("one", "ron"), settings={"gone": "user", "gone_user": "boris"}))
    before = flow.start()
    house.tell_user(leaver, active=False)
    house.door.settle()
    assert flow.waiting(before) == ["boris"]
    assert "reassigned" in flow.actions(before)
    after = flow.start()
    assert flow.waiting(after) == ["boris"]
    assert flow.show(after)["timeline"][-1]["detail"]["note"].startswith("ron 已离职")


def test_the_applicant_approves_where_the_installation_lets_them(house: House) -> None:
    def allow(value: bool) -> None:
        duties = {"duties": {"approve_own_application": value}}
        house.door.tell("gateway", "duties_changed", "duties", duties)
        house.door.settle()

    flow = Flow(house, row(person("one", "lena")))
    assert flow.waiting(flow.start(LENA)) == ["boris"]
    allow(True)
    try:
        instance = flow.start(LENA)
        assert flow.waiting(instance) == ["lena"]
        may = Caller(**{**LENA.__dict__, "allows": frozenset({"approve_own_application"})})
        flow.act("approve_task", instance, may)
        assert flow.show(instance)["state"] == "approved"
    finally:
        allow(False)
