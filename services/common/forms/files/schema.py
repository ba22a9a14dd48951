"""The shapes of files in forms."""

from __future__ import annotations

import marshmallow
from marshmallow import validate
from marshmallow.fields import List

from services.common import fields


class FileRoom(fields.StrictSchema):
    """Which field a file is for; with a `record_id` it is for a record that there is."""

    form = fields.TextField(max_length=50, required=True)
    field = fields.TextField(max_length=101, required=True)
    record_id = fields.TextField(max_length=60, load_default=None, allow_none=True)
    # The field as a write names it, so that field rights hold for it.
    fields_ = fields.ObjectField(data_key="fields", attribute="fields", load_default=dict)


class FileQuery(fields.StrictSchema):
    """The same as parameters of a request."""

    field = fields.TextField(required=True)
    record_id = fields.TextField()


class NewFile(FileRoom):
    """A file that the gateway has stored for a field."""

    name = fields.TextField(max_length=200, required=True)
    content_type = fields.TextField(max_length=120, required=True)
    size_bytes = fields.IntegerField(minimum=1, required=True)
    sha256 = fields.TextField(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))
    storage_key = fields.TextField(
        required=True, validate=validate.Regexp(r"[a-z]+/[0-9a-f]{2}/[0-9a-f]{32}\Z")
    )


class FileAnswer(fields.StrictSchema):
    """What a record says of a file."""

    id = fields.IdField()
    name = fields.TextField()
    content_type = fields.TextField()
    size_bytes = fields.IntegerField()


class FileIds(fields.StrictSchema):
    """Some files."""

    ids = List(fields.IdField(), required=True, validate=marshmallow.validate.Length(max=1_000))
