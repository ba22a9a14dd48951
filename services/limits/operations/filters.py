"""What lists of documents may be filtered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.errors import Invalid


def wanted_columns(where: Mapping[str, Any], texts: Sequence[str], ids: Sequence[str] = ()) -> dict[str, Any]:
    """Column values to filter by, from a list's `where`; `Invalid` names what one cannot filter by."""
    wanted: dict[str, Any] = {}
    for name, value in where.items():
        if name == "customer_id" or name in ids:
            try:
                wanted[name] = UUID(str(value))
            except ValueError:
                raise Invalid(f"{name} 应为 UUID", code="not_an_id") from None
        elif name in texts:
            wanted[name] = str(value)
        else:
            error = {"field": name, "code": "filter_unknown", "message": "不能按该字段筛选"}
            raise Invalid(f"不能按 {name[:60]} 筛选", code="filter_unknown", errors=[error])
    return wanted
