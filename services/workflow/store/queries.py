"""The queries of flows; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.scopes import Facts, Owned, visible
from services.workflow import rights
from services.workflow.model import (
    customers,
    flow_versions,
    flows,
    instances,
    tasks,
    timeline,
)
from services.workflow.store.rows import Row, one, rows

_READ = "instances.read"
_LIVE = ("open", "waiting")
_GROUPS = "groups of tasks"
# Built once: building a statement costs as much as running it.
_LOCK_OF_TASKS = (
    select(instances, tasks.c.id.label("task"), tasks.c.group_key)
    .join(tasks, tasks.c.instance_id == instances.c.id)
    .where(tasks.c.id == any_(bindparam("tasks", type_=ARRAY(Uuid))))
    .order_by(instances.c.id)
    .with_for_update(of=instances)
)
_OF_GROUPS = (
    select(tasks)
    .where(tasks.c.group_key == any_(bindparam("groups", type_=ARRAY(Text))))
    .order_by(tasks.c.id)
)
OWNED = Owned(
    fields=rights.INSTANCES.scope_of_records,
    columns={
        **{name: instances.c[name] for name in ("id", "customer_id", "subject_id", "subject_key", "state")},
        "initiator": instances.c.initiator,
        "department": instances.c.data["department"].astext.label("department"),
        "salesperson": customers.c.salesperson,
        "customer_name": customers.c.name.label("customer_name"),
    },
    owners=("initiator", "salesperson"),
    departments=("department",),
    ids=("id", "customer_id", "subject_id"),
)


def find_flow(work: UnitOfWork, key: str, *, locked: bool = False) -> Row | None:
    """A flow by id or key. Locks its row when `locked`."""
    try:
        which = or_(flows.c.id == UUID(key), flows.c.key == key)
    except ValueError:
        which = flows.c.key == key
    statement = select(flows).where(which)
    return one(work, statement.with_for_update() if locked else statement)


def flows_listed() -> Select[Any]:
    """All flows, as a statement to be paged."""
    return select(flows)


def add_flow(work: UnitOfWork, flow: Mapping[str, Any]) -> bool:
    """Insert a flow; False when its key is taken."""
    statement = upsert(flows).values(**flow).on_conflict_do_nothing().returning(flows.c.id)
    return work.execute(statement).first() is not None


def change_flow(work: UnitOfWork, flow_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a flow."""
    work.execute(update(flows).where(flows.c.id == flow_id).values(**values))


def add_version(work: UnitOfWork, version: Mapping[str, Any]) -> None:
    """Insert a published version."""
    work.execute(insert(flow_versions).values(**version))


def versions_of(work: UnitOfWork, flow_id: UUID) -> list[Row]:
    """The published versions of a flow, newest first."""
    statement = select(flow_versions).where(flow_versions.c.flow_id == flow_id)
    return rows(work, statement.order_by(flow_versions.c.version.desc()))


def version_in_force(work: UnitOfWork, flow_key: str) -> tuple[UUID, int] | None:
    """(id, version) of a flow that is in force."""
    statement = select(flows.c.id, flows.c.published_version).where(
        flows.c.key == flow_key, flows.c.published_version.is_not(None)
    )
    row = work.execute(statement).first()
    return None if row is None else (row.id, row.published_version)


def graph_of_version(work: UnitOfWork, flow_id: UUID, version: int) -> Any:
    """The graph of a published version; None when there is none."""
    statement = select(flow_versions.c.graph).where(
        flow_versions.c.flow_id == flow_id, flow_versions.c.version == version
    )
    return work.execute(statement).scalar()


def add_instance(work: UnitOfWork, instance: Mapping[str, Any]) -> bool:
    """Insert an instance; False when its subject was started with that submission already."""
    statement = upsert(instances).values(**instance).on_conflict_do_nothing().returning(instances.c.id)
    return work.execute(statement).first() is not None


def lock_instances_of(work: UnitOfWork, task_ids: Iterable[UUID]) -> None:
    """Hold the instances of these tasks, and the groups of the tasks. Locks the instances, sorted."""
    known = _held(work)
    wanted = sorted({task_id for task_id in task_ids if task_id not in known})
    if not wanted:
        return
    # Two tasks of one instance share its row: what one changes, the other sees.
    rows_by_id = {row["id"]: row for row, _ in known.values()}
    for row in rows(work, _LOCK_OF_TASKS, {"tasks": wanted}):
        task, group = row.pop("task"), row.pop("group_key")
        known[task] = (rows_by_id.setdefault(row["id"], row), group)
    groups = _groups(work)
    missing = sorted({known[task][1] for task in wanted if task in known} - set(groups))
    groups.update({key: [] for key in missing})
    # Read after the lock: what others have done until now is seen.
    for row in rows(work, _OF_GROUPS, {"groups": missing}):
        groups[row["group_key"]].append(row)


def lock_instance_of(work: UnitOfWork, task_id: UUID) -> tuple[Row, str] | None:
    """The instance of a task, and the group of the task; None for a to-do. Locks the instance."""
    lock_instances_of(work, [task_id])
    return _held(work).get(task_id)


def _held(work: UnitOfWork) -> dict[UUID, tuple[Row, str]]:
    found: dict[UUID, tuple[Row, str]] = work.remembered("instances of tasks", dict)
    return found


def lock_instance(work: UnitOfWork, instance_id: UUID) -> Row:
    """An instance. Locks its row: each action on it happens once."""
    found = one(work, select(instances).where(instances.c.id == instance_id).with_for_update())
    assert found is not None  # noqa: S101 - tasks refer to it by a foreign key
    return found


def find_instance(work: UnitOfWork, instance_id: UUID) -> Row | None:
    """An instance."""
    return one(work, select(instances).where(instances.c.id == instance_id))


def instances_by_id(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Instances."""
    statement = select(instances).where(instances.c.id.in_(sorted(set(ids))))
    return {row["id"]: row for row in rows(work, statement)}


def sees_instance(work: UnitOfWork, instance: Mapping[str, Any], right: str = _READ) -> bool:
    """Whether the caller's right to instances reaches this one."""
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    here = (instances.c.id == instance["id"], visible(work, OWNED, right=right))
    return work.execute(select(instances.c.id).select_from(joined).where(*here)).first() is not None


def instances_shown(work: UnitOfWork, ids: Sequence[UUID]) -> list[UUID]:
    """Which of these instances the caller may be shown: they asked, take part, or their right reaches it."""
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    me = work.caller.username
    takes_part = exists().where(tasks.c.instance_id == instances.c.id, tasks.c.assignee == me)
    shown = or_(instances.c.initiator == me, takes_part, visible(work, OWNED, right=_READ))
    statement = select(instances.c.id).select_from(joined).where(instances.c.id.in_(set(ids)), shown)
    return list(work.execute(statement).scalars())


def newest_instance(work: UnitOfWork, subject_type: str, key: str) -> Row | None:
    """The newest instance of a subject, by its id or its business key."""
    which = or_(instances.c.subject_id == key, instances.c.subject_key == key)
    statement = select(instances).where(instances.c.subject_type == subject_type, which)
    return one(work, statement.order_by(instances.c.submission.desc()).limit(1))


def instances_seen(work: UnitOfWork, where: Mapping[str, str]) -> Select[Any]:
    """The instances that the caller's right reaches, as a statement to be paged."""
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    wanted = [instances.c[name] == value for name, value in where.items()]
    return select(instances).select_from(joined).where(visible(work, OWNED, right=_READ), *wanted)


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of an instance."""
    try:
        which = instances.c.id == UUID(key)
    except ValueError:
        which = instances.c.subject_key == key
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    shown = [column.label(name) for name, column in OWNED.columns.items()]
    row = one(work, select(*shown).select_from(joined).where(which))
    return None if row is None else OWNED.facts(row)


def instance_of_subject(work: UnitOfWork, subject_type: str, subject_id: str) -> Row | None:
    """The newest instance of a subject. Locks its row."""
    statement = select(instances).where(
        instances.c.subject_type == subject_type, instances.c.subject_id == subject_id
    )
    newest = statement.order_by(instances.c.submission.desc()).limit(1)
    return one(work, newest.with_for_update())


def change_instance(work: UnitOfWork, instance_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an instance."""
    work.rows.update(instances, [{"id": instance_id, **values}], values)


def add_task(work: UnitOfWork, task: Mapping[str, Any]) -> bool:
    """Insert a task; False when that person has it already."""
    work.forget(_GROUPS)
    statement = upsert(tasks).values(**task).on_conflict_do_nothing().returning(tasks.c.id)
    return work.execute(statement).first() is not None


def find_task(work: UnitOfWork, task_id: UUID, *, locked: bool = False) -> Row | None:
    """A task. Locks its row when `locked`."""
    statement = select(tasks).where(tasks.c.id == task_id)
    return one(work, statement.with_for_update() if locked else statement)


def change_task(work: UnitOfWork, task_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a task."""
    for group in _groups(work).values():
        for task in group:
            if task["id"] == task_id:
                task.update(values)
    work.rows.update(tasks, [{"id": task_id, **values}], values)


def close_group(work: UnitOfWork, group_key: str, state: str) -> list[Row]:
    """Close the open tasks of a group; returns them."""
    work.forget(_GROUPS)
    which = (tasks.c.group_key == group_key) & tasks.c.state.in_(_LIVE)
    statement = update(tasks).where(which).values(state=state, closed_at=work.now).returning(tasks)
    return rows(work, statement)


def close_tasks(work: UnitOfWork, instance_id: UUID, group_key: str | None, state: str) -> list[Row]:
    """Close what people still have to do of an instance, or of one group; returns what was open.

    Copies stay: they are there to be read.
    """
    work.forget(_GROUPS)
    which = (tasks.c.instance_id == instance_id) & tasks.c.state.in_(_LIVE) & (tasks.c.kind == "approval")
    if group_key is not None:
        which &= tasks.c.group_key == group_key
    statement = update(tasks).where(which).values(state=state, closed_at=work.now).returning(tasks)
    return rows(work, statement)


def reparent(work: UnitOfWork, task_id: UUID, to: UUID) -> None:
    """Let those whom one task asked be asked by another."""
    work.forget(_GROUPS)
    work.execute(update(tasks).where(tasks.c.by == task_id).values(by=to))


def tasks_of_group(work: UnitOfWork, group_key: str) -> list[Row]:
    """The tasks of a group, oldest first, as this unit of work makes them; their instance is locked."""
    known = _groups(work)
    if group_key not in known:
        known[group_key] = rows(work, _OF_GROUPS, {"groups": [group_key]})
    return known[group_key]


def _groups(work: UnitOfWork) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = work.remembered(_GROUPS, dict)
    return found


def open_tasks_of(work: UnitOfWork, username: str) -> list[Row]:
    """The approvals that somebody still has before them, by instance."""
    which = (tasks.c.assignee == username) & tasks.c.state.in_(_LIVE) & (tasks.c.kind == "approval")
    return rows(work, select(tasks).where(which).order_by(tasks.c.instance_id, tasks.c.id))


def tasks_of(assignee: str, kind: str | None, state: str | None) -> Select[Any]:
    """A person's tasks, as a statement to be paged."""
    statement = select(tasks).where(tasks.c.assignee == assignee, tasks.c.state != "waiting")
    if kind is not None:
        statement = statement.where(tasks.c.kind == kind)
    return statement if state is None else statement.where(tasks.c.state == state)


def count_open(work: UnitOfWork, assignee: str) -> dict[str, int]:
    """How many tasks somebody has open, by their kind."""
    mine = (tasks.c.assignee == assignee) & (tasks.c.state == "open")
    counted = select(tasks.c.kind, func.count().label("open")).where(mine).group_by(tasks.c.kind)
    return {row["kind"]: int(row["open"]) for row in rows(work, counted)}


def tasks_of_instance(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The tasks of an instance, oldest first."""
    return rows(work, select(tasks).where(tasks.c.instance_id == instance_id).order_by(tasks.c.id))


def add_timeline(work: UnitOfWork, line: Mapping[str, Any]) -> None:
    """Add a line to an instance's timeline."""
    work.rows.insert(timeline, [{"at": work.now, **line}])


def timeline_of(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The timeline of an instance, oldest first."""
    statement = select(timeline).where(timeline.c.instance_id == instance_id)
    return rows(work, statement.order_by(timeline.c.identity))
