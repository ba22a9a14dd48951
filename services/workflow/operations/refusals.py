"""The refusal of a single value, with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.common.errors import Invalid


def refused(field: str, code: str, message: str, detail: str | None = None) -> Invalid:
    """An `Invalid` that names one field; `detail` is what is said of the whole, where that differs."""
    error = {"field": field, "code": code, "message": message}
    return Invalid(detail or message, code=code, errors=[error])


def require_filters(asked: Iterable[str], known: Sequence[str]) -> None:
    """Raise `Invalid` for a filter that a list does not have."""
    for name in asked:
        if name not in known:
            raise refused(name, "filter_unknown", "不能按该字段筛选", f"不能按 {name[:60]} 筛选")
