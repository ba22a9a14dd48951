"""What is measured, one function a figure; the names are those of docs/benchmarks.json."""

from __future__ import annotations

import json
import time
from typing import Any

import eventlet
import psycopg2
from amqp import Connection as Broker
from amqp import Message

from credit.databases import dsn
from services.common.config import Settings
from tests.bench.company import Bench
from tests.bench.load import Connection, put_under_load
from tests.bench.processor import spending
from tests.support.rabbitmq import parts
from tests.support.wait import wait_until

Figures = dict[str, float]
_IDLE_ORDERS = 200
_BATCHES = 40
_BATCH = 500
_SENDERS = 2
_DOCUMENTS = 10_000
_DONE_SECONDS_MAX = 300


def measure(bench: Bench, settings: Settings, seconds: float, connections: int) -> Figures:
    """Every figure, one after the other, with the streams dry in between."""
    figures: Figures = {"idle_order_p50_ms": _idle(bench)}
    figures |= _against_echo(bench, settings, seconds, connections)
    figures["batch_orders_per_s"] = _batches(bench)
    bench.settle()
    if not settings.embedded_broker:
        figures["amqp_orders_per_s"] = _documents(bench, settings)
        bench.settle()
    return figures


def _idle(bench: Bench) -> float:
    """The median time of an order when nobody else asks."""
    connection = Connection(bench.url, bench.token)
    times = []
    for _ in range(_IDLE_ORDERS):
        order = bench.order()
        began = time.perf_counter()
        status, body = connection.send("/orders", order["order_no"], order)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 201, body
    connection.close()
    return round(sorted(times)[len(times) // 2], 1)


def _against_echo(bench: Bench, settings: Settings, seconds: float, connections: int) -> Figures:
    """Durable orders against a bare authenticated echo through the same gateway, each for so long."""

    def echo() -> tuple[str, str, dict[str, Any]]:
        return "/services/limits:echo", "", {}

    half = seconds / 4
    with spending(settings) as echo_cost:
        echoes = [put_under_load(bench.url, bench.token, echo, half, connections)]
    with spending(settings) as order_cost:
        orders = put_under_load(bench.url, bench.token, bench.order_request, seconds, connections)
        began = time.monotonic()
        bench.settle()
        lag = time.monotonic() - began
    echoes.append(put_under_load(bench.url, bench.token, echo, half, connections))
    assert set(orders.statuses) == {201}, orders.statuses
    assert all(set(load.statuses) == {200} for load in echoes), [load.statuses for load in echoes]
    echo_per_s = sum(load.per_second for load in echoes) / len(echoes)
    return {
        "echoes_per_s": round(echo_per_s),
        "orders_per_s": round(orders.per_second),
        "orders_per_echo": round(orders.per_second / echo_per_s, 2),
        "orders_p50_ms": round(orders.at(0.5), 1),
        "orders_p99_ms": round(orders.at(0.99), 1),
        "lag_after_load_s": round(lag, 1),
        **echo_cost.per_request("echo_cpu_ms", len(echoes[0].times_ms)),
        **order_cost.per_request("order_cpu_ms", len(orders.times_ms)),
    }


def _batches(bench: Bench) -> float:
    """Orders a second through `orders:batch`."""

    def send(_: int) -> None:
        connection = Connection(bench.url, bench.token)
        for _ in range(_BATCHES // _SENDERS):
            items = [bench.order() for _ in range(_BATCH)]
            status, body = connection.send("/orders:batch", items[0]["order_no"], {"items": items})
            assert status == 200, body
        connection.close()

    began = time.monotonic()
    for _ in eventlet.GreenPool(_SENDERS).imap(send, range(_SENDERS)):
        continue
    return round(_BATCHES * _BATCH / (time.monotonic() - began))


def _documents(bench: Bench, settings: Settings) -> float:
    """Orders a second from `erp.events`, until the last one stands in the ledger."""
    documents = [
        {**bench.order(), "source": "erp", "event_id": f"E-{number}", "occurred_at": "2026-01-01T00:00:00Z"}
        for number in range(_DOCUMENTS)
    ]
    host, port, user, password, virtual_host = parts(settings.amqp_uri)
    with Broker(f"{host}:{port}", user, password, virtual_host=virtual_host) as broker:
        channel = broker.channel()
        began = time.monotonic()
        for document in documents:
            body = json.dumps(document)
            message = Message(body.encode(), content_type="application/json", delivery_mode=2)
            channel.basic_publish(message, "erp.events", "order.created")
        wait_until(lambda: _erp_orders(settings) >= _DOCUMENTS, _DONE_SECONDS_MAX, what="the documents")
    return round(_DOCUMENTS / (time.monotonic() - began))


def _erp_orders(settings: Settings) -> int:
    connection = psycopg2.connect(dsn(settings, "limits"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM orders WHERE source = 'erp'")
            row = cursor.fetchone()
            return int(row[0]) if row else 0
    finally:
        connection.close()
