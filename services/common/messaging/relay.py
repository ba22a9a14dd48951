"""Telling the world: numbering committed events, hinting at them inside, publishing them for outsiders."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import eventlet
from eventlet.semaphore import Semaphore
from kombu import Connection
from kombu.exceptions import OperationalError
from sqlalchemy import text

from services.common import events, faults, telemetry
from services.common.caller import service_caller
from services.common.db import Database
from services.common.errors import Unavailable
from services.common.messaging import wire
from services.common.messaging.loops import Bell, Stopping, keep_going

# Rows left unnumbered or unpublished by a process that died are found within this time.
SWEEP_SECONDS = 5.0
_WATCHDOG_SECONDS = 30
_BATCH = 500
_OTHERS_TURN_SECONDS = 0.2
_REST_SECONDS = 0.2


class EventRelay:
    """One service's way out. Every replica runs one; an advisory lock lets one publish at a time.

    Without a `uri` there is nobody outside to hear it: what is not published now waits for a broker.
    """

    def __init__(
        self, database: Database, service: str, hint: Callable[[int], None], uri: str | None
    ) -> None:
        self.bell = Bell()
        self._database = database
        self._service = service
        self._hint = hint
        self._publisher = ConfirmedPublisher(uri) if uri else None
        self._numbering = Semaphore(1)
        self._has_news = True
        self._lock_key = zlib.crc32(f"credit-relay-{service}".encode())

    def run(self, stopping: Stopping) -> None:
        """Number, hint and publish whenever rung, and every few seconds, until `stopping`."""
        keep_going(f"relay of {self._service}", self._step, self.bell, stopping)
        if self._publisher is not None:
            self._publisher.close()

    def _step(self) -> float:
        self.number()
        done = self.publish()
        # What is committed meanwhile goes with the next turn: under load, turns grow, not multiply.
        eventlet.sleep(_REST_SECONDS)
        return SWEEP_SECONDS if done else _OTHERS_TURN_SECONDS

    def tell(self) -> None:
        """This process has committed events: number them soon."""
        self._has_news = True
        self.bell.ring()

    def number_news(self) -> None:
        """Number what this process has committed until now; what others commit, they number."""
        with self._numbering:
            if self._has_news:
                self._number()

    def number(self) -> None:
        """Number whatever has been committed, by whichever process, and hint at it."""
        with self._numbering:
            if not self._has_news:
                with self._database.glance(service_caller(self._service)) as work:
                    if not events.has_unnumbered(work):
                        return
            self._number()

    def _number(self) -> None:
        self._has_news = False
        full, head = True, 0
        try:
            while full:
                with self._database.begin(service_caller(self._service)) as work:
                    numbered, full = events.number_events(work)
                head = numbered or head
        except BaseException:
            self._has_news = True
            raise
        if head:
            with suppress(Unavailable):  # a lost hint costs a few seconds; the log has the event
                self._hint(head)

    def publish(self) -> bool:
        """Publish with confirms everything numbered; False when another replica is at it."""
        if self._publisher is None:
            return True
        while True:
            with self._database.glance(service_caller(self._service)) as work:
                numbered, published = events.head_of_log(work)
            if numbered == published:
                return True
            with self._alone() as alone:
                if not alone:
                    return False
                self._publish_batch(self._publisher)

    def _publish_batch(self, publisher: ConfirmedPublisher) -> None:
        with self._database.read(service_caller(self._service)) as work:
            _, published = events.head_of_log(work)
            batch = events.read_batch(work, self._service, published, _BATCH)
        if not batch.events:
            return
        faults.point("relay-before-publish")
        publisher.publish(batch.events)
        faults.point("relay-before-mark")
        with self._database.begin(service_caller(self._service)) as work:
            events.mark_published(work, batch.last)
        telemetry.published_total.labels(self._service).inc(len(batch.events))

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Hold the service's advisory lock; it belongs to the session, so no transaction stays open."""
        with self._database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            key = {"key": self._lock_key}
            got = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
            try:
                yield got
            finally:
                if got:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


class ConfirmedPublisher:
    """Publishes batches of events to `credit.events` and waits until the broker has confirmed them all."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._connection: Connection | None = None
        self._channel: Any = None
        self._unconfirmed: set[int] = set()
        self._next_tag = 1

    def publish(self, batch: Sequence[events.Logged]) -> None:
        """Send a batch in one go; `Unavailable` unless every message was confirmed in bounded time."""
        try:
            with eventlet.Timeout(_WATCHDOG_SECONDS):
                channel = self._open()
                for event in batch:
                    self._send(channel, event)
                while self._unconfirmed:
                    channel.connection.client.drain_events()
        except (eventlet.Timeout, OSError, OperationalError, Unavailable) as problem:
            self.close()
            raise wire.broker_away() from problem
        except Exception:
            self.close()
            raise

    def _send(self, channel: Any, event: events.Logged) -> None:
        message = channel.prepare_message(
            event.envelope.encode(),
            content_type="application/json",
            content_encoding="utf-8",
            headers={},
            properties={"delivery_mode": wire.PERSISTENT, "message_id": str(event.id)},
        )
        if hasattr(channel, "confirm_select"):
            self._unconfirmed.add(self._next_tag)
            self._next_tag += 1
        channel.basic_publish(message, exchange=wire.EVENTS_EXCHANGE.name, routing_key=event.type)

    def _open(self) -> Any:
        if self._channel is not None:
            return self._channel
        self._connection = wire.connect(self._uri)
        self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        channel = self._connection.channel()
        wire.EVENTS_EXCHANGE(channel).declare()
        self._unconfirmed, self._next_tag = set(), 1
        # The in-memory broker knows no confirms: what is put is there.
        if hasattr(channel, "confirm_select"):
            channel.confirm_select()
            channel.events["basic_ack"].add(self._confirmed)
            channel.events["basic_nack"].add(self._refused)
        self._channel = channel
        return channel

    def _confirmed(self, delivery_tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {tag for tag in self._unconfirmed if tag > delivery_tag}
        else:
            self._unconfirmed.discard(delivery_tag)

    def _refused(self, delivery_tag: int, multiple: bool) -> None:
        raise wire.broker_away()

    def close(self) -> None:
        """Drop the connection without waiting for the broker's goodbye."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(Exception):  # it may be half-open or frozen: the socket's end is all we want
                connection.collect(socket_timeout=0.1)
