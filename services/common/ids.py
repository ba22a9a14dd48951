"""Identifiers: UUID version 7, whose order is the order of their making."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identifier; within one process each is greater than the one before."""
    return uuid7()
