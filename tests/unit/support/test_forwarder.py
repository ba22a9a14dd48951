"""Tests of the forwarder that makes the network fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.forwarder import Forwarder
from tests.support.ports import LOOPBACK


@pytest.fixture
def echo_port() -> Iterator[int]:
    listener = socket.create_server((LOOPBACK, 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(1000):
                connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                listener.close()
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def forwarder(echo_port: int) -> Iterator[Forwarder]:
    with Forwarder(echo_port) as forwarder:
        yield forwarder


def _client(forwarder: Forwarder) -> socket.socket:
    return socket.create_connection((LOOPBACK, forwarder.port), timeout=5)


def _echo(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(1000)


def test_pass_moves_bytes_both_ways(forwarder: Forwarder) -> None:
    with _client(forwarder) as client:
        assert _echo(client, b"hello") == b"hello"


def test_cut_ends_connections_refuses_new_ones_and_heals(forwarder: Forwarder) -> None:
    with _client(forwarder) as client:
        assert _echo(client, b"before") == b"before"
        forwarder.set_mode("cut")
        assert client.recv(1000) == b""
    with pytest.raises(ConnectionRefusedError):
        _client(forwarder)
    forwarder.set_mode("pass")
    with _client(forwarder) as client:
        assert _echo(client, b"after") == b"after"


def test_freeze_holds_the_bytes_until_it_passes_again(forwarder: Forwarder) -> None:
    with _client(forwarder) as client:
        assert _echo(client, b"one") == b"one"
        forwarder.set_mode("freeze")
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1000)
        forwarder.set_mode("pass")
        client.settimeout(5)
        assert client.recv(1000) == b"two"


def test_slow_delays_each_piece(forwarder: Forwarder) -> None:
    forwarder.delay_seconds = 0.1
    forwarder.set_mode("slow")
    with _client(forwarder) as client:
        began = time.monotonic()
        assert _echo(client, b"x") == b"x"
        assert time.monotonic() - began >= 0.2


def test_dropped_connections_may_come_back(forwarder: Forwarder) -> None:
    with _client(forwarder) as client:
        _echo(client, b"x")
        forwarder.drop_connections()
        assert client.recv(1000) == b""
    with _client(forwarder) as client:
        assert _echo(client, b"y") == b"y"


def test_an_unknown_mode_is_refused(forwarder: Forwarder) -> None:
    with pytest.raises(ValueError, match="unknown mode"):
        forwarder.set_mode("sideways")
