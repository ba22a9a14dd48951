"""Whether what has already happened took a pool past its limit: recorded all the same, and flagged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO
from services.limits.operations.carriers import pool_checks


def is_over_limit(work: UnitOfWork, document: Mapping[str, Any]) -> bool:
    """Whether a pool that a document touches holds more than its effective limit on the business date.

    Where a rate is missing, nobody can tell that it does not.
    """
    return any(pool.is_over for pool in pool_checks(work, document, ZERO, ZERO))
