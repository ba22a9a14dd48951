"""The shapes of reports and dashboards."""

from __future__ import annotations

from marshmallow.fields import Dict, List

from services.common.fields import DateField, IntegerField, ObjectField, StrictSchema, TextField

ROWS_MAX = 10_000
_KEYS_MAX = 60


class Query(StrictSchema):
    """What is asked: measures by dimensions, filtered, sorted, and maybe turned into a pivot."""

    measures = List(TextField(max_length=_KEYS_MAX), required=True)
    dimensions = List(TextField(max_length=_KEYS_MAX), load_default=list)
    filters = Dict(load_default=dict)
    pivot = ObjectField(load_default=None, allow_none=True)
    sort = TextField(max_length=_KEYS_MAX, load_default=None, allow_none=True)
    limit = IntegerField(minimum=1, maximum=ROWS_MAX, load_default=ROWS_MAX)
    as_of = DateField(load_default=None, allow_none=True)
    date_from = DateField(load_default=None, allow_none=True)
    format = TextField(max_length=10, load_default="json")


class DashboardKey(StrictSchema):
    """Names a dashboard, and the customer whom a profile is about."""

    dashboard = TextField(max_length=100, required=True)
    customer_id = TextField(max_length=100, load_default=None, allow_none=True)


class NewDashboard(StrictSchema):
    """A dashboard to be made or replaced, by its key."""

    key = TextField(max_length=_KEYS_MAX, required=True)
    title = TextField(max_length=200, required=True)
    widgets = List(Dict(), required=True)


class CustomerKey(StrictSchema):
    """Names a customer by id or code."""

    customer_id = TextField(max_length=100, required=True)
