"""Decision tables over the expression language: typed columns, cells as conditions, every cell checked
when saved.

`check_table` finds every mistake, named by row and column; `Table.decide` computes the outcome for a record;
`coverage` finds the cases that no row covers, the rows that cover the same, and those that are never reached.
"""

from services.common.decision_tables.coverage import Coverage, coverage
from services.common.decision_tables.table import HITS, Outcome, Table, check_table

__all__ = ["Coverage", "HITS", "Outcome", "Table", "check_table", "coverage"]
