"""An approval happens once or not at all, whoever dies and however many try; deadlines fire in time, once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import eventlet
import psutil
import psycopg2
import pytest
import requests

from credit.demo.client import ApiRefused, Client
from tests.faults.place import Place
from tests.support.processes import ServiceProcess
from tests.support.wait import wait_until

_CRASHED = 86
_SECONDS_MAX = 60
_IN_TIME = timedelta(seconds=5)
_PEOPLE = {"rita": "risk_analyst", "ron": "risk_analyst", "carl": "cfo"}
_TRY_AGAIN = {429, 502, 503}


class Approvals:
    """Applications of the company's salesperson, and those who decide them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        for name, role in _PEOPLE.items():
            body = {"username": name, "password": place.password, "name": name, "department": "HQ"}
            place.admin.post("/users", {**body, "roles": [role]})
        self.clients = {
            name: place.suite.client().sign_in(name, place.password) for name in ("sam", "mia", *_PEOPLE)
        }
        self.sam, self.mia = self.clients["sam"], self.clients["mia"]

    def submitted(self, amount: str) -> dict[str, Any]:
        """A new application of a new customer, in its flow."""
        code = f"W-{secrets.token_hex(4)}"
        customer = self.sam.post("/customers", {"code": code, "name": code, "salesperson": "sam"})
        asked = {"customer_id": customer["id"], "amount": amount, "currency": "CNY", "term_days": 30}
        application: dict[str, Any] = self.sam.post("/applications", asked)
        self.sam.post(f"/applications/{application['id']}:submit")
        return application

    def task(self, name: str, application: dict[str, Any]) -> dict[str, Any]:
        """Somebody's open task on an application, once it is there."""

        def found() -> Any:
            items = self.clients[name].pages("/tasks", state="open")
            return next((each for each in items if each["subject"]["id"] == application["id"]), None)

        task: dict[str, Any] = wait_until(found, _SECONDS_MAX, what="a task", ignoring=(ApiRefused,))
        return task

    def sent(self, client: Client, task: dict[str, Any], key: str) -> requests.Response:
        """One request to approve, whatever comes of it."""
        url = f"{self.place.suite.url}/api/v1/tasks/{task['id']}:approve"
        return client._session.post(url, json={}, headers={"Idempotency-Key": key}, timeout=60)

    def approved(self, client: Client, task: dict[str, Any], key: str) -> dict[str, Any]:
        """Approve until there is a definite answer."""

        def answered() -> requests.Response | None:
            response = self.sent(client, task, key)
            return None if response.status_code in _TRY_AGAIN else response

        response = wait_until(answered, _SECONDS_MAX, what="an answer", ignoring=(requests.RequestException,))
        assert response is not None
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def seen(self, application: dict[str, Any], task: dict[str, Any]) -> tuple[str, list[str], list[str]]:
        """What an instance is now: its state, what its timeline says, and the states of its tasks."""
        found = wait_until(
            lambda: self.place.admin.get(f"/instances/{task['instance_id']}"),
            _SECONDS_MAX,
            what="an instance",
            ignoring=(ApiRefused,),
        )
        return (
            found["state"],
            [line["action"] for line in found["timeline"]],
            [each["state"] for each in found["tasks"]],
        )

    def happened_once(self, application: dict[str, Any], task: dict[str, Any], amount: str) -> None:
        """The application is granted once, and everything that belongs to it is there once."""

        def is_effective() -> bool:
            return bool(self.sam.get(f"/applications/{application['id']}")["status"] == "effective")

        wait_until(is_effective, _SECONDS_MAX, what="the grant", ignoring=(ApiRefused,))
        state, actions, tasks = self.seen(application, task)
        assert state == "effective"
        assert actions == ["submit", "approve", "approved", "granted"]
        assert tasks == ["done"]
        account = self.place.admin.get(f"/credit-accounts/{application['customer_id']}")
        assert account["limit"] == amount
        told = self._told(task)
        assert told == {"task_closed": 1, "instance_ended": 1}

    def _told(self, task: dict[str, Any]) -> dict[str, int]:
        with closing(self.connection()) as connection, connection.cursor() as cursor:
            about = (task["id"], task["instance_id"])
            wanted = ("task_closed", "instance_ended")
            cursor.execute(
                "SELECT type, count(*) FROM events WHERE subject IN %s AND type IN %s GROUP BY type",
                (about, wanted),
            )
            return {name: int(count) for name, count in cursor.fetchall()}

    def connection(self) -> Any:
        """A connection of the test's own to the flows' database."""
        url = self.place.suite.settings.database("workflow").replace("+psycopg2", "", 1)
        return psycopg2.connect(url)


@pytest.fixture(scope="module")
def approvals(place: Place) -> Approvals:
    """The company with its approvers."""
    return Approvals(place)


@contextmanager
def _barred(approvals: Approvals, table: str) -> Iterator[Any]:
    """Nobody writes to a table inside the block: whoever must is stopped in the middle of its work."""
    with closing(approvals.connection()) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield connection
        connection.rollback()


def _stopped_at(approvals: Approvals, table: str) -> ServiceProcess | None:
    """The replica that waits to write to a table."""
    asked = (
        "SELECT activity.client_port FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)"
        " WHERE NOT lock.granted AND lock.relation = %s::regclass AND activity.client_port > 0"
    )
    with closing(approvals.connection()) as connection, connection.cursor() as cursor:
        cursor.execute(asked, (table,))
        ports = {port for (port,) in cursor.fetchall()}
    for process in approvals.place.suite.processes["workflow"]:
        mine = {each.laddr.port for each in psutil.Process(process.pid).net_connections()}
        if ports & mine:
            return process
    return None


@pytest.mark.parametrize("table", ["tasks", "commands", "events"])
def test_a_replica_killed_in_the_middle_of_an_approval_leaves_it_before_or_after(
    approvals: Approvals, table: str
) -> None:
    application = approvals.submitted("1000.00")
    task = approvals.task("mia", application)
    key = f"killed-{table}-{task['id']}"
    with _barred(approvals, table):
        trying = eventlet.spawn(approvals.approved, approvals.mia, task, key)
        killed = wait_until(lambda: _stopped_at(approvals, table), _SECONDS_MAX, what="the middle")
        assert killed is not None
        killed.kill()
        killed.start()
        state, actions, tasks = approvals.seen(application, task)
        assert (state, actions, tasks) == ("running", ["submit"], ["open"]), "nothing of it has happened"
    answer = trying.wait()
    approvals.happened_once(application, task, "1000.00")
    again = approvals.approved(approvals.mia, task, key)
    # How the instance stands is told as it is now: the grant may have come in between.
    now = {"instance_state": "effective"}
    assert answer | now == again | now, "the same request has the same answer"
    killed.wait_until_ready()
    approvals.happened_once(application, task, "1000.00")


@contextmanager
def _one_that_dies(place: Place, point: str) -> Iterator[ServiceProcess]:
    """Instead of both replicas one that dies at a point; both are back afterwards."""
    group = place.suite.processes["workflow"]
    # What waits from before would let it die too early.
    place.settle()
    for process in group:
        process.kill()
    try:
        with ServiceProcess(place.suite.settings, "workflow", environment={"FAULT_POINT": point}) as dying:
            yield dying.wait_until_ready()
            assert dying.wait_until_ended() == _CRASHED
    finally:
        for process in group:
            process.start()


@pytest.mark.parametrize("point", ["reply-approve_task", "command-before-finish"])
def test_a_process_that_dies_after_its_commit_has_done_it_once(approvals: Approvals, point: str) -> None:
    application = approvals.submitted("2000.00")
    task = approvals.task("mia", application)
    key = f"{point}-{task['id']}"
    with _one_that_dies(approvals.place, point):
        trying = eventlet.spawn(approvals.approved, approvals.mia, task, key)
    assert trying.wait()["state"] == "done"
    approvals.happened_once(application, task, "2000.00")
    assert approvals.approved(approvals.mia, task, key)["state"] == "done"
    for process in approvals.place.suite.processes["workflow"]:
        process.wait_until_ready()


def test_of_two_people_in_many_tabs_over_two_replicas_one_decides_and_the_others_hear_how_it_stands(
    approvals: Approvals,
) -> None:
    application = approvals.submitted("60000.00")
    tasks = {name: approvals.task(name, application) for name in ("rita", "ron")}
    tries = [
        eventlet.spawn(
            approvals.sent, approvals.clients[name], tasks[name], f"{name}-{tab}-{application['id']}"
        )
        for tab in range(6)
        for name in ("rita", "ron")
    ]
    answers = [each.wait() for each in tries]
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1, [(answer.status_code, answer.text) for answer in answers]
    lost = [answer.json() for answer in answers if answer.status_code == 409]
    assert len(lost) == len(answers) - 1
    assert {each["code"] for each in lost} == {"task_closed"}
    assert {each["state"] for each in lost} <= {"done", "superseded"}
    _, actions, states = approvals.seen(application, tasks["rita"])
    assert actions.count("approve") == 1
    assert sorted(states) == ["done", "open", "superseded"]
    approvals.approved(approvals.clients["carl"], approvals.task("carl", application), secrets.token_hex(8))
    wait_until(
        lambda: approvals.sam.get(f"/applications/{application['id']}")["status"] == "effective",
        _SECONDS_MAX,
        what="the grant",
    )
    approvals.place.agrees()


class Deadlines:
    """Instances that approve themselves at a time of their own."""

    def __init__(self, approvals: Approvals) -> None:
        self.approvals = approvals
        self.key = f"timed-{secrets.token_hex(4)}"
        person = {
            "key": "one",
            "type": "approval",
            "approvers": [{"kind": "user", "value": "mia"}],
            "deadline": {"field": "到期", "then": "approve"},
        }
        graph = {
            "nodes": [{"key": "start", "type": "start"}, person, {"key": "end", "type": "end"}],
            "edges": [{"from": "start", "to": "one"}, {"from": "one", "to": "end"}],
            "fields": {"到期": "datetime"},
        }
        admin = approvals.place.admin
        admin.post("/flows", {"key": self.key, "name": "限时", "graph": graph})
        admin.post(f"/flows/{self.key}:publish")

    def start(self, count: int, at: datetime) -> list[str]:
        """So many instances whose time comes at once."""
        asked = {"flow": self.key, "fields": {"到期": at.isoformat()}}
        return [self.approvals.sam.post("/instances", asked)["id"] for _ in range(count)]

    def lines(self, instances: list[str], action: str = "timed_out") -> dict[str, list[datetime]]:
        """When the time of each instance was found to be over."""
        found: dict[str, list[datetime]] = {instance: [] for instance in instances}
        with closing(self.approvals.connection()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT instance_id::text, at FROM timeline WHERE action = %s"
                " AND instance_id::text = ANY(%s)",
                (action, instances),
            )
            for instance, at in cursor.fetchall():
                found[instance].append(at)
        return found

    def late(self, instances: list[str], due: datetime) -> list[timedelta]:
        """How late each has fired, once all of them have: every one exactly once, and to the end."""
        wait_until(lambda: all(self.lines(instances).values()), _SECONDS_MAX, what="the deadlines")
        found = self.lines(instances)
        assert {len(times) for times in found.values()} == {1}
        for instance in instances[:3]:
            shown = self.approvals.place.admin.get(f"/instances/{instance}")
            assert (shown["state"], [each["action"] for each in shown["tasks"]]) == ("approved", ["approve"])
        begun = self.lines(instances, "submit")
        # On a busy machine some begin when their time is over already.
        return [found[instance][0] - max(due, *begun[instance]) for instance in instances]


def test_deadlines_fire_once_within_five_seconds_also_after_a_downtime(approvals: Approvals) -> None:
    deadlines = Deadlines(approvals)
    due = datetime.now(UTC) + timedelta(seconds=3)
    late = deadlines.late(deadlines.start(30, due), due)
    assert timedelta(0) <= min(late) <= max(late) <= _IN_TIME, late

    due = datetime.now(UTC) + timedelta(seconds=5)
    instances = deadlines.start(10, due)
    group = approvals.place.suite.processes["workflow"]
    for process in group:
        process.kill()
    wait_until(lambda: datetime.now(UTC) > due, _SECONDS_MAX, what="the time to pass")
    assert not any(deadlines.lines(instances).values()), "nobody was there to see it"
    for process in group:
        process.start()
    for process in group:
        process.wait_until_ready()
    ready = datetime.now(UTC)
    late = deadlines.late(instances, ready)
    assert max(late) <= _IN_TIME, late
