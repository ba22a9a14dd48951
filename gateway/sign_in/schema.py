"""The shapes of signing in."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, validate
from marshmallow.fields import List

from services.common.fields import FlagField, IdField, InstantField, IntegerField, StrictSchema, TextField

NAME_LENGTH_MAX = 100
PASSWORD_LENGTH_MAX = 1_000
_TOKEN_LENGTH_MAX = 500
_TICKET_LENGTH_MAX = 2_000
_CODE_LENGTH_MAX = 40
# No administrator can make passwords shorter than this, or longer than people can bear.
_LENGTH_MIN, _LENGTH_MAX = 8, 64


def password_field(**options: Any) -> TextField:
    """A password; how good it is, `gateway.sign_in.passwords` says."""
    return TextField(max_length=PASSWORD_LENGTH_MAX, **options)


class Login(StrictSchema):
    """Who signs in."""

    username = TextField(max_length=NAME_LENGTH_MAX, required=True)
    password = password_field(required=True)


class Refresh(StrictSchema):
    """A refresh token; a browser has it in a cookie."""

    refresh_token = TextField(max_length=_TOKEN_LENGTH_MAX, load_default="")


class Ticket(StrictSchema):
    """The ticket to the next step that a sign-in has answered."""

    ticket = TextField(max_length=_TICKET_LENGTH_MAX, required=True)


class SecondStep(Ticket):
    """The next step: a code of the app, or a recovery code."""

    code = TextField(max_length=_CODE_LENGTH_MAX, required=True)


class Code(StrictSchema):
    """A code of the app, or a recovery code."""

    code = TextField(max_length=_CODE_LENGTH_MAX, required=True)


class OwnPassword(StrictSchema):
    """The password that one has, to show that it is oneself."""

    password = password_field(required=True)


class PasswordChange(StrictSchema):
    """One's password, and the one that it is to be."""

    password = password_field(required=True)
    new_password = password_field(required=True)


class Forgotten(StrictSchema):
    """Whose password is forgotten: a username or a mail address."""

    username = TextField(max_length=254, required=True)


class Reset(StrictSchema):
    """The token of the mail's link, and the password that it is to be."""

    token = TextField(max_length=_TOKEN_LENGTH_MAX, required=True)
    password = password_field(required=True)


class SettingsChange(StrictSchema):
    """What of the sign-in settings changes."""

    password_length_min = IntegerField(minimum=_LENGTH_MIN, maximum=_LENGTH_MAX)
    second_factor_roles = List(TextField(max_length=50), validate=validate.Length(max=200))
    version = IntegerField(minimum=1, load_default=None, allow_none=True)


class Settings(Schema):
    """The sign-in settings: roles that need a second factor, and the least length of a password."""

    password_length_min = IntegerField()
    second_factor_roles = List(TextField())
    version = IntegerField()


class Tokens(Schema):
    """What a sign-in answers: tokens, or the second factor that is wanted and a ticket to it.

    A browser that keeps the tokens in cookies gets a CSRF token in their place.
    """

    access_token = TextField()
    refresh_token = TextField()
    token_type = TextField()
    csrf_token = TextField()
    expires_in = IntegerField()
    second_factor = TextField()
    ticket = TextField()
    recovery_codes = List(TextField())


class Enrolment(Schema):
    """A new second factor, for the app: as text, and as the URI that a QR code shows."""

    secret = TextField()
    otpauth_uri = TextField()


class RecoveryCodes(Schema):
    """Codes for when the app is lost, each good for once; shown this once."""

    recovery_codes = List(TextField())


class SecondFactorState(Schema):
    """Whether a second factor is in force, whether a role needs it, and how many recovery codes are left."""

    state = TextField()
    needed = FlagField()
    recovery_codes_left = IntegerField()


class Session(Schema):
    """A session as answered."""

    id = IdField()
    created_at = InstantField()
    refreshed_at = InstantField()
    expires_at = InstantField()
    address = TextField()
    agent = TextField()
    method = TextField()
    second_factor = FlagField()
    current = FlagField()
