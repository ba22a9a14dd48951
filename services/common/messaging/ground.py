"""What one service process stands on: its database, its keys, its loops, and its way to the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

import eventlet
from kombu import Queue, binding
from nameko.extensions import DependencyProvider, SharedExtension

from services.common import keys, strict_json
from services.common.caller import Caller, CallerSigner, CallerVerifier, service_caller
from services.common.clock import SystemClock
from services.common.coalesce import Coalescer
from services.common.commands import Command
from services.common.config import Settings
from services.common.db import Database
from services.common.errors import error_from_dict
from services.common.group_commit import GroupCommit
from services.common.messaging import memory_transport, wire
from services.common.messaging.erp import ErpConsumer
from services.common.messaging.relay import EventRelay
from services.common.messaging.rpc import (
    DEFAULT_TIMEOUT_SECONDS,
    RpcClient,
    SafeQueueConsumer,
    SharedPublisher,
)
from services.common.messaging.saga import CommandRunner
from services.common.messaging.streams import StreamReader
from services.common.messaging.timers import Timer, timers_of

_log = logging.getLogger(__name__)
_STOP_SECONDS_MAX = 3
_HINTS_MAX = 1_000
# Commands in one message, and messages under way: enough to keep several replicas of a service busy.
_TOGETHER_MAX = 64
_MESSAGES_AT_ONCE = 4
_LARGE_AT_ONCE = 4


class HintListener(SharedExtension):
    """Hears from the broker that a source has news, and rings that source's reader."""

    queue_consumer = SafeQueueConsumer()
    # Set by the ground, whose setup may run before or after this one's.
    readers: Mapping[str, StreamReader] = {}

    def setup(self) -> None:
        """Bind one queue per service to the hints of the sources that it reads."""
        sources = sorted(self.container.service_cls.subscriptions)
        self.queue: Queue | None = None
        if not sources:
            return
        self.queue = Queue(
            f"hints-{self.container.service_name}",
            bindings=[binding(wire.HINTS_EXCHANGE, routing_key=source) for source in sources],
            durable=True,
            # Hints say only "look": the newest are enough.
            queue_arguments={"x-max-length": _HINTS_MAX, "x-overflow": "drop-head"},
        )
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop listening."""
        if self.queue is not None:
            self.queue_consumer.unregister_provider(self)

    def handle_message(self, body: Any, message: Any) -> None:
        """Ring the reader of the source that the hint names."""
        self.queue_consumer.ack_message(message)
        reader = self.readers.get(message.delivery_info.get("routing_key", ""))
        if reader is not None:
            reader.hear(body.get("head") if isinstance(body, dict) else None)


class Ground(DependencyProvider):
    """The dependency that every service class carries as `ground`."""

    client = RpcClient()
    hints = HintListener()
    publisher = SharedPublisher()

    def setup(self) -> None:
        """Open the database and make the loops; nothing runs yet."""
        config = self.container.config
        self.settings: Settings = config["settings"]
        self.service: str = self.container.service_name
        kind = self.container.service_cls
        clock = config.get("clock") or SystemClock()
        self.database = Database(
            self.settings.database(self.service),
            kind.metadata,
            name=self.service,
            clock=clock,
            timezone=self.settings.timezone,
            base_currency=self.settings.currency,
        )
        self.group = GroupCommit(self.database, self.service)
        self.large = GroupCommit(self.database, self.service, most=1, at_once=_LARGE_AT_ONCE)
        self.verifier = CallerVerifier(keys.load_public_keys(self.settings.keys_dir), self.service)
        self.signer = CallerSigner(keys.load_private_key(self.settings.keys_dir, self.service), self.service)
        outside = None if self.settings.embedded_broker else self.settings.amqp_uri
        self.relay = EventRelay(self.database, self.service, self._hint, outside)
        self.runner = CommandRunner(self.database, self.service, kind.answers, self._send)
        self.readers = {
            source: StreamReader(self.database, self.service, source, handlers, self._fetch)
            for source, handlers in kind.subscriptions.items()
        }
        for source, earlier in kind.reads_first.items():
            self.readers[source].first = [self.readers[name] for name in earlier]
        self.hints.readers = self.readers
        self.database.on_events = self.relay.tell
        self.database.on_commands = self.runner.bell.ring
        self.erp = ErpConsumer(self.database, self.service, kind.erp, self.settings) if kind.erp else None
        self._together: dict[str, Coalescer[dict[str, Any]]] = {}
        self._stopping = False
        self._loops: list[Any] = []

    def start(self) -> None:
        """Start the loops."""
        loops: list[Callable[[Callable[[], bool]], None]] = [self.relay.run, self.runner.run]
        loops += [reader.run for reader in self.readers.values()]
        if self.erp is not None:
            loops.append(self.erp.run)
        service = self.container.service_cls()
        service.ground = self
        self._timers = [Timer(self.database, self.service, service, each) for each in timers_of(service)]
        loops += [timer.run for timer in self._timers]
        for loop in loops:
            self._loops.append(self.container.spawn_managed_thread(lambda loop=loop: loop(self.is_stopping)))

    def is_stopping(self) -> bool:
        """Whether the loops are to end."""
        return self._stopping

    def stop(self) -> None:
        """End the loops, letting each finish what it has in hand, and close the database."""
        self._stopping = True
        bells = [self.relay.bell, self.runner.bell, *(reader.bell for reader in self.readers.values())]
        for bell in [*bells, *(timer.bell for timer in self._timers)]:
            bell.ring()
        # The ERP loop listens to its broker instead of a bell.
        memory_transport.ring_all()
        # A loop that waits for a service which has stopped already is cut off: its unit of work rolls back
        # and is done again at the next start.
        with eventlet.Timeout(_STOP_SECONDS_MAX, False):
            for loop in self._loops:
                loop.wait()
        self.database.dispose()

    @staticmethod
    def wait_for(condition: Callable[[], Any], seconds: float, every_seconds: float) -> Any:
        """The first truthy answer of `condition`, asked again and again for a bounded time; else None."""
        deadline = monotonic() + seconds
        while True:
            found = condition()
            if found or monotonic() >= deadline:
                return found
            eventlet.sleep(every_seconds)

    def get_dependency(self, worker_ctx: Any) -> Ground:
        """This very object: it holds no state of a single request."""
        return self

    def ask(
        self,
        service: str,
        method: str,
        received: Mapping[str, Any],
        *,
        caller: Caller,
        trace_id: str = "",
        idempotency_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Any:
        """Call a method as `caller` (a person only from the gateway); see `RpcClient.call`."""
        request = self.request(service, received, caller, trace_id, idempotency_key)
        return self.client.call(service, method, request, timeout)

    def ask_together(
        self,
        service: str,
        method: str,
        received: Mapping[str, Any],
        *,
        caller: Caller,
        trace_id: str = "",
        idempotency_key: str | None = None,
    ) -> Any:
        """The same, in one message with what is asked of that service at the same time."""
        request = self.request(service, received, caller, trace_id, idempotency_key)
        if service not in self._together:
            send = partial(self._send_together, service)
            self._together[service] = Coalescer(send, most=_TOGETHER_MAX, at_once=_MESSAGES_AT_ONCE)
        answer = self._together[service].do({"method": method, "request": request})
        if "error" in answer:
            raise error_from_dict(answer["error"])
        return answer["ok"]

    def _send_together(self, service: str, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(requests) == 1:
            only = requests[0]
            return [self.client.call_async(service, only["method"], only["request"])()]
        answer = self.client.call(service, "many", {"input": {"requests": list(requests)}})
        answers: list[dict[str, Any]] = answer["answers"]
        return answers

    def request(
        self,
        service: str,
        received: Mapping[str, Any],
        caller: Caller,
        trace_id: str = "",
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """The signed envelope of one request to one service."""
        return {
            "input": strict_json.to_plain(dict(received)),
            "caller": self.signer.sign(caller, service),
            "trace_id": trace_id,
            "idempotency_key": idempotency_key,
        }

    def _fetch(self, source: str, received: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(
            source, "events_after", received, caller=service_caller(self.service)
        )
        return answer

    def _send(self, command: Command) -> dict[str, Any]:
        caller = service_caller(self.service, command.on_behalf_of)
        request = self.request(command.service, command.payload, caller, command.trace_id, command.key)
        return self.client.call_async(command.service, command.method, request)()

    def _hint(self, head: int) -> None:
        self.publisher.publish({"head": head}, exchange=wire.HINTS_EXCHANGE, routing_key=self.service)
