"""The shapes of single sign-on."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, validate
from marshmallow.fields import List

from gateway.sign_in.schema import NAME_LENGTH_MAX
from services.common.fields import FlagField, IdField, IntegerField, StrictSchema, TextField, refuse

LINK_BY = ("none", "username", "email")
_KEY = re.compile(r"[a-z][a-z0-9-]{0,49}")
_URL_LENGTH_MAX = 500


class _KeyField(TextField):
    """A provider's key, which stands in paths."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _KEY.fullmatch(text):
            raise refuse("key_invalid", "应以小写字母开头, 由小写字母、数字和 - 组成, 最多 50 个字符")
        return text


def _link_by(**options: Any) -> TextField:
    return TextField(validate=validate.OneOf(LINK_BY), **options)


def _create_roles(**options: Any) -> Any:
    return List(TextField(max_length=50), validate=validate.Length(max=50), allow_none=True, **options)


class NewProvider(StrictSchema):
    """A provider: who it is, as whom it knows us, and how its people are found or made here.

    `link_by` says by which claim an existing user is found the first time; with `create_roles`, unknown
    people become users with these roles. `trusts_second_factor`: the provider asks for one itself.
    """

    key = _KeyField(max_length=50, required=True)
    label = TextField(max_length=NAME_LENGTH_MAX, required=True)
    issuer = TextField(max_length=_URL_LENGTH_MAX, required=True)
    client_id = TextField(max_length=_URL_LENGTH_MAX, required=True)
    client_secret = TextField(max_length=_URL_LENGTH_MAX, required=True)
    link_by = _link_by(load_default="none")
    create_roles = _create_roles(load_default=None)
    trusts_second_factor = FlagField(load_default=False)
    active = FlagField(load_default=True)


class ProviderChange(StrictSchema):
    """What of a provider changes."""

    label = TextField(max_length=NAME_LENGTH_MAX)
    issuer = TextField(max_length=_URL_LENGTH_MAX)
    client_id = TextField(max_length=_URL_LENGTH_MAX)
    client_secret = TextField(max_length=_URL_LENGTH_MAX)
    link_by = _link_by()
    create_roles = _create_roles()
    trusts_second_factor = FlagField()
    active = FlagField()
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class Provider(Schema):
    """A provider as answered, without its secret."""

    id = IdField()
    key = TextField()
    label = TextField()
    issuer = TextField()
    client_id = TextField()
    link_by = TextField()
    create_roles = _create_roles()
    trusts_second_factor = FlagField()
    active = FlagField()
    version = IntegerField()


class Redeem(StrictSchema):
    """The ticket with which the browser came back."""

    ticket = TextField(max_length=500, required=True)
