"""What a broken, frozen, wiped or lying broker cannot do to us (RELIABILITY.md, cases 1 to 4, 9, 10, 17)."""

from __future__ import annotations

import time

import pytest
from amqp import Connection, Message

from services.common.config import Settings
from services.common.errors import Unavailable
from tests.support.forwarder import Forwarder
from tests.support.rabbitmq import RabbitNode, parts
from tests.support.toys import CALLER, Till, Toys, running, take
from tests.support.wait import wait_until


def _channel(uri: str) -> Connection:
    host, port, user, password, virtual_host = parts(uri)
    connection = Connection(f"{host}:{port}", user, password, virtual_host=virtual_host)
    connection.connect()
    return connection


def _take(toys: Toys, customer: str, amount: str) -> None:
    toys.ask("till", "take", {"customer": customer, "amount": amount}, idempotency_key=f"{customer}{amount}")


def _works(toys: Toys) -> bool:
    try:
        _take(toys, "heals", "1")
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (b"\xff\xfe garbage", {"content_type": "application/x-credit-json", "content_encoding": "utf-8"}),
        (b'["a", "list"]', {"content_type": "application/x-credit-json", "content_encoding": "utf-8"}),
        (b'{"args": [], "kwargs": {}}', {"content_type": "application/x-credit-json"}),
        (b'{"args": [], "kwargs": {"request": {}}}', {"reply_to": "nobody"}),
        (b"cos\nsystem\n(S'true'\ntR.", {"content_type": "application/x-python-serialize", "reply_to": "x"}),
        (b"", {}),
        (b"null", {"content_type": "application/json", "reply_to": "x", "correlation_id": "y"}),
        (b'{"args": 1}', {"content_type": "application/x-credit-json", "reply_to": "x"}),
    ],
)
def test_a_malformed_rpc_message_neither_kills_the_service_nor_comes_again(
    toys: Toys, body: bytes, properties: dict[str, str]
) -> None:
    with _channel(toys.settings.amqp_uri) as connection:
        channel = connection.channel()
        channel.basic_publish_confirm(Message(body, **properties), "nameko-rpc", "till.take")
    _take(toys, "a", "1")
    assert toys.ask("till", "count") == {"count": 1}


def test_without_a_broker_calls_fail_at_once_and_what_was_committed_is_told_later(
    toys: Toys, network: Forwarder
) -> None:
    _take(toys, "a", "1")
    network.set_mode("cut")
    started = time.monotonic()
    with pytest.raises(Unavailable):
        _take(toys, "b", "2")
    assert time.monotonic() - started < 5
    with toys.ground("till").database.begin(CALLER) as work:
        take(work, "c", "3")
    network.set_mode("pass")
    wait_until(lambda: _works(toys), timeout=60, what="the services to find the broker again")
    wait_until(lambda: toys.totals() == {"a": "1", "c": "3", "heals": "1"}, timeout=30, what="the events")
    till = toys.ground("till")
    wait_until(lambda: _published(till) == 3, timeout=30, what="the events to be published")


def test_a_frozen_network_costs_bounded_time_and_no_worker(toys: Toys, network: Forwarder) -> None:
    _take(toys, "a", "1")
    network.set_mode("freeze")
    started = time.monotonic()
    for customer in ("b", "c"):
        with pytest.raises(Unavailable):
            toys.ask("till", "take", {"customer": customer, "amount": "2"}, timeout=2)
    assert time.monotonic() - started < 12
    network.drop_connections()
    network.set_mode("pass")
    wait_until(lambda: _works(toys), timeout=60, what="the services to heal")


def test_a_memory_alarm_neither_hangs_requests_nor_loses_events(toys: Toys, node: RabbitNode) -> None:
    _take(toys, "a", "1")
    node.raise_memory_alarm()
    try:
        till = toys.ground("till")
        with till.database.begin(CALLER) as work:
            take(work, "b", "2")
        started = time.monotonic()
        with pytest.raises(Unavailable):
            toys.ask("till", "take", {"customer": "c", "amount": "3"}, timeout=3)
        assert time.monotonic() - started < 12
        assert _published(till) < 2
    finally:
        node.clear_memory_alarm()
    wait_until(lambda: _works(toys), timeout=60, what="the services to heal")
    wait_until(lambda: _published(till) >= 3, timeout=60, what="the outbox to drain")


def test_a_service_that_is_down_does_not_stop_the_calls_to_others(toys_settings: Settings) -> None:
    with running(toys_settings, Till):
        pass
    with running(toys_settings) as toys:
        toys._runner.container("till").stop()
        for _ in range(3):
            with pytest.raises(Unavailable) as refusal:
                toys.ask("till", "count", timeout=0.5)
            assert refusal.value.data["ambiguous"] is True
        assert toys.totals() == {}


def test_a_wiped_broker_loses_nothing(toys_settings: Settings, node: RabbitNode, network: Forwarder) -> None:
    host = parts(toys_settings.amqp_uri)[4]
    with running(toys_settings) as toys:
        _take(toys, "a", "1")
        network.set_mode("cut")
        with toys.ground("till").database.begin(CALLER) as work:
            take(work, "b", "2")
        node.wipe()
        node.control("add_vhost", host)
        node.control("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
        network.set_mode("pass")
        wait_until(lambda: _works(toys), timeout=60, what="the services to heal")
        wait_until(lambda: toys.totals() == {"a": "1", "b": "2", "heals": "1"}, timeout=30, what="all events")


def test_a_queue_deleted_while_its_consumer_was_down_loses_nothing(toys_settings: Settings) -> None:
    with running(toys_settings):
        pass
    with _channel(toys_settings.amqp_uri) as connection:
        for queue in ("hints-book", "rpc-book", "rpc-till"):
            connection.channel().queue_delete(queue)
    with running(toys_settings, Till) as till:
        till.ask("till", "take", {"customer": "a", "amount": "5"})
    with running(toys_settings) as toys:
        wait_until(lambda: toys.totals() == {"a": "5"}, timeout=20, what="the event")


def test_killing_the_broker_in_the_middle_of_calls_has_each_effect_once(toys: Toys, node: RabbitNode) -> None:
    import eventlet

    answered: list[str] = []

    def until_answered(number: int) -> None:
        key = f"order-{number}"
        received = {"customer": "a", "amount": "1"}

        def attempt() -> bool:
            try:
                toys.ask("till", "take", received, idempotency_key=key, timeout=3)
            except Unavailable:
                return False
            answered.append(key)
            return True

        wait_until(attempt, timeout=90, what=key)

    pool = eventlet.GreenPool()
    for number in range(40):
        pool.spawn(until_answered, number)
    wait_until(lambda: len(answered) >= 5, what="the first answers")
    node.kill()
    node.start()
    pool.waitall()
    assert len(answered) == 40
    assert toys.ask("till", "count") == {"count": 40}
    wait_until(lambda: toys.totals() == {"a": "4E+1"}, timeout=30, what="every event in the book")


def _published(ground: object) -> int:
    from services.common import events

    with ground.database.read(CALLER) as work:  # type: ignore[attr-defined]
        return events.head_of_log(work)[1]
