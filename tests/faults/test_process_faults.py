"""A process that dies at the worst moment leaves nothing half-told (RELIABILITY.md, cases 7, 8, 11 to 13)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from amqp import Connection, Message

from services.common import events
from services.common.config import Settings
from services.common.messaging.timers import Schedule, Timer
from tests.support.rabbitmq import parts
from tests.support.toys import CALLER, Book, Till, Toys, running
from tests.support.wait import wait_until

_CRASHED = 86


class Subscriber:
    """An outside subscriber of `credit.events`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.received: list[dict[str, Any]] = []

    def take(self, message: Any) -> None:
        """Keep one message."""
        self.received.append(json.loads(message.body))

    def look(self) -> list[dict[str, Any]]:
        """What has arrived until now."""
        try:
            while True:
                self._connection.drain_events(timeout=0.05)
        except TimeoutError:
            return self.received


@contextmanager
def _subscriber(uri: str) -> Iterator[Subscriber]:
    """A subscriber that hears everything that is published meanwhile."""
    host, port, user, password, virtual_host = parts(uri)
    with Connection(f"{host}:{port}", user, password, virtual_host=virtual_host) as connection:
        channel = connection.channel()
        channel.exchange_declare("credit.events", "topic", durable=True, auto_delete=False)
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, "credit.events", "till.*")
        subscriber = Subscriber(connection)
        channel.basic_consume(queue, callback=subscriber.take, no_ack=True)
        yield subscriber


def _publish(uri: str, routing_key: str, *bodies: bytes) -> None:
    host, port, user, password, virtual_host = parts(uri)
    with Connection(f"{host}:{port}", user, password, virtual_host=virtual_host) as connection:
        channel = connection.channel()
        for body in bodies:
            message = Message(body, content_type="application/json", delivery_mode=2)
            channel.basic_publish_confirm(message, "erp.events", routing_key)


def _till_process(settings: Settings, **extra: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "AMQP_URI": settings.amqp_uri,
        "DATABASE_URL": settings.database_url,
        "CREDIT_DATABASE_PREFIX": settings.database_prefix,
        "CREDIT_DATA_DIR": str(settings.data_dir),
        **extra,
    }
    command = [sys.executable, "-m", "tests.support.toy_process"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


@pytest.mark.parametrize("point", ["relay-before-publish", "relay-before-mark"])
def test_a_relay_killed_around_its_publishing_still_sends_the_event(
    toys_settings: Settings, point: str
) -> None:
    with running(toys_settings, Book):
        pass
    with _subscriber(toys_settings.amqp_uri) as seen:
        process = _till_process(toys_settings, FAULT_POINT=point, TAKE="a:5")
        assert process.wait(60) == _CRASHED
        with running(toys_settings) as toys:
            wait_until(lambda: toys.totals() == {"a": "5"}, timeout=20, what="the event in the book")
            wait_until(lambda: {event["id"] for event in seen.look()}, timeout=20, what="the event outside")
            wait_until(lambda: _published(toys) == 1, timeout=20, what="the mark")
        assert {event["sequence"] for event in seen.look()} == {1}
        assert len({event["id"] for event in seen.look()}) == 1


def test_a_till_killed_before_it_acknowledges_an_erp_document_takes_it_once(
    toys_settings: Settings,
) -> None:
    with running(toys_settings, Till):
        pass
    body = json.dumps({"event_id": "e1", "source": "erp", "amount": "9"}).encode()
    process = _till_process(toys_settings, FAULT_POINT="erp-before-ack")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    _publish(toys_settings.amqp_uri, "payment.received", body)
    assert process.wait(60) == _CRASHED
    with running(toys_settings) as toys:
        wait_until(lambda: toys.totals() == {"erp:e1": "9"}, timeout=20, what="the payment")
        wait_until(lambda: toys.ask("till", "count") == {"count": 1}, what="one effect")


def test_erp_documents_five_times_over_count_once_and_poison_is_parked_alone(toys: Toys) -> None:
    good = [json.dumps({"event_id": f"e{n}", "source": "erp", "amount": "1"}).encode() for n in range(20)]
    poison = [
        b"not json at all",
        b'["a list"]',
        json.dumps({"event_id": "p1", "source": "erp", "amount": "-3"}).encode(),
        json.dumps({"event_id": "p2", "source": "erp", "amount": "a word"}).encode(),
    ]
    _publish(toys.settings.amqp_uri, "payment.received", *(good * 5), *poison, *(poison[2:]))
    expected = {f"erp:e{n}": "1" for n in range(20)}
    wait_until(lambda: toys.totals() == expected, timeout=30, what="every good document once")
    wait_until(lambda: len(toys.ask("till", "list_parked")["items"]) == 4, what="the parked documents")
    parked = {item["event"]["routing_key"] for item in toys.ask("till", "list_parked")["items"]}
    assert parked == {"payment.received"}


def test_two_replicas_keep_the_order_and_leave_no_gap(toys_settings: Settings) -> None:
    with _subscriber(toys_settings.amqp_uri) as seen, running(toys_settings) as toys:
        replica = _till_process(toys_settings)
        assert replica.stdout is not None
        assert replica.stdout.readline() == b"ready\n"
        for number in range(60):
            toys.ask("till", "take", {"customer": "a", "amount": "1"}, idempotency_key=str(number))
        wait_until(lambda: toys.totals() == {"a": "6E+1"}, timeout=20, what="the book")
        wait_until(lambda: _published(toys) == 60, timeout=20, what="everything published")
        wait_until(lambda: len(seen.look()) >= 60, timeout=10, what="everything outside")
        replica.terminate()
        assert replica.wait(30) == 0
        first_seen = list(dict.fromkeys(event["sequence"] for event in seen.look()))
        assert first_seen == list(range(1, 61))


def test_a_timer_fires_once_however_many_replicas_run(toys: Toys) -> None:
    fired: list[int] = []

    class Clockwork:
        def tick(self) -> None:
            fired.append(1)

    database = toys.ground("till").database
    timers = [Timer(database, "till", Clockwork(), Schedule("tick", 3600.0, "tick")) for _ in range(5)]
    assert [timer.claim() for timer in timers] == [True, False, False, False, False]


def test_sigterm_lets_work_in_hand_end(toys_settings: Settings) -> None:
    process = _till_process(toys_settings, TAKE="a:5")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.wait(30) == 0


def _published(toys: Toys) -> int:
    with toys.ground("till").database.read(CALLER) as work:
        return events.head_of_log(work)[1]
