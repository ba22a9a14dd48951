"""Values with parts: sub-tables, places on the map, free JSON."""

from __future__ import annotations

from typing import Any

import orjson

from services.common import fields, strict_json
from services.common.forms.texts import Fault, Refused, fault, refuse
from services.common.forms.types.base import (
    TYPES,
    Counted,
    FieldType,
    FormField,
    limits_check,
    read_list,
    register,
)
from services.common.forms.types.numbers import read_number

_ROWS_MAX = 500


class SubTableSettings(Counted):
    """How many rows there may be."""

    items_max = fields.IntegerField(minimum=1, maximum=_ROWS_MAX, load_default=200)


@register
class SubTable(FieldType):
    """Rows of columns, which are fields themselves."""

    key, zh, en, family = "sub_table", "子表", "Sub-table", "structure"
    settings = SubTableSettings
    stores, text_format, can_be_unique = "document", "JSON", False
    fits_sub_tables = False

    def expression_type(self, field: FormField) -> Any:
        """A list of its rows."""
        return [{one.key: TYPES[one.type].expression_type(one) for one in field.columns}]

    def read(self, value: Any, field: FormField) -> list[dict[str, Any]]:
        """Its rows; formulas in them are computed later."""
        rows = read_list(value, field.settings["items_min"], field.settings["items_max"])
        faults: list[Fault] = []
        found = []
        for place, row in enumerate(rows):
            read, wrong = _row(row, field)
            found.append(read)
            faults += [one.below(str(place)) for one in wrong]
        if faults:
            raise Refused(faults)
        return found

    def to_text(self, value: Any, field: FormField) -> str:
        """JSON."""
        return "" if value is None else strict_json.dumps(value)

    def from_text(self, text: str, field: FormField) -> Any:
        """JSON."""
        return strict_json.loads(text)

    def check(self, field: FormField) -> list[Fault]:
        """There are columns, each once, of types that fit into a row."""
        if not field.columns:
            return [fault("required", "fields")]
        return limits_check(field, "items_min", "items_max")


def _row(row: Any, field: FormField) -> tuple[dict[str, Any], list[Fault]]:
    if not isinstance(row, dict):
        return {}, [fault("not_an_object")]
    known = {column.key: column for column in field.columns}
    faults = [fault("unknown_field", key) for key in row if key not in known]
    found: dict[str, Any] = {}
    for column in field.columns:
        kind = TYPES[column.type]
        value = row.get(column.key)
        if kind.is_computed:
            # A row that was read comes back with what was computed: it is computed anew.
            continue
        if value is None and column.default is not None and column.key not in row:
            value = column.default
        if value is None:
            if column.required:
                faults.append(fault("required", column.key))
            continue
        try:
            found[column.key] = kind.load(value, column)
        except Refused as problem:
            faults += [one.below(column.key) for one in problem.faults]
    return found, faults


@register
class Location(FieldType):
    """A place on the map."""

    key, zh, en, family = "location", "定位", "Location", "structure"
    stores, text_format, can_be_unique = "document", "longitude,latitude address", False

    def expression_type(self, field: FormField) -> Any:
        """Its parts are columns."""
        return {"type": "record", "fields": {"longitude": "number", "latitude": "number", "address": "text"}}

    def read(self, value: Any, field: FormField) -> dict[str, Any]:
        """Degrees as decimal text (WGS 84), and an address if there is one."""
        if not isinstance(value, dict) or not {"longitude", "latitude"} <= set(value) <= {
            *("longitude", "latitude", "address"),
        }:
            raise refuse("location")
        found: dict[str, Any] = {}
        for name, most in (("longitude", 180), ("latitude", 90)):
            degrees = read_number(value[name])
            if not -most <= degrees <= most:
                raise refuse("location", name)
            found[name] = f"{degrees:f}"
        if value.get("address") is not None:
            found["address"] = fields.TextField(max_length=300).deserialize(value["address"])
        return found

    def to_text(self, value: Any, field: FormField) -> str:
        """Degrees, then the address."""
        if value is None:
            return ""
        return f"{value['longitude']},{value['latitude']} {value.get('address', '')}".strip()

    def from_text(self, text: str, field: FormField) -> Any:
        """The same."""
        degrees, _, address = text.strip().partition(" ")
        longitude, comma, latitude = degrees.partition(",")
        if not comma:
            return text
        found = {"longitude": longitude, "latitude": latitude}
        return {**found, "address": address.strip()} if address.strip() else found


class JsonSettings(fields.StrictSchema):
    """How large it may be, in bytes."""

    bytes_max = fields.IntegerField(minimum=2, maximum=1_000_000, load_default=20_000)


@register
class Json(FieldType):
    """Whatever JSON says."""

    key, zh, en, family = "json", "JSON", "JSON", "structure"
    settings = JsonSettings
    stores, text_format, can_be_unique = "document", "JSON", False

    def expression_type(self, field: FormField) -> Any:
        """Anything."""
        return "any"

    def read(self, value: Any, field: FormField) -> Any:
        """Any JSON within the size; exact numbers as decimal text."""
        plain = strict_json.to_plain(value)
        if len(orjson.dumps(plain)) > field.settings["bytes_max"]:
            raise refuse("json_too_large", most=field.settings["bytes_max"])
        return plain

    def to_text(self, value: Any, field: FormField) -> str:
        """JSON."""
        return "" if value is None else strict_json.dumps(value)

    def from_text(self, text: str, field: FormField) -> Any:
        """JSON."""
        return strict_json.loads(text)
