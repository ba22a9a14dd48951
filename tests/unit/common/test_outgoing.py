"""Requests to what people typed in reach public addresses and those that the installation allows, only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import eventlet
import pytest

from services.common.outgoing import Outgoing, Unreached


@pytest.fixture
def slow_port() -> Iterator[int]:
    """A server that takes connections and never answers."""
    listener = eventlet.listen(("127.0.0.1", 0))
    held: list[Any] = []

    def accept() -> None:
        while True:
            held.append(listener.accept()[0])

    taking = eventlet.spawn(accept)
    yield listener.getsockname()[1]
    # Before its socket is closed: what waits on a descriptor would wait on whatever gets its number next.
    taking.kill()
    listener.close()
    for one in held:
        one.close()


# What stands for a name is looked up by eventlet, in a way that dnspython calls old.
@pytest.mark.filterwarnings("ignore:please use dns.resolver:DeprecationWarning")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1/",
        "http://user@127.0.0.1:{port}/",
        "http://",
    ],
)
def test_no_private_address_is_reached_however_it_is_written(slow_port: int, url: str) -> None:
    with pytest.raises(Unreached) as refusal:
        Outgoing(seconds_max=2).post(url.format(port=slow_port), {})
    assert "秒内没有完成" not in str(refusal.value), "it was not even connected"


def test_what_does_not_answer_is_given_up_in_time(slow_port: int) -> None:
    for allowed in (["127.0.0.1"], ["127.0.0.0/8"]):
        with pytest.raises(Unreached, match="秒内没有完成"):
            Outgoing(allowed, seconds_max=0.2).post(f"http://127.0.0.1:{slow_port}/", {})


def test_how_much_is_answered_does_not_matter() -> None:
    """The status says that it has arrived; it must not be sent again because of what comes with it."""
    listener = eventlet.listen(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError), listener.accept()[0] as taken:
            taken.recv(65_536)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000))

    serving = eventlet.spawn(answer)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    assert Outgoing(["127.0.0.1"], seconds_max=5).post(url, {}) == 200
    serving.kill()
    listener.close()
