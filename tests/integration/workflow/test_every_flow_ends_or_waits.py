"""Whatever flow, whoever acts, however often: an instance ends or somebody has a task, and none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.common.caller import Caller, service_caller
from services.common.clock import FixedClock
from services.common.config import Settings
from services.common.db import Database, UnitOfWork
from services.common.errors import CreditError
from services.common.events import Event
from services.workflow import model, store
from services.workflow.operations import flows, instances, tasks, timers
from services.workflow.people import Company, Person
from services.workflow.seed import seed
from tests.support.flow_graphs import ADMIN, INITIATOR, companies, sound_graphs

_NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SHIPPED = "credit-application"
START, END = {"key": "start", "type": "start"}, {"key": "end", "type": "end"}
SERVICE = service_caller("workflow")
DECISIONS = {"approve": tasks.approve_task, "reject": tasks.reject_task, "return": tasks.return_task}


@pytest.fixture(scope="module")
def database(database_server: Any) -> Iterator[Database]:
    """A database of flows for all examples: each has an application of its own."""
    with database_server.databases(["workflow"]) as prefix:
        url = Settings(database_url=database_server.url, database_prefix=prefix).database("workflow")
        clock = FixedClock(_NOW)
        made = Database(url, model.metadata, name="workflow", clock=clock)
        with made.begin(SERVICE) as work:
            seed(work)
        yield made
        made.dispose()


@dataclass(frozen=True)
class Move:
    """Something that somebody tries: a decision on one of the tasks so far, or an event told again."""

    action: str
    place: int
    share: int | None = None


moves = st.lists(
    st.builds(
        Move,
        st.sampled_from([*["approve"] * 5, "wait", "reject", "return", "withdraw", "submit", "steal"]),
        st.integers(0, 30),
        st.none() | st.integers(1, 99),
    ),
    max_size=10,
)


class Run:
    """One application on its way through the flow in force."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.application: dict[str, Any] = {
            "id": str(uuid4()), "number": "SX", "type": "credit", "customer_id": str(uuid4()),
            "customer_name": "甲", "amount": "80000.00", "currency": "CNY", "term_days": 60,
            "initiator": INITIATOR, "reason": None,
        }  # fmt: skip
        self.decided = 0

    def do(self, operation: Callable[[UnitOfWork], Any], caller: Caller = SERVICE) -> Any:
        """One unit of work."""
        with self._database.begin(caller) as work:
            return operation(work)

    def tell(self, name: str, submission: int = 1) -> None:
        """Apply an event of the application, each time as a new one."""
        key = self.application["id"]
        data = {"application": self.application, "submission": submission}
        event = Event(uuid4(), f"application.{name}", "application", key, 1, key, "", "", "", data)
        handlers = {
            "application_submitted": instances.start_for_application,
            "application_withdrawn": instances.withdraw_for_application,
        }
        self.do(lambda work: handlers[name](work, event))

    def instance(self) -> Any:
        """The newest instance as it stands."""
        key = self.application["id"]
        return self.do(lambda work: store.instance_of_subject(work, "application", key))

    def tasks(self) -> list[dict[str, Any]]:
        """The tasks so far, in the same order for the same run."""
        instance_id: UUID = self.instance()["id"]
        found = self.do(lambda work: store.tasks_of_instance(work, instance_id))
        asked = [task for task in found if task["kind"] == "approval"]
        return sorted(asked, key=lambda task: (task["visit"], task["assignee"]))

    def try_move(self, move: Move) -> None:
        """Try something; only what is open and one's own can be decided."""
        if move.action in ("withdraw", "submit"):
            self.tell("application_submitted" if move.action == "submit" else "application_withdrawn")
            return
        if move.action == "wait":
            self.wait()
            return
        made = [task for task in self.tasks() if task["state"] != "waiting"]
        if not made:
            return
        task = made[move.place % len(made)]
        name = "stranger" if move.action == "steal" else task["assignee"]
        received: dict[str, Any] = {"task_id": task["id"]}
        if move.action == "approve" and move.share is not None:
            asked = Decimal(self.instance()["data"]["approved"]["amount"])
            received["approved"] = {"amount": f"{asked * move.share / 100:.2f}"}
        decide = DECISIONS.get(move.action, tasks.approve_task)
        if move.action == "reject" and task["state"] == "open" and task["node"] in self.nodes_of("handling"):
            decide = tasks.approve_task
        if move.action != "steal" and task["state"] == "open":
            self.do(lambda work: decide(work, received), Caller("user", name, name))
            self.decided += 1
        else:
            with pytest.raises(CreditError) as refusal:
                self.do(lambda work: decide(work, received), Caller("user", name, name))
            assert refusal.value.code == ("not_found" if move.action == "steal" else "task_closed")

    def nodes_of(self, kind: str) -> set[str]:
        """The nodes of one type in the flow that this instance is on."""
        key = tuple(self.instance()[name] for name in ("flow_id", "flow_version"))
        graph = self.do(lambda work: store.graph_of_version(work, *key))
        return {node["key"] for node in graph["nodes"] if node["type"] == kind}

    def wait(self) -> None:
        """Let every timer of this instance fire, as if its time had come."""
        instance = self.instance()
        if instance is None:
            return
        which = model.timers.c.instance_id == instance["id"]
        due = model.timers.update().where(which).values(due_at=_NOW)
        self.do(lambda work: work.execute(due))
        timers.fire_due(lambda: self._database.begin(SERVICE))

    def try_again(self, task: dict[str, Any]) -> None:
        """Decide a task that is decided, in each way; nothing may come of it."""
        stood = self.outcome()
        for decide in DECISIONS.values():
            with self._database.begin(Caller("user", "x", task["assignee"])) as work:
                with pytest.raises(CreditError) as refusal:
                    decide(work, {"task_id": task["id"]})
                assert refusal.value.code == "task_closed"
        assert self.outcome() == stood

    def outcome(self) -> Any:
        """What has come of it, without the names and numbers that differ from run to run."""
        instance = self.instance()
        done = [
            (task["node"], task["visit"], task["assignee"], task["state"], task["action"])
            for task in self.tasks()
        ]
        lines = self.do(lambda work: store.timeline_of(work, instance["id"]))
        said = [(line["node"], line["action"], line["actor"], line["detail"]) for line in lines]
        state = tuple(instance[name] for name in ("state", "node", "visit"))
        return state, instance["data"]["approved"], done, said

    def hold(self) -> None:
        """What is true at every moment."""
        instance, made = self.instance(), self.tasks()
        waiting = [task for task in made if task["state"] == "open"]
        if instance["state"] == "running":
            standing = {(node, int(visit)) for visit, node in instance["tokens"]["tokens"].items()}
            resting = {place for place in standing if place[0] in self.nodes_of("delay")}
            assert standing, "somebody must be able to act, or time must pass"
            assert {(task["node"], task["visit"]) for task in waiting} == standing - resting
            assert instance["ended_at"] is None
        else:
            assert not waiting
            assert (instance["ended_at"] is None) == (instance["state"] == "granting")
        assert INITIATOR not in {task["assignee"] for task in made}
        assert len({(task["visit"], task["assignee"]) for task in made}) == len(made)
        done = [task for task in made if task["state"] == "done"]
        assert len(done) == self.decided
        commands = model.metadata.tables["commands"]
        mine = select(commands.c.key).where(commands.c.key.startswith(str(instance["id"])))
        asked = [key.rpartition(":")[2] for key in self.do(lambda work: work.execute(mine).scalars().all())]
        says = {"granting": ["grant"], "rejected": ["reject"], "returned": ["return"]}
        assert asked == says.get(instance["state"], [])


def _set_up(database: Database, graph: dict[str, Any], company: Company) -> None:
    with database.begin(SERVICE) as work:
        work.execute(model.users.delete())
        work.execute(model.departments.delete())
        for person in company.people.values():
            user = {"username": person.username, "name": person.username, "department": person.department}
            store.save_user(work, {**user, "roles": list(person.roles), "active": person.active})
        for unit in company.departments.values():
            department = {"code": unit.code, "name": unit.code, "parent": unit.parent, "head": unit.head}
            store.save_department(work, department)
        flows.change_flow(work, {"flow": SHIPPED, "graph": graph})
        flows.publish_flow(work, SHIPPED, {})


@given(sound_graphs(), companies(), moves)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_instance_ends_or_waits_whatever_is_tried_and_the_same_comes_of_the_same(
    database: Database, graph: dict[str, Any], company: Company, tried: list[Move]
) -> None:
    _set_up(database, graph, company)
    assert company.people[ADMIN].active
    outcomes = []
    for _ in range(2):
        run = Run(database)
        run.tell("application_submitted")
        run.hold()
        for move in tried:
            run.try_move(move)
            run.hold()
        outcomes.append(run.outcome())
    assert outcomes[0] == outcomes[1]


@given(sound_graphs(), companies(), moves)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_tried_twice_counts_once(
    database: Database, graph: dict[str, Any], company: Company, tried: list[Move]
) -> None:
    _set_up(database, graph, company)
    run = Run(database)
    run.tell("application_submitted")
    for move in tried:
        run.try_move(move)
        for task in run.tasks():
            if task["state"] == "done":
                run.try_again(task)
        run.tell("application_submitted")
        run.hold()


def test_a_late_withdrawal_of_an_earlier_submission_leaves_the_new_flow_alone(database: Database) -> None:
    bob = {"bob": Person("bob", None, ())}
    nodes = [START, {"key": "one", "type": "approval", "approvers": [{"kind": "user", "value": "bob"}]}, END]
    edges = [{"from": "start", "to": "one"}, {"from": "one", "to": "end"}]
    _set_up(database, {"nodes": nodes, "edges": edges}, Company(bob, {}))
    run = Run(database)
    run.tell("application_withdrawn")
    assert run.instance() is None, "a withdrawal of what never began is nothing"
    run.tell("application_submitted")
    run.try_move(Move("return", 0))
    run.hold()
    run.tell("application_submitted", 2)
    run.tell("application_withdrawn", 1)
    assert (run.instance()["state"], run.instance()["submission"]) == ("running", 2)
    assert [task["state"] for task in run.tasks()] == ["open"]
    run.tell("application_withdrawn", 2)
    assert (run.instance()["state"], [task["state"] for task in run.tasks()]) == ("withdrawn", ["cancelled"])
