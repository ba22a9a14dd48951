"""What lists of documents may be filtered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.errors import invalid_field, unknown_filter


def wanted_columns(where: Mapping[str, Any], texts: Sequence[str], ids: Sequence[str] = ()) -> dict[str, Any]:
    """Column values to filter by, from a list's `where`; `Invalid` names what one cannot filter by."""
    wanted: dict[str, Any] = {}
    for name, value in where.items():
        if name == "customer_id" or name in ids:
            try:
                wanted[name] = UUID(str(value))
            except ValueError:
                raise invalid_field(name, "not_an_id", "应为 UUID", f"{name} 应为 UUID") from None
        elif name in texts:
            wanted[name] = str(value)
        else:
            raise unknown_filter(name, ("customer_id", *ids, *texts))
    return wanted
