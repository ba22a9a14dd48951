"""The shapes of applications."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, validate, validates_schema
from marshmallow.fields import List, Nested

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    FlagField,
    IdField,
    InstantField,
    IntegerField,
    ObjectField,
    StrictSchema,
    TextField,
    refuse,
)
from services.common.paging import ListInput

_TERM_DAYS_MAX = 3_650


class _Asked(StrictSchema):
    term_days = IntegerField(minimum=0, maximum=_TERM_DAYS_MAX, load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)
    reason = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)
    form_fields = ObjectField(load_default=dict, data_key="fields")

    @validates_schema
    def _validity(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            raise refuse("validity", "失效日期不能早于生效日期")


class NewApplication(_Asked):
    """What a salesperson asks for a customer."""

    type = TextField(max_length=40, load_default="credit")
    customer_id = TextField(max_length=100, required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)


class ApplicationChange(_Asked):
    """What of a draft changes."""

    application_id = TextField(max_length=100, required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class ApplicationKey(StrictSchema):
    """Names an application by id or number."""

    application_id = TextField(max_length=100, required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)
    reason = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)


class Step(ApplicationKey):
    """A step that the flow takes with an application."""

    step = TextField(max_length=20, required=True)
    instance_id = IdField(load_default=None, allow_none=True)
    approved = ObjectField(load_default=None, allow_none=True)
    problem = TextField(max_length=2_000, multiline=True, load_default=None, allow_none=True)


class Application(Schema):
    """An application as answered."""

    id = IdField()
    number = TextField()
    type = TextField()
    customer_id = IdField()
    status = TextField()
    amount = TextField()
    currency = CurrencyField()
    term_days = IntegerField(allow_none=True)
    approved = ObjectField(allow_none=True)
    version = IntegerField()


class FormName(StrictSchema):
    """The form whose records it is about."""

    form = TextField(max_length=50, required=True)


class RecordKey(FormName):
    """One record of a form."""

    record_id = IdField(required=True)
    version = IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)


class RecordFile(FormName):
    """One file of a record."""

    record_id = IdField(required=True)
    file_id = IdField(required=True)


class ApplicationFile(StrictSchema):
    """One file of an application."""

    application_id = TextField(max_length=100, required=True)
    file_id = IdField(required=True)


class RecordBody(StrictSchema):
    """The values of a record."""

    values = ObjectField(required=True, data_key="fields", attribute="fields")


class NewRecord(RecordBody, FormName):
    """A record to be created."""


class RecordChange(RecordBody, RecordKey):
    """What of a record changes."""


class RecordChangeBody(RecordBody):
    """The same as the body of a PATCH."""

    version = IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)


class RecordDraftBody(StrictSchema):
    """Values to be tried out, of a new record or of one that there is."""

    values = ObjectField(load_default=dict, data_key="fields", attribute="fields")
    record_id = IdField(load_default=None, allow_none=True)


class RecordDraft(RecordDraftBody, FormName):
    """The same with its form."""


class RecordList(ListInput, FormName):
    """A page of records.

    `where` may hold fields, `filter` (an expression), `q` (full-text search) and `deleted` (those hidden).
    """


class RecordExport(RecordList):
    """The same as texts for a table, more of them at once."""

    page_size = IntegerField(minimum=1, maximum=1_000, load_default=1_000)


class ExportView(FormName):
    """What an export shows: as a saved view does, or every field."""

    view = IdField(load_default=None, allow_none=True)


class RecordHistory(ListInput, RecordKey):
    """A page of what was changed of a record."""


class ViewBody(StrictSchema):
    """A way to look at the records of a form."""

    name = TextField(max_length=50, required=True)
    shared = FlagField(load_default=False)
    filter = TextField(max_length=10_000, multiline=True, load_default=None, allow_none=True)
    sort = TextField(max_length=60, load_default=None, allow_none=True)
    columns = List(TextField(max_length=60), load_default=list, validate=validate.Length(max=100))
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class NewView(ViewBody, FormName):
    """The same with its form."""


class ViewKey(FormName):
    """One saved view."""

    view_id = IdField(required=True)


class RecordAnswer(StrictSchema):
    """A record, opened under the newest version of its form."""

    id = IdField()
    form = TextField()
    form_version = IntegerField()
    version = IntegerField()
    department = TextField(allow_none=True)
    values = ObjectField(data_key="fields", attribute="fields")
    created_at = InstantField()
    created_by = TextField()
    updated_at = InstantField()
    updated_by = TextField()
    deleted_at = InstantField(allow_none=True)


class RecordPage(StrictSchema):
    """A page of records."""

    items = List(Nested(RecordAnswer))
    next = TextField(allow_none=True)


class DeletedRecord(StrictSchema):
    """What was hidden, to be restored."""

    id = IdField()
    form = TextField()
    version = IntegerField()
    deleted = FlagField()


class RecordChangeLine(StrictSchema):
    """What somebody changed at one moment, field by field."""

    id = IntegerField()
    version = IntegerField()
    form_version = IntegerField()
    action = TextField()
    changes = List(ObjectField())
    changed_at = InstantField()
    changed_by = TextField()


class RecordHistoryPage(StrictSchema):
    """A page of a record's history, the newest first."""

    items = List(Nested(RecordChangeLine))
    next = TextField(allow_none=True)


class ViewAnswer(ViewBody):
    """A saved view."""

    id = IdField()
    form = TextField()
    owner = TextField()
    updated_at = InstantField()


class ViewPage(StrictSchema):
    """One's own views and those that are shared."""

    items = List(Nested(ViewAnswer))
    next = TextField(allow_none=True)
