"""The shapes of definitions as they cross a border, of whichever service keeps them."""

from __future__ import annotations

import marshmallow
from marshmallow.fields import List

from services.common import fields


class FormKey(fields.StrictSchema):
    """One form by its key; a version of it, or its draft."""

    key = fields.TextField(max_length=50, required=True)
    version = fields.IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)
    draft = fields.FlagField(load_default=False)


class FormDraft(fields.StrictSchema):
    """A definition on its way: its members are checked where definitions are."""

    key = fields.TextField(max_length=50, required=True)
    definition = fields.ObjectField(required=True)


class Publication(fields.StrictSchema):
    """Which draft to publish; with `dry_run`, only what it would warn of."""

    key = fields.TextField(max_length=50, required=True)
    revision = fields.IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)
    dry_run = fields.FlagField(load_default=False)


class PublicationBody(Publication):
    """The same as the body of a request."""

    class Meta(fields.StrictSchema.Meta):
        exclude = ("key",)


class FormDefinitionBody(marshmallow.Schema):
    """A definition as it is sent; see docs/forms.md for what a field of each type may say."""

    key = fields.TextField(required=True)
    title = fields.ObjectField(required=True)
    fields_ = List(fields.ObjectField(), data_key="fields", attribute="fields", required=True)
    unique = List(List(fields.TextField()))
    checks = List(fields.ObjectField())


class FormWarning(fields.StrictSchema):
    """A field with data that is taken away or gets another type."""

    field = fields.TextField()
    code = fields.TextField()
    records = fields.IntegerField()
    message = fields.TextField()
    message_en = fields.TextField()


class FormAnswer(fields.StrictSchema):
    """A form: its definition, its published version (0: none), and how its draft stands."""

    key = fields.TextField()
    title = fields.ObjectField()
    fields_ = List(fields.ObjectField(), data_key="fields", attribute="fields")
    unique = List(List(fields.TextField()))
    checks = List(fields.ObjectField())
    version = fields.IntegerField()
    state = fields.TextField()
    revision = fields.IntegerField(allow_none=True)
    author = fields.TextField(allow_none=True)
    published_at = fields.InstantField(allow_none=True)
    published_by = fields.TextField(allow_none=True)
    warnings = List(marshmallow.fields.Nested(FormWarning))


class FormPage(fields.StrictSchema):
    """The forms."""

    items = List(marshmallow.fields.Nested(FormAnswer))
    next = fields.TextField(allow_none=True)


class Evaluation(fields.StrictSchema):
    """How a form stands with these values: computed, hidden, required, linked and checked."""

    fields_ = fields.ObjectField(data_key="fields", attribute="fields")
    hidden = List(fields.TextField())
    required = List(fields.TextField())
    options = fields.ObjectField()
    errors = List(fields.ObjectField())
