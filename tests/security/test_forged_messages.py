"""On the broker itself: messages that were copied and sent again, whole or with something changed in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import eventlet
import pytest
from amqp import Connection, Message
from prometheus_client import REGISTRY

from services.common.config import Settings
from tests.conftest import own_virtual_host
from tests.support.doors import source, speaking_as
from tests.support.postgres import DatabaseServer
from tests.support.rabbitmq import Broker, parts
from tests.support.toys import CALLER, Till, Toys, running, toy_settings
from tests.support.wait import wait_until

_EXCHANGE = "nameko-rpc"
_DEAD_MS = 60_000


class Eavesdropper:
    """Somebody who gets a copy of each message, requests and answers, and may send what they like."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.channel = connection.channel()
        self.channel.exchange_declare(_EXCHANGE, "topic", durable=True, auto_delete=False)
        queue = self.channel.queue_declare(exclusive=True).queue
        self.channel.queue_bind(queue, _EXCHANGE, "#")
        self._heard: list[Any] = []
        self.channel.basic_consume(queue, callback=self._heard.append, no_ack=True)

    def heard(self, route: str) -> list[Any]:
        """The messages that went there until now."""
        try:
            while True:
                self._connection.drain_events(timeout=0.02)
        except TimeoutError:
            return [each for each in self._heard if each.delivery_info["routing_key"] == route]

    def captured(self, route: str) -> Any:
        """The last message that went there, once there is one."""
        return wait_until(lambda: self.heard(route)[-1:], what=f"a message to {route}")[0]

    def answers(self, request: Any) -> list[dict[str, Any]]:
        """What was answered to a request, wherever that went."""
        replies = self.heard(request.properties["reply_to"])
        wanted = request.properties["correlation_id"]
        return [
            json.loads(each.body)["result"] for each in replies if each.properties["correlation_id"] == wanted
        ]

    def send(self, message: Any, route: str | None = None, **changed: Any) -> Any:
        """Send a copy of a message, with changed properties, headers or body; the copy as it was sent."""
        properties = {**message.properties, **changed.pop("properties", {})}
        properties.pop("expiration", None)
        headers = {**message.headers, **changed.pop("headers", {})}
        body = changed.pop("body", message.body)
        assert not changed
        properties["application_headers"] = {name: each for name, each in headers.items() if each is not None}
        copy = Message(body, **properties)
        self.channel.basic_publish(copy, _EXCHANGE, route or message.delivery_info["routing_key"])
        return copy


@contextmanager
def _eavesdropping(settings: Settings) -> Iterator[Eavesdropper]:
    host, port, user, password, virtual_host = parts(settings.amqp_uri)
    with Connection(f"{host}:{port}", user, password, virtual_host=virtual_host) as connection:
        yield Eavesdropper(connection)


def _dropped(why: str) -> float:
    return REGISTRY.get_sample_value("credit_dropped_messages_total", {"why": why}) or 0.0


@pytest.fixture(scope="module")
def settings(
    database_server: DatabaseServer, amqp_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with toy_settings(database_server, tmp_path_factory.mktemp("toys"), amqp_uri) as found:
        yield found


@pytest.fixture(scope="module")
def toys(settings: Settings) -> Iterator[Toys]:
    with running(settings) as started:
        yield started


@pytest.fixture
def ear(settings: Settings, toys: Toys) -> Iterator[Eavesdropper]:
    with _eavesdropping(settings) as listening:
        yield listening


def _count(toys: Toys) -> int:
    return int(toys.ask("till", "count")["count"])


@pytest.mark.parametrize(
    "changed",
    [
        {"body": lambda body: body.replace("10.00", "99.00")},
        {"route": "till.ask_till"},
        {"route": "till.many"},
        {"route": "book.take"},
        {"properties": {"correlation_id": "another"}},
        {"properties": {"content_encoding": "utf-7"}},
        {"headers": {"until": int(time.time() * 1000) + _DEAD_MS}},
        {"headers": {"sender": "till"}},
        {"headers": {"sender": "nobody"}},
        {"headers": {"sender": ["book"]}},
        {"headers": {"code": "00" * 32}},
        {"headers": {"code": None}},
        {"headers": {"sender": None, "until": None, "code": None}},
    ],
    ids=str,
)
def test_a_message_in_which_anything_was_changed_is_refused(
    toys: Toys, ear: Eavesdropper, changed: dict[str, Any]
) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10.00"})
    before, true = _count(toys), ear.captured("till.take")
    change = dict(changed)
    if "body" in change:
        change["body"] = change["body"](true.body)
    # A fresh id, so that nothing is refused only because its id was seen before.
    altered = ear.send(true, **change)
    refusals = wait_until(
        lambda: [each for each in ear.answers(altered) if "error" in each], what="the refusal"
    )
    assert [each["error"]["status"] for each in refusals] == [401]
    assert _count(toys) == before


def test_an_answer_goes_nowhere_else(toys: Toys, ear: Eavesdropper) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10.00"})
    stolen = ear.send(ear.captured("till.take"), properties={"reply_to": "mine"})
    (answer,) = wait_until(lambda: ear.answers(stolen), what="the refusal")
    assert answer["error"]["code"] == "message_forged"


def test_a_message_that_was_sent_again_is_dropped_without_an_answer(toys: Toys, ear: Eavesdropper) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10.00"})
    before, dropped, true = _count(toys), _dropped("replayed"), ear.captured("till.take")
    for _ in range(3):
        ear.send(true)
    wait_until(lambda: _dropped("replayed") == dropped + 3, what="the replays to be dropped")
    assert _count(toys) == before
    assert len(ear.answers(true)) == 1


def test_an_old_message_is_refused(toys: Toys, ear: Eavesdropper) -> None:
    client = speaking_as("book", toys.ground("book").client, toys.settings)
    request = toys.ground("book").request("till", {"customer": "a", "amount": "1"}, CALLER)
    before = _count(toys)
    client.signer = _Early(client.signer)
    answer = client.call_async("till", "take", request, 5)()
    assert answer["error"]["code"] == "message_expired"
    assert _count(toys) == before


class _Early:
    """Signs as one did a minute ago."""

    def __init__(self, signer: Any) -> None:
        self._signer = signer

    def headers(self, *arguments: Any, seconds: float, **more: Any) -> Any:
        return self._signer.headers(*arguments, seconds=seconds - 60, **more)


def test_a_caller_counts_only_in_a_message_of_whoever_signed_it(toys: Toys, ear: Eavesdropper) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10.00"})
    before, true = _count(toys), ear.captured("till.take")
    stolen = json.loads(true.body)["kwargs"]["request"]
    thief = speaking_as("till", toys.ground("book").client, toys.settings)
    for method, request in (
        ("take", stolen),
        ("many", {"input": {"requests": [{"method": "take", "request": stolen}]}}),
    ):
        answer = thief.call_async("till", method, request, 10)()
        found = answer["ok"]["answers"][0] if method == "many" else answer
        assert found["error"]["code"] == "caller_stolen"
    assert _count(toys) == before


def test_what_another_replica_gets_again_has_no_second_effect_and_tells_nobody_else(
    settings: Settings, toys: Toys, ear: Eavesdropper
) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10.00"})
    one, before = ear.captured("till.take"), _count(toys)
    several = [
        {"method": "take", "request": toys.ground("book").request("till", each, CALLER)}
        for each in ({"customer": "b", "amount": "1"}, {"customer": "b", "amount": "2"})
    ]
    toys.ground("book").client.call("till", "many", {"input": {"requests": several}})
    together = ear.captured("till.many")
    first_answers = [ear.answers(each) for each in (one, together)]
    assert _count(toys) == before + 2
    # Replicas take turns: so many copies reach each of them.
    with running(settings, Till):
        for message in (one, together):
            for _ in range(4):
                ear.send(message)
        wait_until(lambda: len(ear.answers(one)) > 1, what="the other replica's answer")
        wait_until(lambda: len(ear.answers(together)) > 1, what="the other replica's answers")
        assert _count(toys) == before + 2
    for request, first in zip((one, together), first_answers, strict=True):
        assert all(each == first[0] for each in ear.answers(request))


def test_what_a_replica_left_undone_is_done_by_the_next(
    database_server: DatabaseServer, broker: Broker, tmp_path: Path
) -> None:
    with (
        own_virtual_host(broker) as uri,
        toy_settings(database_server, tmp_path, uri) as settings,
        running(settings, source("book")) as asking,
        _eavesdropping(settings) as ear,
    ):
        request = asking.ground("book").request("till", {"customer": "a", "amount": "1"}, CALLER)
        answer = eventlet.spawn(asking.ground("book").client.call, "till", "take", request, 60)
        ear.captured("till.take")
        taken = wait_until(lambda: ear.channel.basic_get("rpc-till"), what="the message in the queue")
        ear.channel.basic_reject(taken.delivery_tag, requeue=True)
        with running(settings, Till):
            assert answer.wait()["customer"] == "a"
