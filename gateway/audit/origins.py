"""From where changes are asked for, noted before the services are asked to make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.audit import store
from gateway.audit.trail import Origin
from services.common.caller import service_caller
from services.common.coalesce import Coalescer
from services.common.config import GATEWAY
from services.common.db import Database

_AT_ONCE_MAX = 500
_READING = frozenset({"read", "use", "check"})


class Origins:
    """Notes origins; what is noted at the same time is written in one statement. One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coalescer: Coalescer[tuple[str, Origin]] = Coalescer(self._write, most=_AT_ONCE_MAX)

    def note(self, actor: str, origin: Origin) -> None:
        """Remember it, for the event that will tell of the change under the same trace id."""
        self._coalescer.do((actor, origin))

    def _write(self, noted: Sequence[tuple[str, Origin]]) -> Sequence[Any]:
        with self._database.begin(service_caller(GATEWAY)) as work:
            rows = {
                (origin.trace_id, actor): {"actor": actor, **origin._asdict(), "at": work.now}
                for actor, origin in noted
            }
            store.note_origins(work, [rows[key] for key in sorted(rows)])
        return [None] * len(noted)


def may_change(method: str, permission: str) -> bool:
    """Whether a request by this route may change something."""
    return method != "GET" and permission.rpartition(".")[2] not in _READING
