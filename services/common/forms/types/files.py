"""Files, pictures and signatures: descriptions of what lies in the storage, which has its own doors."""

from __future__ import annotations

from typing import Any, ClassVar

import marshmallow
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import refuse
from services.common.forms.types.base import Counted, FieldType, FormField, read_each, read_list, register

_MEGABYTE = 1024 * 1024
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


class FileSettings(Counted):
    """How many files, how large, and of which kinds (content types; none: any)."""

    items_max = fields.IntegerField(minimum=1, maximum=100, load_default=10)
    size_mb_max = fields.IntegerField(minimum=1, maximum=1_000, load_default=20)
    content_types = marshmallow.fields.List(
        fields.TextField(max_length=120), load_default=list, validate=validate.Length(max=50)
    )


class _File(fields.StrictSchema):
    """A stored file."""

    id = fields.IdField(required=True)
    name = fields.TextField(max_length=200, required=True)
    size_bytes = fields.IntegerField(minimum=1, required=True)
    content_type = fields.TextField(max_length=120, required=True)


_FILE = _File()


@register
class Attachment(FieldType):
    """Files."""

    key, zh, en, family = "attachment", "附件", "Attachments", "file"
    settings: ClassVar[type[fields.StrictSchema]] = FileSettings
    stores, text_format, can_be_unique = "document", "name、name", False
    kinds: tuple[str, ...] = ()

    def expression_type(self, field: FormField) -> Any:
        """A list, to be counted."""
        return [{"id": "text", "name": "text", "size_bytes": "number", "content_type": "text"}]

    def read(self, value: Any, field: FormField) -> list[dict[str, Any]]:
        """Descriptions of stored files."""
        items = read_list(value, field.settings["items_min"], field.settings["items_max"])
        return read_each(items, lambda item: self.file(item, field))

    def file(self, value: Any, field: FormField) -> dict[str, Any]:
        """One description."""
        if not isinstance(value, dict):
            raise refuse("not_a_file")
        found: dict[str, Any] = _FILE.load(value)
        allowed = self.allowed(field)
        if allowed and found["content_type"] not in allowed:
            raise refuse("file_kind", allowed=", ".join(allowed))
        if found["size_bytes"] > field.settings["size_mb_max"] * _MEGABYTE:
            raise refuse("file_size", most=field.settings["size_mb_max"])
        return {**found, "id": str(found["id"])}

    def allowed(self, field: FormField) -> tuple[str, ...]:
        """The content types that a field takes; none: any."""
        return tuple(field.settings.get("content_types") or self.kinds)

    def to_text(self, value: Any, field: FormField) -> str:
        """Their names."""
        return "、".join(one["name"] for one in value or ())


@register
class Image(Attachment):
    """Pictures."""

    key, zh, en = "image", "图片", "Pictures"
    kinds = _PICTURES


class SignatureSettings(fields.StrictSchema):
    """How large the picture of a signature may be."""

    size_mb_max = fields.IntegerField(minimum=1, maximum=10, load_default=1)


@register
class Signature(Attachment):
    """A signature drawn with a finger: one picture."""

    key, zh, en = "signature", "手写签名", "Signature"
    settings = SignatureSettings
    kinds = ("image/png",)

    def expression_type(self, field: FormField) -> Any:
        """A picture, to be asked whether it is there."""
        return {"type": "record", "fields": {"id": "text", "name": "text"}}

    def read(self, value: Any, field: FormField) -> Any:
        """The description of one stored picture."""
        return self.file(value, field)

    def to_text(self, value: Any, field: FormField) -> str:
        """Its name."""
        return "" if value is None else str(value["name"])
