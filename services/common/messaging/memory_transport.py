"""The in-process broker of embedded mode: kombu's memory transport, woken by a signal instead of polling.

What one URI names is one broker: suites that run side by side in a process have each its own.
"""

from __future__ import annotations

import queue
from typing import Any
from weakref import WeakSet

import eventlet
from eventlet.queue import LightQueue
from kombu.transport import TRANSPORT_ALIASES, memory, virtual

SCHEME = "credit-memory"


class Broker:
    """The queues of one broker, and what is bound to its exchanges."""

    def __init__(self) -> None:
        self.queues: dict[str, Any] = {}
        self.state = virtual.BrokerState()


class Channel(memory.Channel):
    """A channel whose puts ring the transports that consume from the queue."""

    # Bodies are JSON text in this very process: nothing to protect by base64.
    body_encoding = None  # type: ignore[assignment]

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        self.queues = connection.broker.queues
        super().__init__(connection, **kwargs)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        self.connection.ring_consumers_of(queue)

    def _put_fanout(
        self, exchange: str, message: dict[str, Any], routing_key: str | None = None, **kwargs: Any
    ) -> None:
        super()._put_fanout(exchange, message, routing_key, **kwargs)
        for name in self._lookup(exchange, routing_key):
            self.connection.ring_consumers_of(name)

    def basic_ack(self, delivery_tag: Any, multiple: bool = False) -> None:
        super().basic_ack(delivery_tag, multiple)
        # An acknowledged message may make room under the prefetch count.
        self.connection.ring()

    def basic_reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue)
        self.connection.ring()


class Transport(memory.Transport):
    """Delivers what is queued, then sleeps until a put or an acknowledgement rings."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.broker = _brokers.setdefault(client.hostname or "", Broker())
        self.state = self.broker.state
        self._bell: LightQueue = LightQueue(1)
        _transports.add(self)

    def ring_consumers_of(self, queue: str) -> None:
        """Wake whoever consumes from a queue of this broker."""
        for transport in list(_transports):
            if transport.broker is self.broker and any(
                queue in channel._active_queues for channel in transport.channels
            ):
                transport.ring()

    def ring(self) -> None:
        """Wake this transport's `drain_events`, now or at its next call."""
        if self._bell.empty():
            self._bell.put_nowait(True)

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message; `TimeoutError` when none came within `timeout` seconds or at a ring."""
        if not self._deliver_one():
            try:
                self._bell.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError from None
            if not self._deliver_one():
                raise TimeoutError
        # A full queue must not keep the hub from everybody else.
        eventlet.sleep(0)

    def _deliver_one(self) -> bool:
        try:
            self.cycle.get(self._deliver)  # type: ignore[union-attr]
        except queue.Empty:
            return False
        return True


_transports: WeakSet[Transport] = WeakSet()
_brokers: dict[str, Broker] = {}


def ring_all() -> None:
    """Wake every reader, so that one that was asked to stop notices at once."""
    for transport in list(_transports):
        transport.ring()


def register() -> None:
    """Make `credit-memory://` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


def reset() -> None:
    """Forget every queue, binding and message, as restarted brokers without a disk would."""
    for broker in _brokers.values():
        broker.queues.clear()
        broker.state.clear()
