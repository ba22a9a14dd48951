"""Whether what has already happened took a pool past its limit: recorded all the same, and flagged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO
from services.limits.operations.carriers import pool_checks


def is_over_limit(work: UnitOfWork, document: Mapping[str, Any]) -> bool:
    """Whether a pool that a document touches holds more than its effective limit on the business date."""
    return any(pool.short for pool in pool_checks(work, document, ZERO, ZERO))
