"""What ran before flows had tokens goes on after the upgrade, on the version that it was on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from services.common.caller import Caller
from services.common.db import Database
from services.common.migrations import downgrade, upgrade
from services.workflow import model, store
from services.workflow.operations import tasks
from services.workflow.seed import CREDIT_APPLICATION
from tests.support.postgres import DatabaseServer

_INSTANCE = """
    INSERT INTO instances (id, flow_key, flow_version, subject_type, subject_id, subject_key, submission,
        customer_id, initiator, state, node, visit, data, started_at)
    VALUES (:id, 'credit-application', 1, 'application', :subject, 'SX', 1, :subject, 'mia', :state, :node,
        :visit, cast(:data AS jsonb), now())
"""
_TASK = """
    INSERT INTO tasks (id, instance_id, node, visit, kind, title, assignee, state, action, subject, group_key,
        created_at)
    VALUES (:id, :instance, :node, :visit, 'approval', 'T', :who, :state, :action, '{}', :group, now())
"""


@contextmanager
def _empty(server: DatabaseServer) -> Iterator[str]:
    name = f"carried_{uuid4().hex[:8]}"
    try:
        yield server.create(name)
    finally:
        server.drop(name)


def test_a_running_instance_goes_on_where_it_stood(database_server: DatabaseServer) -> None:
    with _empty(database_server) as url:
        # What an earlier release had: taken back, then forward again with something in it.
        upgrade("workflow", url)
        downgrade("workflow", url, "0002")
        database = Database(url, model.metadata, name="workflow")
        instance, ended, task = uuid4(), uuid4(), uuid4()
        with database.begin(Caller("user", "x", "x")) as work:
            _before(work, instance, ended, task)
        upgrade("workflow", url)
        with database.begin(Caller("user", "carl", "carl")) as work:
            found = store.lock_instance(work, instance)
            assert found["tokens"]["tokens"] == {"2": "cfo"}
            assert found["tokens"]["passed"] == ["risk"]
            assert store.lock_instance(work, ended)["tokens"]["tokens"] == {}
            tasks.approve_task(work, {"task_id": task})
        with database.begin(Caller("user", "carl", "carl")) as work:
            assert store.lock_instance(work, instance)["state"] == "granting"
        database.dispose()


def _before(work: Any, instance: Any, ended: Any, task: Any) -> None:
    """A flow as it was published, an instance at its second person, and one that has ended."""
    graph = json.loads(json.dumps(CREDIT_APPLICATION))
    graph["edges"][1]["tree"] = {
        "op": "<",
        "args": [{"field": "approved_amount_base"}, {"type": "number", "value": "50000"}],
    }
    flow, now = uuid4(), datetime.now(UTC)
    work.execute(model.flows.insert().values(
        id=flow, key="credit-application", name="授信", draft=graph, published_version=1, version=1,
        author="system", updated_at=now,
    ))  # fmt: skip
    work.execute(model.flow_versions.insert().values(
        flow_id=flow, version=1, graph=graph, published_at=now, published_by="system"
    ))  # fmt: skip
    data = {"amount": "60000.00", "currency": "CNY", "initiator": "mia"}
    data["approved"] = {"amount": "60000.00", "currency": "CNY"}  # type: ignore[assignment]
    said = {"subject": str(uuid4()), "data": json.dumps(data)}
    statement = text(_INSTANCE)
    work.execute(statement, {"id": instance, "state": "running", "node": "cfo", "visit": 2, **said})
    said["subject"] = str(uuid4())
    work.execute(statement, {"id": ended, "state": "rejected", "node": "risk", "visit": 1, **said})
    for key, visit, who, state, action, identity in (
        ("risk", 1, "rita", "done", "approve", uuid4()),
        ("cfo", 2, "carl", "open", None, task),
    ):
        row = {"id": identity, "instance": instance, "node": key, "visit": visit, "who": who}
        group = f"{instance}:{key}:{visit}"
        work.execute(text(_TASK), {**row, "state": state, "action": action, "group": group})
