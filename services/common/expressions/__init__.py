"""The one expression language: text or condition tree in, a checked typed tree, exact values out.

`parse` reads text, `check` finds every mistake against a field catalogue, `evaluate` computes a tree over a
record, `to_text` writes a tree as text again. Nothing of Python is reachable from an expression.
"""

from services.common.expressions.checker import Checked, check
from services.common.expressions.evaluator import compile_tree, evaluate
from services.common.expressions.parser import ExpressionError, Tree, parse
from services.common.expressions.writer import to_text

__all__ = ["Checked", "ExpressionError", "Tree", "check", "compile_tree", "evaluate", "parse", "to_text"]
