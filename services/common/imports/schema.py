"""The shapes of imports."""

from __future__ import annotations

import marshmallow
from marshmallow import validate
from marshmallow.fields import List, Nested

from services.common.fields import (
    FlagField,
    IdField,
    InstantField,
    IntegerField,
    ObjectField,
    StrictSchema,
    TextField,
)
from services.common.imports.model import STATES
from services.common.paging import ListInput

_EXISTING = validate.OneOf(["refuse", "skip", "update"])
_MODES = validate.OneOf(["valid_rows", "all_or_nothing"])
LINES_AT_ONCE_MAX = 500


class ImportForm(StrictSchema):
    """The form whose records are brought in."""

    form = TextField(max_length=50, required=True)


class NewImport(ImportForm):
    """A file that the gateway has stored."""

    file_name = TextField(max_length=200, required=True)
    storage_key = TextField(required=True, validate=validate.Regexp(r"imports/[0-9a-f]{2}/[0-9a-f]{32}\Z"))


class ImportKey(ImportForm):
    """One import."""

    import_id = IdField(required=True)


class ImportChangeBody(StrictSchema):
    """How the columns are to be read (by heading: a path, or null to leave a column out), and what of records
    that are there already: refuse the row, skip it, or update the record."""

    mapping = ObjectField()
    existing = TextField(validate=_EXISTING)
    version = IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)


class ImportChange(ImportChangeBody, ImportKey):
    """The same with its import."""


class ImportStartBody(StrictSchema):
    """Whether rows with errors are left out, or keep all others out as well."""

    mode = TextField(validate=_MODES, load_default="valid_rows")
    version = IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)


class ImportStart(ImportStartBody, ImportKey):
    """The same with its import."""


class ImportStop(ImportKey):
    """An import to be stopped."""

    version = IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)


class ImportList(ListInput, ImportForm):
    """A page of one's own imports into a form."""


class ImportErrors(ImportKey):
    """Rows with errors behind a line."""

    after = IntegerField(minimum=0, load_default=0)
    limit = IntegerField(minimum=1, maximum=200, load_default=50)


class ImportLines(ImportKey):
    """Rows as the file has them with what came of each, from a position on."""

    after = IntegerField(minimum=0, load_default=0)
    failed_only = FlagField(load_default=True)


class ImportColumn(StrictSchema):
    """What a column of a table may fill."""

    path = TextField()
    label = TextField()
    kind = TextField()
    required = FlagField()
    hint = TextField(allow_blank=True)
    options = List(TextField())
    refused = TextField(allow_blank=True)


class ImportColumns(StrictSchema):
    """Every column that a table may have."""

    form = TextField()
    items = List(Nested(ImportColumn))


class FileColumn(StrictSchema):
    """A column of the file: what it fills (`path`), what is open about it, and what it holds."""

    heading = TextField()
    path = TextField(allow_none=True)
    problem = ObjectField(allow_none=True)
    samples = List(TextField())


class ImportAnswer(StrictSchema):
    """An import and how far it is."""

    id = IdField()
    form = TextField()
    owner = TextField()
    file_name = TextField()
    encoding = TextField(allow_blank=True)
    separator = TextField(allow_blank=True)
    headings = List(TextField())
    columns = List(Nested(FileColumn))
    preview = List(List(TextField()))
    mapping = ObjectField()
    existing = TextField(validate=_EXISTING)
    mode = TextField(validate=_MODES)
    state = TextField(validate=validate.OneOf(STATES))
    phase = TextField()
    rows = IntegerField()
    done = IntegerField()
    created = IntegerField()
    updated = IntegerField()
    skipped = IntegerField()
    failed = IntegerField()
    problem = ObjectField(allow_none=True)
    cancelling = FlagField()
    version = IntegerField()
    created_at = InstantField()
    updated_at = InstantField()
    started_at = InstantField(allow_none=True)
    ended_at = InstantField(allow_none=True)


class ImportPage(StrictSchema):
    """A page of imports."""

    items = List(Nested(ImportAnswer))
    next = TextField(allow_none=True)


class ImportErrorLine(StrictSchema):
    """A row that cannot be taken: its line in the file, its cells by heading, and what is wrong."""

    line = IntegerField()
    cells = ObjectField()
    errors = List(ObjectField())


class ImportErrorPage(StrictSchema):
    """Rows with errors; `next` is the line after which the following ones come."""

    items = List(Nested(ImportErrorLine))
    next = marshmallow.fields.Raw(allow_none=True)
