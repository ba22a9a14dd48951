"""Which records a caller reaches: the grants of a right, over facts in memory and in SQL alike."""

from services.common.scopes.clauses import Facts, check_clause, holds, reaches, require_reach
from services.common.scopes.owned import Owned, require_visible, visible, visible_through

__all__ = [
    "Facts",
    "Owned",
    "check_clause",
    "require_visible",
    "holds",
    "reaches",
    "require_reach",
    "visible",
    "visible_through",
]
