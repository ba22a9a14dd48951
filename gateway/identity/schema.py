"""The shapes of identity: what may be sent about users, departments, roles and keys."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, validates_schema
from marshmallow.fields import List

from services.common.fields import (
    FlagField,
    IdField,
    InstantField,
    IntegerField,
    StrictSchema,
    TextField,
    refuse,
)

PASSWORD_LENGTH_MIN = 8
_NAME = 100


def _roles(**options: Any) -> Any:
    return List(TextField(max_length=50), **options)


class Login(StrictSchema):
    """Who signs in."""

    username = TextField(max_length=_NAME, required=True)
    password = TextField(max_length=1_000, required=True)


class Refresh(StrictSchema):
    """A refresh token."""

    refresh_token = TextField(max_length=500, required=True)


class NewUser(StrictSchema):
    """A user to be made."""

    username = TextField(max_length=_NAME, required=True)
    password = TextField(max_length=1_000, min_length=PASSWORD_LENGTH_MIN, required=True)
    name = TextField(max_length=_NAME, required=True)
    email = TextField(max_length=254, load_default=None, allow_none=True)
    department = TextField(max_length=50, load_default=None, allow_none=True)
    roles = _roles(load_default=list)

    @validates_schema
    def _plain(self, data: dict[str, Any], **_: Any) -> None:
        if any(character.isspace() or character in ":/@" for character in data.get("username") or ""):
            raise refuse("username", "用户名不能含空格、冒号、斜杠或 @")
        if data.get("email") and data["email"].count("@") != 1:
            raise refuse("email", "邮箱格式不正确")


class UserChange(StrictSchema):
    """What of a user changes."""

    name = TextField(max_length=_NAME)
    email = TextField(max_length=254, allow_none=True)
    department = TextField(max_length=50, allow_none=True)
    roles = _roles()
    active = FlagField()
    password = TextField(max_length=1_000, min_length=PASSWORD_LENGTH_MIN)
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


class RoleInput(StrictSchema):
    """A role and its rights."""

    key = TextField(max_length=50)
    label = TextField(max_length=_NAME, required=True)
    permissions = List(TextField(max_length=60), required=True)
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class NewKey(StrictSchema):
    """An API key to be made."""

    name = TextField(max_length=_NAME, required=True)
    permissions = List(TextField(max_length=60), required=True)
    expires_at = InstantField(load_default=None, allow_none=True)


class User(Schema):
    """A user as answered; never with a password."""

    id = IdField()
    username = TextField()
    name = TextField()
    email = TextField(allow_none=True)
    department = TextField(allow_none=True)
    roles = _roles()
    active = FlagField()
    version = IntegerField()


class Tokens(Schema):
    """What a sign-in answers."""

    access_token = TextField()
    refresh_token = TextField()
    token_type = TextField()
    expires_in = IntegerField()
