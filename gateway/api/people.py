"""Who there is to be named: colleagues by name, for whoever hands work over or reads who did what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.identity import schema, store
from gateway.local import listing
from gateway.routes import SIGNED_IN, Route
from services.common.db import UnitOfWork
from services.common.errors import require_filters

_USERNAMES_MAX = 200


def _people(work: UnitOfWork, received: Mapping[str, Any]) -> Any:
    where = received["where"]
    require_filters(where, ("q", "usernames"))
    named = [name for name in str(where.get("usernames", "")).split(",") if name][:_USERNAMES_MAX]
    return store.list_people(work, received, str(where.get("q", "")), named)


ROUTES = [
    Route(
        "GET",
        "/people",
        permission=SIGNED_IN,
        view=listing(_people),
        tag="directory",
        summary="Names of colleagues: `q` searches those who are active, `usernames` (a,b,…) names them",
        answer=schema.PersonPage,
        listing=True,
    ),
]
