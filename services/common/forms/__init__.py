"""Forms that people define: what a definition may say, and the checks that follow from it."""

from services.common.forms.definition import FIELD_TYPES, FormDefinition, FormField, read_definition
from services.common.forms.values import Form, compile_form, load_values

__all__ = [
    "FIELD_TYPES",
    "Form",
    "FormDefinition",
    "FormField",
    "compile_form",
    "load_values",
    "read_definition",
]
