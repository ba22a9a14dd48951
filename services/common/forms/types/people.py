"""People, departments and roles, by username, code and key."""

from __future__ import annotations

import re
from typing import Any

from services.common import fields
from services.common.forms.texts import refuse
from services.common.forms.types.base import FieldType, FormField, read_each, read_list, register
from services.common.forms.types.choices import split_items

_KEY = re.compile(r"[\w.@\-]{1,100}")


class PeopleSettings(fields.StrictSchema):
    """Whether there may be several."""

    multiple = fields.FlagField(load_default=False)
    items_max = fields.IntegerField(minimum=1, maximum=1000, load_default=100)


def _key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise refuse("not_a_key")
    return value


@register
class User(FieldType):
    """A person by their username, or several."""

    key, zh, en, family = "user", "人员", "Person", "people"
    settings = PeopleSettings
    text_format = "username"

    def expression_type(self, field: FormField) -> Any:
        """A text, or a list of them."""
        return ["text"] if field.settings["multiple"] else "text"

    def read(self, value: Any, field: FormField) -> Any:
        """A key, or a list of keys."""
        if not field.settings["multiple"]:
            return _key(value)
        return list(dict.fromkeys(read_each(read_list(value, 0, field.settings["items_max"]), _key)))

    def to_text(self, value: Any, field: FormField) -> str:
        """The keys."""
        return "" if value is None else value if isinstance(value, str) else "、".join(value)

    def from_text(self, text: str, field: FormField) -> Any:
        """The keys."""
        return split_items(text) if field.settings["multiple"] else text.strip()


@register
class Department(User):
    """A department by its code, or several."""

    key, zh, en = "department", "部门", "Department"
    text_format = "code"


@register
class RoleType(User):
    """A role by its key, or several."""

    key, zh, en = "role", "角色", "Role"
    text_format = "key"
