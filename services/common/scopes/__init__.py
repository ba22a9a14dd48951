"""Which records a caller reaches: the grants of a right, over facts in memory and in SQL alike."""

from services.common.scopes.clauses import Facts, check_clause, holds, my_values, reaches, require_reach
from services.common.scopes.owned import (
    Owned,
    is_visible,
    my_columns,
    of_customers,
    require_visible,
    visible,
    visible_through,
    world_of,
)

__all__ = [
    "Facts",
    "Owned",
    "check_clause",
    "require_visible",
    "holds",
    "is_visible",
    "my_columns",
    "my_values",
    "reaches",
    "require_reach",
    "of_customers",
    "visible",
    "visible_through",
    "world_of",
]
