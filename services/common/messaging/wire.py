"""How messages look on the broker: exchanges, connections, and a serialisation that stays plain JSON."""

from __future__ import annotations

import json
import select
from contextlib import suppress
from typing import Any

import eventlet
from eventlet import patcher
from eventlet.semaphore import Semaphore
from kombu import Connection, Exchange, Producer, Queue
from kombu.exceptions import OperationalError
from kombu.serialization import register as register_serializer

from services.common import strict_json
from services.common.errors import Unavailable
from services.common.messaging import memory_transport

SERIALIZER = "credit-json"
CONTENT_TYPE = "application/x-credit-json"
TRANSIENT = 1
PERSISTENT = 2

RPC_EXCHANGE = Exchange("nameko-rpc", type="topic", durable=True)
EVENTS_EXCHANGE = Exchange("credit.events", type="topic", durable=True)
HINTS_EXCHANGE = Exchange("credit.hints", type="topic", durable=True)
ERP_EXCHANGE = Exchange("erp.events", type="topic", durable=True)

_CONNECT_SECONDS_MAX = 3
_PUBLISH_SECONDS_MAX = 5
_poll = patcher.original("select").poll


def rpc_queue(service: str) -> Queue:
    """The queue that a service's replicas share, as nameko declares it."""
    return Queue(f"rpc-{service}", exchange=RPC_EXCHANGE, routing_key=f"{service}.*", durable=True)


def dumps(value: Any) -> bytes:
    """Plain JSON; a value that JSON lacks is a mistake of the sender, not something to tag and hide."""
    return strict_json.dumps_plain(value)


def loads(text: str | bytes) -> Any:
    """What `dumps` wrote."""
    return json.loads(text)


def register() -> None:
    """Make the transport and the serialisation known to kombu."""
    memory_transport.register()
    register_serializer(SERIALIZER, dumps, loads, content_type=CONTENT_TYPE, content_encoding="utf-8")


def connect(uri: str, *, heartbeat: float = 0) -> Connection:
    """A connection that fails within seconds instead of waiting for a broker that is away."""
    return Connection(uri, heartbeat=heartbeat, connect_timeout=_CONNECT_SECONDS_MAX)


class Publisher:
    """One connection and channel that many greenthreads publish through, one message at a time.

    It never waits longer than a few seconds: a broker that is away, frozen or under a memory alarm is
    `Unavailable`, and the connection is made anew for the next message.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._turn = Semaphore(1)
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._queues_made: set[str] = set()

    def publish(
        self,
        body: Any,
        *,
        exchange: Exchange,
        routing_key: str,
        queue: Queue | None = None,
        **properties: Any,
    ) -> None:
        """Send one message without a confirm; `Unavailable` when the broker does not take it.

        `queue` is made first where it is missing: a message for somebody who has not started yet then waits
        for them, instead of being dropped without a word.
        """
        if not self._turn.acquire(timeout=_PUBLISH_SECONDS_MAX):
            raise broker_away()
        try:
            self._publish(body, exchange, routing_key, queue, properties)
        finally:
            self._turn.release()

    def _publish(
        self,
        body: Any,
        exchange: Exchange,
        routing_key: str,
        queue: Queue | None,
        properties: dict[str, Any],
    ) -> None:
        try:
            with eventlet.Timeout(_PUBLISH_SECONDS_MAX):
                producer = self._open()
                if queue is not None and queue.name not in self._queues_made:
                    queue(producer.channel).declare()
                    self._queues_made.add(queue.name)
                producer.publish(
                    body,
                    exchange=exchange.name,
                    routing_key=routing_key,
                    **{"serializer": SERIALIZER, "delivery_mode": TRANSIENT, **properties},
                )
        except (eventlet.Timeout, *_connection_errors(self._connection)) as problem:
            self.close()
            raise broker_away() from problem

    def _open(self) -> Producer:
        if self._connection is not None and _is_dead(self._connection):
            self.close()
        if self._producer is None:
            connection = connect(self._uri)
            self._connection = connection
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            channel = connection.channel()
            for exchange in (RPC_EXCHANGE, EVENTS_EXCHANGE, HINTS_EXCHANGE):
                exchange(channel).declare()
            self._producer = Producer(channel, auto_declare=False)
        return self._producer

    def close(self) -> None:
        """Drop the connection without waiting for the broker's goodbye."""
        connection, self._connection, self._producer = self._connection, None, None
        self._queues_made.clear()
        if connection is not None:
            with suppress(Exception):  # it may be half-open or frozen: the socket's end is all we want
                connection.collect(socket_timeout=0.1)


def broker_away() -> Unavailable:
    """The refusal for a message that could not be handed to the broker: nothing has happened yet."""
    return Unavailable("消息服务暂时不可用, 请稍后重试", code="broker_unavailable", ambiguous=False)


def _connection_errors(connection: Connection | None) -> tuple[type[BaseException], ...]:
    known: tuple[type[BaseException], ...] = (OSError, OperationalError)
    if connection is not None:
        known += tuple(connection.connection_errors) + tuple(connection.channel_errors)
    return known


def _is_dead(connection: Connection) -> bool:
    """Whether the broker has hung up: a publishing connection gets no data but a goodbye."""
    transport = getattr(connection._connection, "transport", None)
    sock = getattr(transport, "sock", None)
    if sock is None:
        return not connection.connected
    poller = _poll()
    poller.register(sock.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))
