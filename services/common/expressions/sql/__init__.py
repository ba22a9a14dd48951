"""Tree to SQL: a checked expression as a SQLAlchemy expression, with the meaning it has in Python.

What PostgreSQL cannot compute with that meaning is refused when it is compiled, with its place
(`not_in_sql`): `REGEXMATCH` (another engine of regular expressions), `RMB`, `LOOKUP` (another service's
data), and formats and units that are not literal.
"""

from services.common.expressions.sql.compiler import compile_condition, compile_value, document_columns

__all__ = ["compile_condition", "compile_value", "document_columns"]
