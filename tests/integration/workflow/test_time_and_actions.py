"""Time passes and things happen by themselves, each once: deadlines, delays, commands, webhooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from credit.suite import database_of
from services.common.caller import service_caller
from services.common.db import Database
from services.common.outgoing import Outgoing
from services.workflow import model
from services.workflow.operations import timers
from tests.integration.workflow.conftest import BORIS, CARL, LENA, MIA, ROOT, House
from tests.integration.workflow.test_people_act import END, START, Flow, person, row
from tests.support.wait import wait_until

SERVICE = service_caller("workflow")
LOCAL = Outgoing(["127.0.0.1"])
_SECONDS_MAX = 15


@pytest.fixture(scope="module")
def database(house: House) -> Iterator[Database]:
    """The flows' database, beside the service."""
    with database_of(house.door.settings, "workflow") as made:
        yield made


def hurry(database: Database, instance: str, *kinds: str) -> None:
    """Let the time of an instance's timers come."""
    with database.begin(SERVICE) as work:
        which = (model.timers.c.instance_id == instance) & model.timers.c.kind.in_(kinds)
        work.execute(update(model.timers).where(which).values(due_at=work.now))


def until(flow: Flow, instance: str, action: str) -> None:
    """Wait until the running service has done something."""
    wait_until(lambda: action in flow.actions(instance), _SECONDS_MAX, what=action)


@pytest.mark.parametrize(
    ("then", "action", "waiting", "state"),
    [
        ({"then": "remind"}, "reminded", ["lena"], "running"),
        ({"then": "escalate"}, "escalate", ["boris"], "running"),
        ({"then": "transfer", "to": "carl"}, "transfer", ["carl"], "running"),
        ({"then": "approve"}, "approved", [], "approved"),
        ({"then": "reject"}, "reject", [], "rejected"),
    ],
)
def test_a_deadline_does_what_the_node_says(
    house: House, database: Database, then: dict[str, Any], action: str, waiting: list[str], state: str
) -> None:
    flow = Flow(house, row(person("one", "lena", deadline={"hours": 8, "remind": [2], **then})))
    instance = flow.start()
    [task] = flow.tasks(instance, LENA)
    assert task["due_at"] > task["created_at"]
    hurry(database, instance, "reminder")
    until(flow, instance, "reminded")
    hurry(database, instance, "deadline")
    until(flow, instance, action)
    wait_until(lambda: flow.show(instance)["state"] == state, _SECONDS_MAX, what=state)
    assert flow.waiting(instance) == waiting


def test_of_many_who_look_one_fires(house: House, database: Database) -> None:
    delay = {"key": "wait", "type": "delay", "hours": 1}
    flow = Flow(house, row(delay, person("one", "lena")))
    instance = flow.start()
    assert flow.waiting(instance) == []
    hurry(database, instance, "delay")
    fired: list[int] = []
    look = [
        threading.Thread(target=lambda: fired.append(timers.fire_due(lambda: database.begin(SERVICE))))
        for _ in range(6)
    ]
    for thread in look:
        thread.start()
    for thread in look:
        thread.join(_SECONDS_MAX)
    wait_until(lambda: flow.waiting(instance) == ["lena"], _SECONDS_MAX, what="the task")
    assert sum(fired) <= 1
    assert len(flow.show(instance)["tasks"]) == 1


def test_a_timer_that_cannot_fire_holds_up_no_other(house: House, database: Database) -> None:
    delay = {"key": "wait", "type": "delay", "hours": 1}
    graph = row(delay, {"key": "by", "type": "condition"}, person("one", "lena"))
    graph["edges"][-2]["when"] = "amount > 1"
    graph["edges"].append({"from": "by", "to": "end"})
    stuck = Flow(house, graph).start()
    with database.begin(SERVICE) as work:
        damaged = {
            "data": {**house.ask("get_instance", ROOT, instance_id=stuck)["data"], "amount": "damaged"}
        }
        work.execute(update(model.instances).where(model.instances.c.id == stuck).values(damaged))
    flow = Flow(house, row(delay, person("one", "lena")))
    other = flow.start()
    # In this order: what is due the longest is tried first.
    hurry(database, stuck, "delay")
    hurry(database, other, "delay")
    wait_until(lambda: flow.waiting(other) == ["lena"], _SECONDS_MAX, what="the other's task")
    assert flow.show(stuck)["state"] == "running"
    with database.begin(SERVICE) as work:
        which = (model.timers.c.instance_id == stuck) & (model.timers.c.due_at > work.now)
        assert work.execute(select(model.timers.c.attempts).where(which)).scalar_one() >= 1


def test_conditions_and_approvers_know_the_time(house: House) -> None:
    graph = row({"key": "by", "type": "condition"}, person("late", "lena"))
    asked = [{"kind": "expression", "value": 'IF(valid_to < TODAY(), "boris", "carl")'}]
    graph["nodes"].append({"key": "soon", "type": "approval", "approvers": asked})
    graph["edges"][-2]["when"] = "valid_to > DATEADD(TODAY(), 1)"
    graph["edges"] += [{"from": "by", "to": "soon"}, {"from": "soon", "to": "end"}]
    flow = Flow(house, graph)
    assert flow.waiting(flow.start(valid_to="2999-12-31")) == ["lena"]
    assert flow.waiting(flow.start(valid_to="2020-01-01")) == ["boris"]


def test_conditions_count_the_days_on_which_the_company_works(house: House) -> None:
    """2031-01-06 is a Monday: with that day off, Friday's next day of work is the Tuesday."""
    graph = row({"key": "by", "type": "condition"}, person("one", "lena"))
    graph["edges"][-2]["when"] = "NETWORKDAYS(valid_from, valid_to) = 2"
    graph["edges"].append({"from": "by", "to": "end"})
    days = {"valid_from": "2031-01-03", "valid_to": "2031-01-06"}
    flow = Flow(house, graph)
    assert flow.waiting(flow.start(**days)) == ["lena"]
    house.ask("set_calendar", ROOT, days=[{"day": "2031-01-06", "works": False}])
    assert flow.waiting(flow.start(**days)) == []
    house.ask("set_calendar", ROOT, days=[])


def test_what_nobody_could_look_up_as_a_flow_moves_on_is_refused_at_publication(house: House) -> None:
    graph = row({"key": "by", "type": "condition"}, person("one", "lena"))
    graph["edges"][-2]["when"] = 'LOOKUP("客户", "编码", "C-1", "等级") = "A"'
    graph["edges"].append({"from": "by", "to": "end"})
    house.ask("create_flow", ROOT, key="looks-up", name="试用", graph=graph)
    refusal = house.refused("publish_flow", ROOT, None, flow="looks-up")
    assert (refusal.status, refusal.errors[0]["field"], refusal.errors[0]["code"]) == (422, "by", "condition")


class Sink(ThreadingHTTPServer):
    """An HTTP server that answers as it is told and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.keys: list[str] = []
        self.release = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 0:
            self.server.release.wait(_SECONDS_MAX)
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server of the test's own."""
    made = Sink()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.release.set()
    made.shutdown()
    made.server_close()


def webhook_flow(house: House, url: str, *, with_error: bool) -> Flow:
    """A flow that calls outside, and has somebody look at it where that fails, if it has that branch."""
    hook = {"key": "hook", "type": "action", "do": "webhook", "url": url, "values": {"金额": "amount"}}
    graph = row(hook)
    if with_error:
        graph["nodes"].append(person("look", "lena"))
        graph["edges"] += [{"from": "hook", "to": "look", "on": "error"}, {"from": "look", "to": "end"}]
    return Flow(house, graph)


def send(database: Database, outgoing: Outgoing = LOCAL) -> None:
    """Send what is due, as a replica of its own."""
    timers.send_webhooks(lambda: database.begin(SERVICE), outgoing)


def test_a_webhook_is_tried_again_with_the_same_key(house: House, database: Database, sink: Sink) -> None:
    sink.answers = [500, 302, 200]
    # The service may reach no private address: its own try fails and counts.
    flow = webhook_flow(house, sink.url, with_error=False)
    instance = flow.start(amount="7.00", currency="CNY")
    for _ in range(5):
        if flow.show(instance)["state"] == "approved":
            break
        hurry(database, instance, "webhook")
        send(database)
    assert flow.show(instance)["state"] == "approved"
    assert len(set(sink.keys)) == 1
    assert 1 <= len(sink.keys) <= 3


@pytest.mark.parametrize("with_error", [True, False])
def test_a_webhook_that_hangs_is_given_up_and_the_flow_goes_its_error_branch_or_waits(
    house: House, database: Database, sink: Sink, *, with_error: bool
) -> None:
    sink.answers = [0] * 9
    flow = webhook_flow(house, sink.url, with_error=with_error)
    instance = flow.start()
    impatient = Outgoing(["127.0.0.1"], seconds_max=0.2)

    def tried_enough() -> bool:
        hurry(database, instance, "webhook")
        send(database, impatient)
        return bool({"action_failed", "webhook_parked"} & set(flow.actions(instance)))

    wait_until(tried_enough, _SECONDS_MAX, what="giving up")
    if with_error:
        assert flow.waiting(instance) == ["lena"]
        return
    todos = house.ask("list_todos", ROOT, where={"state": "open"}, page_size=200)["items"]
    assert [todo for todo in todos if todo["subject"]["id"] == flow.show(instance)["subject"]["id"]]
    sink.answers = []
    sink.release.set()
    house.ask("retry_instance", ROOT, instance_id=instance, reason="对方已恢复")
    for _ in range(5):
        hurry(database, instance, "webhook")
        send(database)
    assert flow.show(instance)["state"] == "approved"


def command(key: str, method: str, service: str = "limits", **values: str) -> dict[str, Any]:
    """A node that asks a service for something."""
    return {
        "key": key,
        "type": "action",
        "do": "command",
        "service": service,
        "method": method,
        "values": values,
    }


def test_a_command_after_the_approval_is_done_or_shown_to_an_administrator(house: House) -> None:
    grant = command("grant", "grant_credit", amount="approved_amount", currency="currency", reason='"提额"')
    flow = Flow(house, row(person("one", "lena"), grant))
    customer = house.customer()
    house.door.settle()
    instance = flow.start(amount="800.00", currency="CNY", customer_id=customer)
    flow.act("approve_task", instance, LENA, approved={"amount": "500.00"})
    house.door.settle()
    assert (flow.show(instance)["state"], house.limit(customer)) == ("approved", "500.00")
    broken = Flow(
        house, row(command("grant", "grant_credit", amount="0 - 5", currency="currency", reason='"x"'))
    )
    failed = broken.start(amount="1.00", currency="CNY", customer_id=customer)
    house.door.settle()
    assert broken.show(failed)["state"] == "grant_failed"
    todos = house.ask("list_todos", ROOT, where={"state": "open"}, page_size=200)["items"]
    assert [todo for todo in todos if todo["subject"]["id"] == broken.show(failed)["subject"]["id"]]


def test_fields_are_computed_people_told_and_todos_made_on_the_way(house: House) -> None:
    table = {
        "hit": "first",
        "inputs": [{"expression": "amount"}],
        "outputs": [{"key": "档位", "type": "text"}],
        "rows": [{"when": [">= 100"], "then": ['"高"']}, {"when": ["-"], "then": ['"低"']}],
    }
    to = [{"kind": "user", "value": "carl"}]
    nodes = [
        {"key": "table", "type": "action", "do": "decision_table", "table": table},
        {"key": "write", "type": "action", "do": "write_back", "values": {"额度": "amount * 2"}},
        {"key": "tell", "type": "action", "do": "notify", "to": to, "text": "请关注"},
        {"key": "todo", "type": "action", "do": "todo", "to": to, "text": "回访客户"},
        {"key": "by", "type": "condition"},
        person("high", "lena"),
    ]
    graph = row(*nodes, fields={"额度": "number", "档位": "text"})
    graph["edges"][-2]["when"] = '档位 = "高"'
    graph["edges"].append({"from": "by", "to": "end"})
    flow = Flow(house, graph)
    instance = flow.start(amount="100.00", currency="CNY")
    assert flow.waiting(instance) == ["lena"]
    assert flow.show(instance)["data"]["fields"] == {"档位": "高", "额度": "200"}
    assert house.door.log_of("workflow", "people_notified")[-1]["to"] == ["carl"]
    todos = house.ask("list_todos", CARL, where={"state": "open"}, page_size=200)["items"]
    assert "回访客户" in [todo["title"] for todo in todos]
    low = flow.start(amount="99.00", currency="CNY")
    assert flow.show(low)["state"] == "approved"


def test_a_sub_flow_runs_and_the_flow_waits_for_it(house: House) -> None:
    child = Flow(house, row(person("inner", "boris")))
    sub = {"key": "sub", "type": "subflow", "flow": child.key}
    flow = Flow(house, row(sub, person("after", "carl")))
    instance = flow.start(amount="5.00", currency="CNY")
    until(flow, instance, "subflow_started")
    of_boris = house.ask("list_tasks", BORIS, where={"state": "open"}, page_size=200)["items"]
    [inner] = [each for each in of_boris if each["subject"]["id"] == instance]
    house.ask("approve_task", BORIS, task_id=inner["id"], approved={"amount": "4.00"})
    until(flow, instance, "subflow_ended")
    assert flow.waiting(instance) == ["carl"]
    assert flow.show(instance)["data"]["approved"]["amount"] == "4.00"
    other = flow.start()
    until(flow, other, "subflow_started")
    house.ask("withdraw_instance", MIA, instance_id=other)
    assert flow.waiting(other) == []
    inner_tasks = house.ask("list_tasks", BORIS, where={"state": "open"}, page_size=200)["items"]
    assert other not in [each["subject"]["id"] for each in inner_tasks]


def test_a_rejection_may_have_a_way_of_its_own(house: House) -> None:
    graph = {
        "nodes": [START, END, person("one", "lena"), person("again", "carl")],
        "edges": [
            {"from": "start", "to": "one"},
            {"from": "one", "to": "end"},
            {"from": "one", "to": "again", "on": "reject"},
            {"from": "again", "to": "end"},
        ],
    }
    flow = Flow(house, graph)
    instance = flow.start()
    flow.act("reject_task", instance, LENA)
    assert (flow.show(instance)["state"], flow.waiting(instance)) == ("running", ["carl"])


def test_an_event_starts_the_flow_that_is_bound_to_it(house: House) -> None:
    flow = Flow(house, row(person("one", "lena")))
    bound = house.ask("bind_flow", ROOT, event="customer.customer_created", flow=flow.key)
    try:
        customer = house.customer()
        house.door.settle()
        items = house.ask("list_instances", ROOT, where={"flow_key": flow.key})["items"]
        assert [(each["subject"]["id"], each["initiator"]) for each in items] == [(customer, "mia")]
    finally:
        house.ask("unbind_flow", ROOT, binding_id=bound["id"])
    refused = house.refused("bind_flow", ROOT, None, event="limits.burned", flow=flow.key)
    assert refused.code == "event_unknown"
