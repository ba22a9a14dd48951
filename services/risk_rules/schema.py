"""The shapes of rules and ratings."""

from __future__ import annotations

from marshmallow.fields import Dict, List, Raw

from services.common.fields import FlagField, IdField, IntegerField, ObjectField, StrictSchema, TextField
from services.common.paging import ListInput


class RuleInput(StrictSchema):
    """A rule's definition: trigger, condition (text or tree), strength and actions."""

    key = TextField(max_length=60)
    name = TextField(max_length=200, required=True)
    trigger = TextField(max_length=40, required=True)
    condition = Raw(required=True)
    strength = TextField(max_length=20, load_default="warn")
    message = TextField(max_length=500, load_default=None, allow_none=True)
    explains = TextField(max_length=60, load_default=None, allow_none=True)
    active = FlagField(load_default=True)
    actions = List(Dict(), load_default=list)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class NewRule(RuleInput):
    """A rule to be made."""

    key = TextField(max_length=60, required=True)


class RuleKey(StrictSchema):
    """Names a rule by id or key."""

    rule = TextField(max_length=100, required=True)


class RuleChange(RuleInput, RuleKey):
    """A rule's new draft."""


class RuleTest(RuleKey):
    """One case to try a rule on."""

    facts = ObjectField(required=True)


class RuleFirings(ListInput, RuleKey):
    """A page of a rule's firings."""


class RatingKey(StrictSchema):
    """Names the rating of a customer."""

    customer_id = IdField(required=True)


class RatingInput(RatingKey):
    """A grade that a person gives."""

    grade = TextField(max_length=1, required=True)
    reason = TextField(max_length=500, required=True)
