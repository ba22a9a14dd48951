"""What a route declares: where it stands, who answers it, which right it needs, and its shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

Status = int | Callable[[dict[str, Any]], int]
View = Callable[[Any, Any, Mapping[str, str]], Any]

PUBLIC = "public"
SIGNED_IN = "signed-in"


@dataclass(frozen=True)
class Route:
    """One route below `/api/v1`.

    Path parameters, query and JSON body are merged into the input of `service.call`. `permission` is what
    the caller must hold, `SIGNED_IN` for anybody signed in, `PUBLIC` for everybody; every route says it.
    With `listing`, query parameters become a list's input. `view(context, request, path)` answers what is no
    plain forward. What comes `together` goes to its service in one message. `may_need` are further rights
    that some requests ask for. What is answered otherwise than as JSON has a `media_type`. A `status` of 400
    or more makes a problem document with the answer's members.
    """

    method: str
    path: str
    service: str = "gateway"
    call: str = ""
    permission: str = field(kw_only=True)
    tag: str = ""
    summary: str = ""
    body: type[Schema] | Schema | None = None
    query: type[Schema] | Schema | None = None
    answer: type[Schema] | Schema | None = None
    media_type: str = ""
    status: Status = 200
    listing: bool = False
    view: View | None = None
    together: bool = False
    may_need: tuple[str, ...] = ()
    timeout_seconds: float = 15

    @property
    def name(self) -> str:
        """A unique name, e.g. `POST /orders/<order_no>:amend`."""
        return f"{self.method} {self.path}"


def admin_route(method: str, path: str, action: str, summary: str, view: View, **more: Any) -> Route:
    """A route that needs the right `admin.<action>`."""
    return Route(method, path, permission=f"admin.{action}", view=view, tag="admin", summary=summary, **more)
