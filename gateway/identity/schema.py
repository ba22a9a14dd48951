"""The shapes of identity: what may be sent about users, departments, roles and keys."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, validate
from marshmallow.fields import List, Nested

from gateway.sign_in.schema import NAME_LENGTH_MAX as _NAME
from gateway.sign_in.schema import password_field
from services.common.fields import (
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

_ROLES_MAX = 50
_RIGHTS_MAX = 500
_SCOPES_MAX = 200
_EXPRESSION_MAX = 10_000
# What real addresses look like, no more: quoted local parts and comments are refused.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}")


class EmailField(TextField):
    """A mail address that can stand in a header as it is."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _EMAIL.fullmatch(text):
            raise refuse("email_invalid", "邮箱格式不正确")
        return text


def is_username_sign(sign: str) -> bool:
    """Whether a sign may stand in a username."""
    return not sign.isspace() and sign not in ":/@%?#"


class UsernameField(TextField):
    """A name to sign in with: no blanks, and nothing that has a meaning in a path or an address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not all(map(is_username_sign, text)):
            raise refuse("username_invalid", "用户名不能含空格或 : / @ % ? #")
        return text


def _roles(**options: Any) -> Any:
    return List(TextField(max_length=50), validate=validate.Length(max=_ROLES_MAX), **options)


def _rights(**options: Any) -> Any:
    return List(TextField(max_length=60), validate=validate.Length(max=_RIGHTS_MAX), **options)


class NewUser(StrictSchema):
    """A user to be made; one without a password signs in elsewhere, or chooses one by a mail."""

    username = UsernameField(max_length=_NAME, required=True)
    password = password_field(load_default=None, allow_none=True)
    name = TextField(max_length=_NAME, required=True)
    email = EmailField(max_length=254, load_default=None, allow_none=True)
    department = TextField(max_length=50, load_default=None, allow_none=True)
    position = TextField(max_length=50, load_default=None, allow_none=True)
    roles = _roles(load_default=list)


class UserChange(StrictSchema):
    """What of a user changes."""

    name = TextField(max_length=_NAME)
    email = EmailField(max_length=254, allow_none=True)
    department = TextField(max_length=50, allow_none=True)
    position = TextField(max_length=50, allow_none=True)
    roles = _roles()
    active = FlagField()
    password = password_field()
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class NewDepartment(StrictSchema):
    """A department to be made; `parent` is a code, `head` a username."""

    code = TextField(max_length=50, required=True)
    name = TextField(max_length=_NAME, required=True)
    parent = TextField(max_length=50, load_default=None, allow_none=True)
    head = TextField(max_length=_NAME, load_default=None, allow_none=True)


class DepartmentChange(StrictSchema):
    """What of a department changes."""

    name = TextField(max_length=_NAME)
    parent = TextField(max_length=50, allow_none=True)
    head = TextField(max_length=_NAME, allow_none=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class ScopeInput(StrictSchema):
    """Which records: `departments` their codes, `expression` over the record."""

    kind = TextField(max_length=30, required=True)
    departments = List(TextField(max_length=50), validate=validate.Length(max=_SCOPES_MAX))
    expression = TextField(max_length=_EXPRESSION_MAX, multiline=True)


class GrantInput(StrictSchema):
    """A right, how far it reaches (one of the scopes is enough) and under which condition."""

    right = TextField(max_length=60, required=True)
    scopes = List(Nested(ScopeInput()), validate=validate.Length(min=1, max=_SCOPES_MAX))
    condition = TextField(max_length=_EXPRESSION_MAX, multiline=True, allow_none=True)


def _grants(**options: Any) -> Any:
    return List(Nested(GrantInput()), validate=validate.Length(max=_RIGHTS_MAX), **options)


class NewPosition(StrictSchema):
    """A position (岗位) to be made."""

    code = TextField(max_length=50, required=True)
    name = TextField(max_length=_NAME, required=True)


class PositionChange(StrictSchema):
    """What of a position changes."""

    name = TextField(max_length=_NAME)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class LeaveInput(StrictSchema):
    """When somebody is away (both days count), and who does their work meanwhile (a username)."""

    first = DateField(required=True, data_key="from")
    until = DateField(required=True)
    stand_in = TextField(max_length=_NAME, load_default=None, allow_none=True)


class RoleInput(StrictSchema):
    """A role's rights: `permissions` reach every record, `grants` say how far they reach.

    `fields`: `{resource: {path: "hidden" | "masked" | "read" | "write" or {"level", "mask"}}}`.
    """

    label = TextField(max_length=_NAME, required=True)
    permissions = _rights(load_default=list)
    grants = _grants(load_default=None, allow_none=True)
    fields_ = ObjectField(data_key="fields", attribute="fields", load_default=None, allow_none=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class NewRole(RoleInput):
    """A role to be made."""

    key = TextField(max_length=50, required=True)


class RoleChange(StrictSchema):
    """Cells of a role's matrix that change; what is not named stays."""

    label = TextField(max_length=_NAME)
    grant = _grants(load_default=list)
    revoke = _rights(load_default=list)
    fields_ = ObjectField(data_key="fields", attribute="fields", load_default=dict)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class ShareInput(StrictSchema):
    """With whom a record is shared, how far (read, write), and until when."""

    username = TextField(max_length=_NAME, required=True)
    level = TextField(load_default="read", validate=validate.OneOf(("read", "write")))
    expires_at = InstantField(load_default=None, allow_none=True)


class UnshareInput(StrictSchema):
    """From whom a record is taken back."""

    username = TextField(max_length=_NAME, required=True)


class Duties(StrictSchema):
    """What the installation allows; what is left out stays."""

    approve_own_application = FlagField()
    publish_own_draft = FlagField()


class Question(StrictSchema):
    """Whether somebody may do something, with one record where `record` names it."""

    username = TextField(max_length=_NAME, required=True)
    right = TextField(max_length=60, required=True)
    record = TextField(max_length=100, load_default=None, allow_none=True)


class NewKey(StrictSchema):
    """An API key to be made."""

    name = TextField(max_length=_NAME, required=True)
    permissions = _rights(required=True)
    expires_at = InstantField(load_default=None, allow_none=True)


class Department(Schema):
    """A department as answered."""

    id = IdField()
    code = TextField()
    name = TextField()
    parent = TextField(allow_none=True)
    head = TextField(allow_none=True)
    version = IntegerField()


class Position(Schema):
    """A position as answered."""

    id = IdField()
    code = TextField()
    name = TextField()
    version = IntegerField()


class Leave(Schema):
    """When somebody is away, as answered."""

    first = DateField(data_key="from")
    until = DateField()
    stand_in = TextField(allow_none=True)


class Role(Schema):
    """A role as answered."""

    id = IdField()
    key = TextField()
    label = TextField()
    permissions = List(TextField())
    grants = List(Nested(GrantInput()))
    fields_ = ObjectField(data_key="fields", attribute="fields")
    version = IntegerField()


class Key(Schema):
    """An API key as answered; `key` is its text, in the first answer only, `hint` how it begins."""

    id = IdField()
    name = TextField()
    hint = TextField()
    permissions = List(TextField())
    created_by = TextField()
    created_at = InstantField()
    expires_at = InstantField(allow_none=True)
    revoked_at = InstantField(allow_none=True)
    last_used_at = InstantField(allow_none=True)
    last_used_from = TextField(allow_none=True)
    key = TextField()


class User(Schema):
    """A user as answered; never with a password."""

    id = IdField()
    username = TextField()
    name = TextField()
    email = TextField(allow_none=True)
    department = TextField(allow_none=True)
    position = TextField(allow_none=True)
    roles = _roles()
    active = FlagField()
    leave = Nested(Leave, allow_none=True)
    version = IntegerField()


class Colleague(Schema):
    """A name among colleagues."""

    id = IdField()
    username = TextField()
    name = TextField()
    department = TextField(allow_none=True)


class PersonPage(Schema):
    """A page of names."""

    items = List(Nested(Colleague()))
    next = TextField(allow_none=True)
