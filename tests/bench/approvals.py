"""How fast people decide over HTTP, and how fast an inbox opens among a million tasks."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from typing import Any

import eventlet
import psycopg2

from credit.databases import dsn
from credit.demo.client import Client
from services.common.config import Settings
from tests.bench.company import Bench
from tests.bench.load import Connection

Figures = dict[str, float]
_FLOW = "bench-approval"
_IDLE = 100
_LOAD = 2_000
_STARTERS = 16
_TASKS = 1_000_000
_OPEN = 500
_PEOPLE = 2_000
_INBOXES = 100
# A person's tasks: `_OPEN` of them open for the manager, all others done by people of this company.
_FILL = """
    INSERT INTO tasks (id, instance_id, node, visit, kind, title, assignee, place, sign, turn, state, urged,
        subject, group_key, created_at)
    SELECT gen_random_uuid(), NULL, 'todo', 0, 'todo', 'T ' || n,
        CASE WHEN n <= %(open)s THEN 'b-manager' ELSE 'p-' || n %% %(people)s END, 0, 'main', 0,
        CASE WHEN n <= %(open)s OR n %% 20 = 0 THEN 'open' ELSE 'done' END, 0, '{}', 'bench:' || n,
        now() - n * interval '1 second'
    FROM generate_series(1, %(tasks)s) AS n
"""


def measure(
    bench: Bench, settings: Settings, connections: int, *, load: int = _LOAD, tasks: int = _TASKS
) -> Figures:
    """Every figure of people's work."""
    seller, manager = bench.token, bench.manager_token
    _publish(bench.admin)
    idle = _task_ids(bench, seller, manager, _IDLE)
    figures = {"approve_p50_ms": round(_idle(bench.url, manager, idle), 2)}
    figures["approvals_per_s"] = round(_under_load(bench, seller, manager, load, connections))
    if not settings.database_url:
        # The suite keeps its embedded database to itself.
        return figures
    name = "inbox_1m_p95_ms" if tasks == _TASKS else f"inbox_{tasks}_p95_ms"
    figures[name] = round(_inbox(bench.url, manager, settings, tasks), 2)
    return figures


def _publish(admin: Client) -> None:
    """A flow of one person."""
    person = {"key": "one", "type": "approval", "approvers": [{"kind": "user", "value": "b-manager"}]}
    nodes = [{"key": "start", "type": "start"}, person, {"key": "end", "type": "end"}]
    edges = [{"from": "start", "to": "one"}, {"from": "one", "to": "end"}]
    admin.post("/flows", {"key": _FLOW, "name": "基准", "graph": {"nodes": nodes, "edges": edges}})
    admin.post(f"/flows/{_FLOW}:publish")


def _task_ids(bench: Bench, seller: str, manager: str, count: int) -> list[str]:
    """The open tasks of so many new instances."""

    def start(share: int) -> None:
        with closing(Connection(bench.url, seller)) as connection:
            for _ in range(share):
                status, body = connection.send("/instances", "", {"flow": _FLOW})
                assert status == 201, body

    starters = [eventlet.spawn(start, count // _STARTERS + 1) for _ in range(_STARTERS)]
    for starter in starters:
        starter.wait()
    found = Client(bench.url, manager).pages("/tasks", state="open", kind="approval")
    return [task["id"] for task in found][:count]


def _idle(url: str, manager: str, ids: list[str]) -> float:
    """The median time of an approval when nobody else asks."""
    times = []
    with closing(Connection(url, manager)) as connection:
        for task in ids:
            began = time.perf_counter()
            status, body = connection.send(f"/tasks/{task}:approve", task, {})
            times.append((time.perf_counter() - began) * 1_000)
            assert status == 200, body
    return statistics.median(times)


def _under_load(bench: Bench, seller: str, manager: str, count: int, connections: int) -> float:
    """Approvals in a second through so many connections."""
    left = _task_ids(bench, seller, manager, count)
    asked = len(left)

    def decide() -> None:
        with closing(Connection(bench.url, manager)) as connection:
            while left:
                task = left.pop()
                status, body = connection.send(f"/tasks/{task}:approve", task, {})
                assert status == 200, body

    began = time.perf_counter()
    workers = [eventlet.spawn(decide) for _ in range(connections)]
    for worker in workers:
        worker.wait()
    return asked / (time.perf_counter() - began)


def _inbox(url: str, manager: str, settings: Settings, tasks: int) -> float:
    """The time within which 95 % of the views of an inbox come, among so many tasks."""
    with (
        closing(psycopg2.connect(dsn(settings, "workflow"))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        asked: dict[str, Any] = {"tasks": tasks, "open": _OPEN, "people": _PEOPLE}
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_FILL, asked)
        cursor.execute("ANALYZE tasks")
    client = Client(url, manager)
    times = []
    for _ in range(_INBOXES):
        began = time.perf_counter()
        items = client.get("/tasks", state="open")["items"]
        times.append((time.perf_counter() - began) * 1_000)
        assert items
    return statistics.quantiles(times, n=20)[-1]
