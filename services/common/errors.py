"""The refusals a caller can meet: one class per HTTP status, the same shape on the wire and in process."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar


class CreditError(Exception):
    """A definite refusal with a text for people.

    `detail` is what a business user reads. `errors` lists the places at fault as
    `{"field", "code", "message"}`. Further keyword arguments become extra members of the problem document.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: list[dict[str, Any]] | None = None,
        **data: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = errors or []
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        """The refusal as plain JSON, as it crosses RPC and is stored beside an idempotency key."""
        return {
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": self.errors,
            "data": self.data,
        }


class MalformedRequest(CreditError):
    """400: not readable as what the route expects."""

    status = 400
    default_code = "malformed"


class Unauthenticated(CreditError):
    """401: nobody, or nobody any more."""

    status = 401
    default_code = "unauthenticated"


class Forbidden(CreditError):
    """403: known, but without the right."""

    status = 403
    default_code = "forbidden"


class NotFound(CreditError):
    """404: not there, or not for this caller to know."""

    status = 404
    default_code = "not_found"


class Conflict(CreditError):
    """409: a stale version, a wrong state, or a key used for something else."""

    status = 409
    default_code = "conflict"


class PayloadTooLarge(CreditError):
    """413: larger than is accepted."""

    status = 413
    default_code = "too_large"


class UnsupportedMediaType(CreditError):
    """415: a kind of content that is not accepted here."""

    status = 415
    default_code = "unsupported_media_type"


class Invalid(CreditError):
    """422: readable, but its values are refused."""

    status = 422
    default_code = "invalid"


class TooManyRequests(CreditError):
    """429: slow down; never stored as the answer to an idempotency key."""

    status = 429
    default_code = "too_many_requests"


class Unavailable(CreditError):
    """503: a part of the suite is away; `ambiguous=True` in `data` means "retry with the same key"."""

    status = 503
    default_code = "unavailable"


_BY_STATUS: dict[int, type[CreditError]] = {
    kind.status: kind
    for kind in (
        MalformedRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        PayloadTooLarge,
        UnsupportedMediaType,
        Invalid,
        TooManyRequests,
        Unavailable,
    )
}


def error_from_dict(answer: dict[str, Any]) -> CreditError:
    """The refusal that `to_dict` described; an unknown status stays a plain `CreditError`."""
    kind = _BY_STATUS.get(int(answer.get("status", 500)), CreditError)
    return kind(
        str(answer.get("detail", "")),
        code=answer.get("code"),
        errors=list(answer.get("errors") or []),
        **dict(answer.get("data") or {}),
    )


def invalid_field(field: str, code: str, message: str, detail: str | None = None) -> Invalid:
    """The refusal of one value: `field` is its place, `detail` what is said of the whole."""
    return Invalid(detail or message, code=code, errors=[{"field": field, "code": code, "message": message}])


def unknown_filter(name: str, known: Iterable[str]) -> Invalid:
    """The refusal of a filter that a list does not have; `known` are those it has."""
    names = "、".join(known)
    message = f"可用的筛选字段: {names}" if names else "此列表没有筛选字段"
    return invalid_field(name[:60], "filter_unknown", message, f"不能按 {name[:60]} 筛选")


def require_filters(asked: Iterable[str], known: Collection[str]) -> None:
    """Raise `Invalid` for a filter that a list does not have."""
    for name in asked:
        if name not in known:
            raise unknown_filter(name, known)


def beyond_scope(right: str) -> Forbidden:
    """The refusal of something new that the caller's own right would not reach."""
    return Forbidden(f"超出您的数据范围 ({right})", code="beyond_scope", permission=right)


def is_passing(error: CreditError) -> bool:
    """Whether the same request may succeed later without anybody changing it."""
    return error.status in (429, 500, 503)
