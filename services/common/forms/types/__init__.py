"""All field types: one module per family, one class per type."""

from services.common.forms.types import (
    choices,
    computed,
    files,
    identities,
    layout,
    numbers,
    people,
    regions,
    relations,
    structures,
    times,
    written,
)
from services.common.forms.types.base import ALIASES, OPERATORS, TYPES, FieldType, FormField, Label, type_of

__all__ = [
    "ALIASES",
    "OPERATORS",
    "TYPES",
    "FieldType",
    "FormField",
    "Label",
    "choices",
    "computed",
    "files",
    "identities",
    "layout",
    "numbers",
    "people",
    "regions",
    "relations",
    "structures",
    "times",
    "type_of",
    "written",
]
