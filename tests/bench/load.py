"""Load over HTTP: clients that cost little, so that what is measured is the server."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import eventlet

Request = Callable[[], tuple[str, str, dict[str, Any] | None]]
_TIMEOUT_SECONDS = 60


@dataclass
class Load:
    """What a load came to. Times in milliseconds, sorted."""

    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return len(self.times_ms) / self.seconds

    def at(self, share: float) -> float:
        """The time within which this share of the answers came."""
        return self.times_ms[max(0, int(len(self.times_ms) * share) - 1)]


class Connection:
    """One kept-alive connection that sends JSON as one user."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._left = b""

    def send(self, path: str, key: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """POST a body, or GET without one; the status and body of the answer."""
        if body is None:
            self._socket.sendall(f"GET /api/v1{path} HTTP/1.1\r\n{self._head}\r\n".encode())
            return self._answer()
        text = json.dumps(body).encode()
        keyed = f"Idempotency-Key: {key}\r\n" if key else ""
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\n{self._head}{keyed}"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + text)
        return self._answer()

    def _answer(self) -> tuple[int, bytes]:
        got = self._left
        while b"\r\n\r\n" not in got:
            got += self._receive()
        head, _, rest = got.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = int(next(line for line in lines if line.startswith(b"content-length:")).split(b":")[1])
        while len(rest) < length:
            rest += self._receive()
        self._left = rest[length:]
        return int(head[9:12]), rest[:length]

    def _receive(self) -> bytes:
        piece = self._socket.recv(65_536)
        if not piece:
            raise ConnectionError("the server hung up")
        return piece

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def put_under_load(url: str, token: str, request: Request, seconds: float, connections: int) -> Load:
    """Send requests (path, idempotency key, body) over so many connections for so long."""
    load = Load()
    until = time.monotonic() + seconds

    def client() -> None:
        connection = Connection(url, token)
        while time.monotonic() < until:
            path, key, body = request()
            began = time.perf_counter()
            status, _ = connection.send(path, key, body)
            load.times_ms.append((time.perf_counter() - began) * 1000)
            load.statuses[status] += 1
        connection.close()

    began = time.monotonic()
    pool = eventlet.GreenPool(connections)
    for _ in range(connections):
        pool.spawn(client)
    pool.waitall()
    load.seconds = time.monotonic() - began
    load.times_ms.sort()
    return load
