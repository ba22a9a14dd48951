"""Forms that people define: what a definition may say, and the checks that follow from it.

`types` has the field types, `definition` and `checking` read what an admin defines, `formulas` compiles its
expressions, `values` settles a record. Pure; `model` and `store` keep definitions, `files` the files that
records hold.
"""

from services.common.forms.definition import FormDefinition, read_definition
from services.common.forms.types import OPERATORS, TYPES, FieldType, FormField, type_of
from services.common.forms.values import (
    Form,
    Outcome,
    Surroundings,
    compile_form,
    late_values,
    load_values,
    settle_values,
    value_at,
)

__all__ = [
    "OPERATORS",
    "TYPES",
    "FieldType",
    "Form",
    "FormDefinition",
    "FormField",
    "Outcome",
    "Surroundings",
    "compile_form",
    "late_values",
    "load_values",
    "read_definition",
    "settle_values",
    "type_of",
    "value_at",
]
