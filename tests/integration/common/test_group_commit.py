"""Commands that share a transaction: each has its own caller, key, answer and failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import eventlet
import pytest
from sqlalchemy import select, text

from services.common.caller import Caller, service_caller
from services.common.db import Database, UnitOfWork
from services.common.errors import Invalid
from services.common.group_commit import GroupCommand, GroupCommit
from services.common.snapshots import Snapshots
from services.limits import model

RUNS = model.metadata.tables["scheduled_runs"]


@pytest.fixture
def database(new_database: Callable[[str], str]) -> Iterator[Database]:
    made = Database(new_database("limits"), model.metadata, name="limits")
    yield made
    made.dispose()


def _note(work: UnitOfWork, name: str) -> Mapping[str, Any]:
    """Note a name and its caller; "refused" is refused, "broken" fails, both after having noted something."""
    work.part(Snapshots).put(RUNS, {"name": name, "started_at": work.now})
    work.add_event("noted", subject=name, data={"by": work.caller.actor})
    if name == "refused":
        raise Invalid("不行")
    if name == "broken":
        raise ZeroDivisionError
    if name == "breaks at the end":
        work.part(Snapshots).put(RUNS, {"name": "never", "started_at": None})
    return {"name": name, "by": work.caller.actor}


def _foresee(work: UnitOfWork, names: Sequence[str]) -> None:
    """Ask the database something, so that others come meanwhile."""
    work.execute(text("SELECT 1"))


def _command(name: str, key: str | None = None, user: str = "u1") -> GroupCommand:
    caller = Caller(kind="user", id=user, username=user)
    return GroupCommand("note", _note, _foresee, name, {"name": name}, caller, key, "trace")


def _names(database: Database) -> set[str]:
    with database.read(service_caller("limits")) as work:
        return {row.name for row in work.execute(select(RUNS.c.name))}


def _all(group: GroupCommit, commands: Sequence[GroupCommand]) -> list[dict[str, Any]]:
    asked = [eventlet.spawn(group.apply, command) for command in commands]
    return [each.wait() for each in asked]


def test_many_commands_take_few_transactions_and_each_has_its_caller(database: Database) -> None:
    group = GroupCommit(database, "limits")
    answers = _all(group, [_command(f"n{number}", user=f"u{number}") for number in range(50)])
    assert answers == [{"ok": {"name": f"n{number}", "by": f"u{number}"}} for number in range(50)]
    with database.read(service_caller("limits")) as work:
        events = work.table("events")
        rows = work.execute(select(events.c.subject, events.c.actor, text("xmin::text AS transaction"))).all()
    assert {row.subject: row.actor for row in rows} == {f"n{number}": f"u{number}" for number in range(50)}
    assert len({row.transaction for row in rows}) <= 3


@pytest.mark.parametrize("wrong", ["refused", "broken", "breaks at the end"])
def test_one_that_fails_leaves_nothing_and_takes_nobody_with_it(database: Database, wrong: str) -> None:
    group = GroupCommit(database, "limits")
    names = ["a", "b", wrong, "c", "d"]
    answers = _all(group, [_command(name, key=name) for name in names])
    told = {name: "ok" in answer for name, answer in zip(names, answers, strict=True)}
    assert told == {"a": True, "b": True, wrong: False, "c": True, "d": True}
    assert _names(database) == {"a", "b", "c", "d"}
    with database.read(service_caller("limits")) as work:
        events = work.table("events")
        assert sorted(work.execute(select(events.c.subject)).scalars()) == ["a", "b", "c", "d"]


def test_a_refusal_is_kept_under_its_key_and_a_failure_is_not(database: Database) -> None:
    group = GroupCommit(database, "limits")
    first = group.apply(_command("refused", key="r"))
    assert group.apply(_command("refused", key="r")) == first
    group.apply(_command("broken", key="b"))
    with database.read(service_caller("limits")) as work:
        keys = work.table("idempotency_keys")
        assert set(work.execute(select(keys.c.key)).scalars()) == {"r"}


def test_a_key_counts_once_for_its_caller_also_within_a_group(database: Database) -> None:
    group = GroupCommit(database, "limits")
    one, two = _command("a", key="k"), _command("a", key="k", user="u2")
    answers = _all(group, [one, one, two, one])
    assert answers == [{"ok": {"name": "a", "by": by}} for by in ("u1", "u1", "u2", "u1")]
    other = group.apply(_command("b", key="k"))
    assert other["error"]["code"] == "idempotency_key_reused"
    assert _names(database) == {"a"}
    with database.read(service_caller("limits")) as work:
        events = work.table("events")
        assert len(work.execute(select(events.c.id)).all()) == 2, "once for each of the two callers"


def test_two_processes_with_the_same_keys_give_one_effect_and_one_answer(database: Database) -> None:
    groups = [GroupCommit(database, "limits") for _ in range(4)]
    commands = [_command(f"n{number}", key=f"k{number}") for number in range(20)]
    asked = [eventlet.spawn(_all, group, commands) for group in groups]
    answers = [each.wait() for each in asked]
    assert all(answer == answers[0] for answer in answers)
    with database.read(service_caller("limits")) as work:
        events = work.table("events")
        assert len(work.execute(select(events.c.id)).all()) == 20
