"""The shapes of flows and tasks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import Schema, validates_schema
from marshmallow.fields import Dict, List, Nested, Time
from marshmallow.validate import Length, OneOf

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    FlagField,
    IdField,
    InstantField,
    IntegerField,
    NumberField,
    ObjectField,
    StrictSchema,
    TextField,
    refuse,
)
from services.common.paging import PAGE_SIZE_MAX, ListInput

BATCH_MAX = 200
PEOPLE_MAX = 20


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


class Approval(TaskAction):
    """What is approved, what was filled in of the form, and whom one chose for later nodes."""

    approved = Nested(Approved(), load_default=None, allow_none=True)
    fields_ = ObjectField(data_key="fields", attribute="form_fields", load_default=None, allow_none=True)
    choose = ObjectField(load_default=None, allow_none=True)
    signature = TextField(max_length=200_000, load_default=None, allow_none=True)


class TaskReturn(TaskAction):
    """Where a task is sent back to (a node, or the initiator), and how it comes back from there."""

    to = TextField(max_length=60, load_default=None, allow_none=True)
    resume = TextField(validate=OneOf(("restart", "straight")), load_default="restart")


class Handover(TaskAction):
    """Whom a task is handed to."""

    to = TextField(max_length=100, required=True)


class Signers(TaskAction):
    """Who is to decide as well: before the caller, after, or beside."""

    to = List(TextField(max_length=100), required=True, validate=Length(1, PEOPLE_MAX))
    when = TextField(required=True, validate=OneOf(("before", "after", "beside")))


class SignerRemoval(TaskAction):
    """Who is not to decide any more."""

    who = TextField(max_length=100, required=True)


class Copies(TaskAction):
    """Who gets a copy."""

    to = List(TextField(max_length=100), required=True, validate=Length(1, PEOPLE_MAX))


class Comment(TaskAction):
    """What somebody says, and whom they mention."""

    mention = List(TextField(max_length=100), load_default=list, validate=Length(0, PEOPLE_MAX))


class Subject(StrictSchema):
    """What an instance is about."""

    type = TextField(max_length=60, required=True)
    id = TextField(max_length=100, required=True)
    key = TextField(max_length=100, required=True)


class InstanceKeys(StrictSchema):
    """Names instances."""

    instance_ids = List(IdField(), required=True, validate=Length(max=PAGE_SIZE_MAX))


class NewInstance(StrictSchema):
    """A flow to be started by hand, about something, with what is asked."""

    flow = TextField(max_length=100, required=True)
    subject = Nested(Subject(), load_default=None, allow_none=True)
    customer_id = IdField(load_default=None, allow_none=True)
    reason = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)
    amount = AmountField(load_default=None, allow_none=True)
    currency = CurrencyField(load_default=None, allow_none=True)
    term_days = IntegerField(minimum=0, maximum=3_650, load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)
    fields_ = ObjectField(data_key="fields", attribute="form_fields", load_default=dict)
    choose = ObjectField(load_default=None, allow_none=True)


class InstanceEnd(StrictSchema):
    """An instance to be ended by an administrator, and why."""

    instance_id = IdField(required=True)
    reason = TextField(max_length=500, required=True)


class InstanceJump(InstanceEnd):
    """An instance to be put at another node."""

    to = TextField(max_length=60, required=True)


class InstanceWithdrawal(StrictSchema):
    """An instance to be taken back."""

    instance_id = IdField(required=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)


class SubjectKey(StrictSchema):
    """Names what instances are about, by its id or its business key."""

    type = TextField(max_length=60, required=True)
    id = TextField(max_length=100, required=True)


class NewAbsence(StrictSchema):
    """Who acts for somebody while they are away, in one flow or in all; for oneself unless told otherwise."""

    username = TextField(max_length=100, load_default=None, allow_none=True)
    deputy = TextField(max_length=100, required=True)
    flow = TextField(max_length=100, load_default=None, allow_none=True)
    starts_at = InstantField(required=True)
    ends_at = InstantField(required=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)


class AbsenceKey(StrictSchema):
    """Names an absence."""

    absence_id = IdField(required=True)


class Authority(StrictSchema):
    """Up to which amount in the base currency a role may approve; null is without limit."""

    role = TextField(max_length=60, required=True)
    amount = NumberField(minimum=Decimal(0), maximum=Decimal(10) ** 18, required=True, allow_none=True)


class Authorities(StrictSchema):
    """The authority of every role that has one."""

    items = List(Nested(Authority()), required=True, validate=Length(0, 200))


class CalendarDay(StrictSchema):
    """A day that is not as the week says: a holiday, or a weekend day that is worked."""

    day = DateField(required=True)
    works = FlagField(required=True)
    name = TextField(max_length=60, load_default=None, allow_none=True)


class Hours(StrictSchema):
    """A span of working hours, as `HH:MM`."""

    starts = Time(format="%H:%M", required=True)
    ends = Time(format="%H:%M", required=True)


class BusinessCalendar(StrictSchema):
    """The business calendar; what is not given stays as it is."""

    days = List(Nested(CalendarDay()), load_default=None, allow_none=True, validate=Length(0, 5_000))
    hours = List(Nested(Hours()), load_default=None, allow_none=True, validate=Length(0, 10))


class NewBinding(StrictSchema):
    """Which flow an event (`source.name`) starts; `type` is what it is about, `*` for every type."""

    event = TextField(max_length=100, required=True)
    type = TextField(max_length=100, load_default="*")
    flow = TextField(max_length=100, required=True)
    active = FlagField(load_default=True)


class BindingKey(StrictSchema):
    """Names a binding."""

    binding_id = IdField(required=True)


class FlowExport(FlowKey):
    """A flow's drawing: BPMN 2.0 XML or SVG."""

    format = TextField(validate=OneOf(("bpmn", "svg")), load_default="bpmn")


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
