"""The gateway as a service: HTTP in front, its own event log and streams behind, like every other."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import eventlet
from eventlet import wsgi
from eventlet.semaphore import Semaphore
from nameko.extensions import DependencyProvider
from nameko.web.server import HttpOnlyProtocol, WebServer

from gateway.app import make_app
from gateway.audit.origins import Origins
from gateway.audit.projection import with_audit
from gateway.audit.store import forget_origins
from gateway.identity import forms, model
from gateway.identity.desk import Desk
from gateway.identity.keys import KeyUses
from gateway.identity.store import forget_changes
from gateway.notifications import projection, sender
from gateway.notifications.live import Live
from gateway.notifications.store import forget_live_changes
from gateway.sign_in import resets, sessions
from gateway.sign_in.entrance import Entrance
from gateway.single_sign_on import store as single_sign_on
from gateway.single_sign_on.protocol import OpenIdConnect
from gateway.sweeping import sweep_files
from services.common.caller import service_caller
from services.common.messaging import Service, every

_log = logging.getLogger(__name__)
_SEND_SECONDS = 3.0
# Every process reads them within seconds; longer than the longest window in which one may have read nothing.
_CHANGES_KEPT = timedelta(hours=1)
_CLEANING_SECONDS = 3600.0
# A stream that has been stopped for longer finds no origins any more, and its lines say so.
_ORIGINS_KEPT = timedelta(days=14)
_IDLE_SECONDS_MAX = 75
_CONNECTIONS_MAX = 1_000
_BACKLOG = 512
_FINISH_SECONDS_MAX = 10
_DISCARDED_BYTES_MAX = 65_536
_LINGER_SECONDS = 10
_LINGER_BYTES_MAX = 256 * 1024 * 1024
_ACCEPT_AGAIN_SECONDS = 0.2
# The last field of eventlet's description of a connection.
_STATE = 2


class Protocol(HttpOnlyProtocol):
    """HTTP/1.1 that can leave a body unread without the client missing the answer."""

    _abandoned = False

    def get_environ(self) -> dict[str, Any]:
        """The request's environment, with a way to give up reading its body."""
        environ: dict[str, Any] = super().get_environ()
        body = environ["wsgi.input"]

        def abandon_body() -> None:
            left = body.chunk_length != 0 if body.chunked_input else body.content_length - body.position
            if left > _DISCARDED_BYTES_MAX or (body.chunked_input and left):
                self._abandoned = True
                self.close_connection = True

        environ["credit.abandon_body"] = abandon_body
        return environ

    def finish(self) -> None:
        """Close; who is still sending gets a while to read the answer, and would see a reset otherwise."""
        if self._abandoned:
            with suppress(OSError), eventlet.Timeout(_LINGER_SECONDS, False):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                left = _LINGER_BYTES_MAX
                while left > 0 and (got := self.connection.recv(65_536)):
                    left -= len(got)
        try:
            super().finish()
        finally:
            # Where the last bytes cannot be written, the reading side was left open, and the socket with it.
            self.rfile.close()


class HttpServer(WebServer):
    """nameko's web server with our application in it, which no client can bring down."""

    def __init__(self) -> None:
        super().__init__()
        self._starting = False
        self.app: Any = None
        self._connections: dict[int, list[Any]] = {}
        self._room = Semaphore(_CONNECTIONS_MAX)

    def start(self) -> None:
        """Listen, once there is an application; nameko calls this as well, before there is one."""
        if self.app is None or self._starting:
            return
        self._starting = True
        self._sock = eventlet.listen(self.bind_addr, backlog=_BACKLOG)
        self._sock.settimeout(None)
        self._serv = self.get_wsgi_server(self._sock, self.app)
        self._gt = self.container.spawn_managed_thread(self.run)

    def run(self) -> None:
        """Accept connections; when there are too many, the next ones wait in the system's queue."""
        while self._is_accepting:
            self._room.acquire()
            try:
                accepted, address = self._sock.accept()
            except OSError as problem:
                self._room.release()
                if self._is_accepting:
                    _log.warning("cannot accept a connection: %s", problem)
                    eventlet.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            accepted.settimeout(self._serv.socket_timeout)
            self.container.spawn_managed_thread(
                lambda accepted=accepted, address=address: self.process_request(accepted, address)
            )

    def process_request(self, sock: Any, address: Any) -> None:
        """Serve one connection; an exception that left here would end the whole service."""
        state = [address, sock, wsgi.STATE_IDLE]
        self._connections[id(state)] = state
        try:
            self._serv.process_request(state)
        except Exception as problem:  # noqa: BLE001 - a broken connection concerns nobody else
            _log.info("connection of %s broke: %r", address, problem)
            sock.close()
        finally:
            del self._connections[id(state)]
            self._room.release()

    def finish(self) -> None:
        """Take no new request, and let those in hand end, for a bounded time."""
        self._is_accepting = False
        if not self._starting:
            return
        self._gt.kill()
        self._sock.close()
        for state in self._connections.values():
            if state[_STATE] is wsgi.STATE_IDLE:
                _shut(state[1])
            state[_STATE] = wsgi.STATE_CLOSE
        with eventlet.Timeout(_FINISH_SECONDS_MAX, False):
            while self._connections:
                eventlet.sleep(0.02)

    def stop(self) -> None:
        """Finish, if nobody has asked for it before."""
        self.finish()

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
            keepalive=_IDLE_SECONDS_MAX,
            socket_timeout=_IDLE_SECONDS_MAX,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._sock.getsockname()[1])


def _shut(sock: Any) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("a connection was closed by its client meanwhile")


class Http(DependencyProvider):
    """Serves the application for as long as the gateway runs."""

    server = HttpServer()

    def start(self) -> None:
        """Make the application once the ground is laid, then listen."""
        ground = next(
            dependency
            for dependency in self.container.dependencies
            if getattr(dependency, "attr_name", "") == "ground"
        )
        ground.desk = Desk(ground.database, ground.settings)
        ground.entrance = Entrance(ground.database, ground.settings)
        ground.origins = Origins(ground.database)
        ground.openid = OpenIdConnect()
        # Whoever starts this process says how the sample company is made, if it can be.
        ground.sample_maker = self.container.config.get("sample_maker")
        ground.key_uses = KeyUses(ground.database)
        ground.live = self.live = Live(ground.database, ground.desk.follow)
        ground.desk.tell(self.live.rights_changed)
        self.server.app = make_app(ground, ground.desk)
        self.server.start()

    def stop(self) -> None:
        """Take no more requests, and end the streams of those who watch."""
        self.live.close()
        self.server.finish()

    def get_dependency(self, worker_ctx: Any) -> Http:
        """Nothing of a request."""
        return self


class GatewayService(Service):
    """Users and their rights, notifications, and the HTTP API of all services."""

    name = "gateway"
    metadata = model.metadata
    subscriptions = with_audit(
        {
            "risk_rules": {"rule_fired": projection.rule_fired},
            "workflow": {
                "task_created": projection.task_created,
                "task_closed": projection.inbox_changed,
                "task_transferred": projection.inbox_changed,
                "task_delegated": projection.inbox_changed,
                "task_copied": projection.inbox_changed,
                "task_urged": projection.task_urged,
                "task_reminded": projection.task_reminded,
                "task_commented": projection.task_commented,
                "people_notified": projection.people_notified,
            },
            "application": {"form_published": forms.form_published, **projection.IMPORTS},
            "customer": {"form_published": forms.form_published, **projection.IMPORTS},
        }
    )
    http = Http()

    @every(seconds=_CLEANING_SECONDS, name="clean-up-access")
    def clean_up_access(self) -> None:
        """Drop what no longer counts of failed sign-ins, sessions and requests."""
        with self.work() as work:
            sessions.clean_up(work)
            single_sign_on.forget_old(work)
            forget_origins(work, work.now - _ORIGINS_KEPT)
            forget_changes(work, work.now - _CHANGES_KEPT)
            forget_live_changes(work, work.now - _CHANGES_KEPT)

    @every(seconds=_SEND_SECONDS, name="send-mails")
    def send_mails(self) -> None:
        """Send the mails that wait, those to people who forgot their passwords among them."""
        ground = self.ground
        seal = ground.entrance.seal
        resets.answer_requests(ground.database, ground.settings.public_url, seal, service_caller(self.name))
        sender.send_waiting(ground.database, ground.settings.smtp_url, seal)

    @every(seconds=_CLEANING_SECONDS, name="sweep-files")
    def sweep_files(self) -> None:
        """Remove the bytes of files that no record has held for long enough."""
        ask = partial(self.ground.ask, caller=service_caller(self.name))
        sweep_files(ask, self.ground.settings.files_url)
