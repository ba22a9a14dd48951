"""The functions of the language: one table; each family is a module that enters its functions."""

from services.common.expressions.functions import checks, dates, lists, logic, numbers, texts
from services.common.expressions.functions.table import FAMILIES, FUNCTIONS, Function, Parameter

__all__ = [
    "FAMILIES",
    "FUNCTIONS",
    "Function",
    "Parameter",
    "checks",
    "dates",
    "lists",
    "logic",
    "numbers",
    "texts",
]
