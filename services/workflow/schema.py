"""The shapes of flows and tasks."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, validates_schema
from marshmallow.fields import Dict, List, Nested

from services.common.fields import (
    CurrencyField,
    DateField,
    IdField,
    InstantField,
    IntegerField,
    ObjectField,
    StrictSchema,
    TextField,
    refuse,
)
from services.common.paging import ListInput

BATCH_MAX = 200


class NewFlow(StrictSchema):
    """A flow to be made."""

    key = TextField(max_length=60, required=True)
    name = TextField(max_length=200, required=True)
    graph = ObjectField(required=True)


class FlowKey(StrictSchema):
    """Names a flow by id or key."""

    flow = TextField(max_length=100, required=True)


class FlowChange(FlowKey):
    """A flow's new draft."""

    name = TextField(max_length=200, load_default=None, allow_none=True)
    graph = ObjectField(required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class Simulation(FlowKey):
    """Sample data and an initiator to try a flow on."""

    data = Dict(load_default=dict)
    initiator = TextField(max_length=100, required=True)


class Approved(StrictSchema):
    """What an approver grants; amounts as decimal text in `currency`."""

    amount = TextField(max_length=40, load_default=None, allow_none=True)
    currency = CurrencyField(load_default=None, allow_none=True)
    term_days = IntegerField(minimum=0, maximum=3_650, load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)


class TaskAction(StrictSchema):
    """What somebody does with a task."""

    task_id = IdField(required=True)
    opinion = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)
    approved = Nested(Approved(), load_default=None, allow_none=True)


class TaskBatch(StrictSchema):
    """One action on several tasks."""

    action = TextField(max_length=20, required=True)
    task_ids = List(IdField(), required=True)
    opinion = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)

    @validates_schema
    def _size(self, data: dict[str, Any], **_: Any) -> None:
        if not 1 <= len(data.get("task_ids") or ()) <= BATCH_MAX:
            raise refuse("batch_size", f"一次处理 1 到 {BATCH_MAX} 个任务")


class TaskKey(StrictSchema):
    """Names a task."""

    task_id = IdField(required=True)


class InstanceKey(StrictSchema):
    """Names an instance."""

    instance_id = IdField(required=True)


class TaskList(ListInput):
    """A page of one's own tasks; `where` takes `state` and `kind`."""


class Task(Schema):
    """A task as answered."""

    id = IdField()
    instance_id = IdField(allow_none=True)
    node = TextField()
    title = TextField()
    assignee = TextField()
    kind = TextField()
    state = TextField()
    due_at = InstantField(allow_none=True)
    subject = ObjectField()
    summary = ObjectField()
