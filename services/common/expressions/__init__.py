"""The one expression language: text or condition tree in, a checked typed tree, exact values out.

`parse` reads text, `check` finds every mistake against a field catalogue, `compile_tree` makes a function
of a record, `to_text` writes a tree as text again; `expressions.sql` compiles the same trees to
SQLAlchemy, and gateway/web/src/expressions evaluates them in the browser. Nothing of Python is reachable
from an expression.
"""

from services.common.expressions.catalogue import Catalogue, Field, Fields, computing_order, field, labels
from services.common.expressions.checker import Checked, check
from services.common.expressions.compiler import Compiled, compile_tree, evaluate
from services.common.expressions.parser import parse
from services.common.expressions.problems import ExpressionError
from services.common.expressions.trees import Tree
from services.common.expressions.values import from_json, kind_of, record_from_json, to_json
from services.common.expressions.world import Calendar, World
from services.common.expressions.writer import to_text

__all__ = [
    "Calendar",
    "Catalogue",
    "Checked",
    "Compiled",
    "ExpressionError",
    "Field",
    "Fields",
    "Tree",
    "World",
    "check",
    "compile_tree",
    "computing_order",
    "evaluate",
    "field",
    "from_json",
    "kind_of",
    "labels",
    "parse",
    "record_from_json",
    "to_json",
    "to_text",
]
