"""Tests of the broker helpers: the fault tests stand on them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from kombu import Connection, Queue

from tests.support.rabbitmq import Broker, RabbitNode, can_connect, parts, program


def _put(uri: str, name: str) -> None:
    with Connection(uri) as connection, connection.channel() as channel:
        Queue(name, durable=True, channel=channel).declare()
        connection.Producer(channel).publish("hello", routing_key=name, delivery_mode=2)


def test_each_module_gets_a_virtual_host_of_its_own(broker: Broker, amqp_uri: str) -> None:
    other = broker.new_virtual_host()
    assert other is not None
    assert parts(other)[4] != parts(amqp_uri)[4]
    assert can_connect(other)
    broker.drop_virtual_host(other)
    assert not can_connect(other)


def test_connecting_to_nobody_is_answered_with_no() -> None:
    assert not can_connect("amqp://guest:guest@127.0.0.1:1/", timeout=0.5)


@pytest.mark.rabbitmq
@pytest.mark.skipif(program("rabbitmq-server") is None, reason="rabbitmq-server is not installed")
def test_a_node_of_our_own_survives_a_restart_loses_all_when_wiped_and_leaves_no_process(
    tmp_path: Path,
) -> None:
    node = RabbitNode(tmp_path).start()
    try:
        _put(node.uri, "kept")
        assert node.queues() == {"kept": 1}
        node.kill()
        assert not can_connect(node.uri)
        node.start()
        assert node.queues() == {"kept": 1}
        node.wipe()
        assert node.queues() == {}
        pid = node.pid
    finally:
        node.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    here = str(tmp_path)
    assert [process.pid for process in psutil.process_iter() if here in " ".join(_command(process))] == []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
