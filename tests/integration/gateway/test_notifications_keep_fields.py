"""Notifications and mails tell their readers no more, and of no other records, than answers do."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gateway.identity import operations, roles, store
from gateway.notifications import projection, telling
from services.common.db import UnitOfWork
from services.common.events import Event
from tests.integration.gateway.conftest import Begin

_CUSTOMER = str(uuid4())
_FIELDS = {
    "customers": {"name": "masked"},
    "credit": {"overdue": "hidden", "limit": "hidden", "exposure": "masked"},
}


@pytest.fixture
def readers(begin: Begin) -> None:
    """Two of finance, of whom one does not see names and what is overdue."""
    with begin() as work:
        grants = [{"right": right} for right in ("notifications.read", "tasks.read", "firings.read")]
        roles.save_role(work, "free", {"label": "x", "grants": grants})
        roles.save_role(work, "narrow", {"label": "x", "grants": grants, "fields": _FIELDS})
        for username, role in (("fred", "free"), ("nora", "narrow")):
            person = {"username": username, "name": username, "email": f"{username}@example.com"}
            operations.create_user(work, {**person, "department": None, "roles": [role]}, "hash")


def _event(type: str, data: dict[str, Any]) -> Event:
    return Event(
        id=uuid4(),
        type=type,
        source="risk_rules",
        subject=_CUSTOMER,
        sequence=1,
        ordering_key=_CUSTOMER,
        time="2026-01-05T00:00:00Z",
        actor="",
        trace_id="",
        data=data,
        dataversion=1,
    )


def _told(work: UnitOfWork, username: str) -> str:
    of_reader = {"name": username, "address": f"{username}@%"}
    user = store.find_user(work, username=username)
    assert user is not None
    reader = projection.seen_by(work, user)
    kept = work.execute(text("SELECT about FROM notifications WHERE username = :name"), of_reader)
    rows = [telling.told(row.about, reader, seen=True) for row in kept]
    mails = work.execute(text("SELECT subject, body FROM mails WHERE recipient LIKE :address"), of_reader)
    return "\n".join(" ".join(row) for row in [*rows, *mails])


def test_a_fired_rule_tells_each_reader_what_they_may_see(begin: Begin, readers: None) -> None:
    action = {
        "kind": "mail",
        "to": ["fred", "nora"],
        "subject": "逾期催收: 山姆的客户 已逾期 9 天",
        "body": "山姆的客户 逾期 500.00\nI-1  未清 500.00",
        "item_lines": "I-1  未清 500.00",
        "templates": {
            "subject": "逾期催收: {customer_name} 已逾期 {max_days_overdue} 天",
            "body": "{customer_name} 逾期 {overdue_amount}\n{item_lines}",
        },
    }
    facts = {"customer_name": "山姆的客户", "max_days_overdue": "9", "overdue_amount": "500.00"}
    fired = {"rule_key": "overdue", "customer_id": _CUSTOMER, "episode": 1, "facts": facts}
    fired |= {"actions": [action]}
    with begin() as work:
        projection.rule_fired(work, _event("rule_fired", fired))
        assert "山姆的客户 逾期 500.00" in _told(work, "fred")
        told = _told(work, "nora")
    assert "逾期催收: 山**** 已逾期 **** 天" in told
    assert not [value for value in ("山姆", "500.00", "I-1", " 9 ") if value in told], told


def test_an_event_of_an_older_release_tells_a_narrowed_reader_nothing(begin: Begin, readers: None) -> None:
    action = {"kind": "notify", "to": ["fred", "nora"], "subject": "额度预警: 山姆的客户", "body": "80%"}
    fired = {"rule_key": "old", "customer_id": _CUSTOMER, "episode": 1, "facts": {}, "actions": [action]}
    with begin() as work:
        projection.rule_fired(work, _event("rule_fired", fired))
        assert "山姆的客户" in _told(work, "fred")
        assert "您有一条信用预警" in _told(work, "nora")
        assert "山姆" not in _told(work, "nora")


def test_a_new_task_tells_its_assignee_what_they_may_see(begin: Begin, readers: None) -> None:
    summary = {"customer_name": "山姆的客户", "amount": "30000.00", "reason": "年度授信"}
    for username in ("fred", "nora"):
        task = {"id": str(uuid4()), "title": "部门审批: 山姆的客户", "assignee": username, "summary": summary}
        with begin() as work:
            projection.task_created(work, _event("task_created", {"task": task}))
            told = _told(work, username)
        assert ("山姆的客户" in told) == (username == "fred")
        assert "30000.00" in told


@pytest.mark.parametrize(
    ("scopes", "owner", "department", "hears"),
    [
        ([{"kind": "own"}], "olga", None, True),
        ([{"kind": "own"}], "fred", None, False),
        ([{"kind": "departments", "departments": ["D1"]}], None, "D1", True),
        ([{"kind": "departments", "departments": ["D1"]}], None, "D2", False),
        ([{"kind": "expression", "expression": 'department = "D1"'}], None, "D1", True),
        ([{"kind": "expression", "expression": 'department = "D1"'}], None, None, False),
        ([{"kind": "shared"}], "olga", "D1", False),
    ],
)
@pytest.mark.parametrize("right", ["firings.read", "customers.read"])
def test_a_fired_rule_tells_only_whoever_reaches_its_customer(
    begin: Begin, right: str, scopes: Any, owner: str | None, department: str | None, hears: bool
) -> None:
    action = {"kind": "mail", "to": ["role:scoped"], "subject": "额度预警", "body": "80%"}
    fired = {"rule_key": "r", "customer_id": _CUSTOMER, "episode": 1, "facts": {}, "actions": [action]}
    fired |= {"salesperson": owner, "department": department}
    with begin() as work:
        for code in ("D1", "D2"):
            operations.create_department(work, {"code": code, "name": code, "parent": None, "head": None})
        roles.save_role(work, "scoped", {"label": "x", "grants": [{"right": right, "scopes": scopes}]})
        person = {"username": "olga", "name": "olga", "email": "olga@example.com", "roles": ["scoped"]}
        operations.create_user(work, {**person, "department": None}, "hash")
        projection.rule_fired(work, _event("rule_fired", fired))
        assert _told(work, "olga").count("额度预警") == (2 if hears else 0)


@pytest.mark.parametrize(
    ("type", "data", "title"),
    [
        ("task_commented", {"mention": ["fred"]}, "提到了您: 您现在无权查看"),
        ("task_urged", {}, "催办: 您现在无权查看"),
        ("people_notified", {"to": ["fred"], "text": "请关注", "key": "1"}, "请关注: 您现在无权查看"),
    ],
)
def test_who_may_not_see_a_flow_hears_nothing_of_its_record(
    begin: Begin, readers: None, type: str, data: dict[str, Any], title: str
) -> None:
    identity = str(uuid4())
    task = {"id": identity, "instance_id": identity, "title": "审批: 山姆的客户", "assignee": "fred"}
    task["summary"] = {"customer_name": "山姆的客户", "amount": "30000.00"}
    instance = {"id": identity, "subject": {"type": "order", "id": "1", "key": "O-SAM"}}
    with begin() as work:
        apply = getattr(projection, type)
        apply(work, _event(type, {"task": task, "instance": instance, **data}))
        user = store.find_user(work, username="fred")
        assert user is not None
        (about,) = work.execute(text("SELECT about FROM notifications")).scalars()
        reader = projection.seen_by(work, user)
        assert telling.told(about, reader, seen=False) == (title, "")
        assert "SAM" in "".join(telling.told(about, reader, seen=True)).upper() or "山姆" in str(about)


def test_whom_a_flow_asks_hears_of_the_task_however_far_their_rights_reach(begin: Begin) -> None:
    task = {"id": str(uuid4()), "title": "部门审批", "assignee": "olga", "summary": {}}
    with begin() as work:
        grants = [{"right": "customers.read", "scopes": [{"kind": "own"}]}]
        roles.save_role(work, "scoped", {"label": "x", "grants": grants})
        person = {"username": "olga", "name": "olga", "email": None, "roles": ["scoped"]}
        operations.create_user(work, {**person, "department": None}, "hash")
        projection.task_created(work, _event("task_created", {"task": task}))
        assert "部门审批" in _told(work, "olga")
