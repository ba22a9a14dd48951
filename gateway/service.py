"""The gateway as a service: HTTP in front, its own event log and streams behind, like every other."""

from __future__ import annotations

import logging
from typing import Any

from eventlet import wsgi
from nameko.extensions import DependencyProvider
from nameko.web.server import HttpOnlyProtocol, WebServer

from gateway.app import make_app
from gateway.identity import model
from gateway.identity.desk import Desk
from gateway.notifications import projection, sender
from services.common.messaging import Service, every

_log = logging.getLogger(__name__)
_SEND_SECONDS = 2.0


class Protocol(HttpOnlyProtocol):
    """HTTP/1.1 with bounded waits; the path is kept as it was sent."""

    minimum_chunk_size = 4096


class HttpServer(WebServer):
    """nameko's web server with our application in it."""

    app: Any = None

    def get_wsgi_app(self) -> Any:
        """The application that the door made."""
        return self._dispatch

    def _dispatch(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.app(environ, start_response)

    def get_wsgi_server(self, sock: Any, wsgi_app: Any, protocol: Any = Protocol, debug: bool = False) -> Any:
        """An eventlet server that logs nothing by itself and lets nobody wait for ever."""
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log=_log,
            log_output=False,
            keepalive=75,
            socket_timeout=75,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._sock.getsockname()[1])


class Http(DependencyProvider):
    """Serves the application for as long as the gateway runs."""

    server = HttpServer()

    def setup(self) -> None:
        """Keep the server up although no nameko entrypoint registers with it."""
        self.server.register_provider(self)

    def start(self) -> None:
        """Make the application once the ground is laid, then listen."""
        ground = next(
            dependency
            for dependency in self.container.dependencies
            if getattr(dependency, "attr_name", "") == "ground"
        )
        ground.desk = Desk(ground.database, ground.settings)
        self.server.app = make_app(ground, ground.desk)
        self.server.start()

    def stop(self) -> None:
        """Take no more requests."""
        self.server.unregister_provider(self)

    def get_dependency(self, worker_ctx: Any) -> Http:
        """Nothing of a request."""
        return self

    def get_url_rule(self) -> Any:
        """No rule: the application routes by itself."""
        return None


class GatewayService(Service):
    """Users and their rights, notifications, and the HTTP API of all services."""

    name = "gateway"
    metadata = model.metadata
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "risk_rules": {"rule_fired": projection.rule_fired},
        "workflow": {"task_created": projection.task_created},
    }
    http = Http()

    @every(seconds=_SEND_SECONDS, name="send-mails")
    def send_mails(self) -> None:
        """Send the mails that wait."""
        sender.send_waiting(self.ground.database, self.ground.settings.smtp_url)
