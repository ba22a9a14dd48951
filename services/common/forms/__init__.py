"""Forms that people define: what a definition may say, and the checks that follow from it."""

from services.common.forms.definition import FIELD_TYPES, FormDefinition, FormField, read_definition
from services.common.forms.values import load_values, values_schema

__all__ = [
    "FIELD_TYPES",
    "FormDefinition",
    "FormField",
    "load_values",
    "read_definition",
    "values_schema",
]
