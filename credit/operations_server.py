"""What a service process tells its operators over HTTP: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

import eventlet
import eventlet.wsgi
import psycopg2
from kombu import Connection
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from credit.databases import dsn
from services.common.config import Settings

_CHECK_SECONDS_MAX = 3
_REQUEST_SECONDS_MAX = 10
_CONNECTIONS_MAX = 20
_JSON = "application/json"


class OperationsServer:
    """A small HTTP server beside the services of a process, on all addresses: keep its port inside."""

    def __init__(self, settings: Settings, names: Sequence[str], port: int) -> None:
        self._settings = settings
        self._names = tuple(names)
        self._listener = eventlet.listen(("0.0.0.0", port))  # noqa: S104 - the orchestrator asks from outside
        self.port = int(self._listener.getsockname()[1])
        self._thread: Any = None

    def __enter__(self) -> OperationsServer:
        self._thread = eventlet.spawn(
            eventlet.wsgi.server,
            self._listener,
            self._answer,
            log_output=False,
            max_size=_CONNECTIONS_MAX,
            socket_timeout=_REQUEST_SECONDS_MAX,
            keepalive=False,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.kill()
        self._listener.close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        routes = {"/healthz": self._health, "/readyz": self._readiness, "/metrics": _metrics}
        route = routes.get(environ["PATH_INFO"])
        status, content_type, body = route() if route else ("404 Not Found", _JSON, b"{}")
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def _health(self) -> tuple[str, str, bytes]:
        return "200 OK", _JSON, json.dumps({"status": "ok", "services": self._names}).encode()

    def _readiness(self) -> tuple[str, str, bytes]:
        parts = {"broker": self._ask_broker(), **{name: self._ask_database(name) for name in self._names}}
        status = "200 OK" if set(parts.values()) == {"ok"} else "503 Service Unavailable"
        return status, _JSON, json.dumps(parts).encode()

    def _ask_broker(self) -> str:
        try:
            with Connection(self._settings.amqp_uri, connect_timeout=_CHECK_SECONDS_MAX) as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=_CHECK_SECONDS_MAX)
        except (OSError, OperationalError):
            return "away"
        return "ok"

    def _ask_database(self, name: str) -> str:
        try:
            psycopg2.connect(dsn(self._settings, name), connect_timeout=_CHECK_SECONDS_MAX).close()
        except psycopg2.OperationalError:
            return "away"
        return "ok"


def _metrics() -> tuple[str, str, bytes]:
    return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
