"""A TCP forwarder that stands between a service and its broker or database, and makes the network fail."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

from tests.support.ports import LOOPBACK

MODES = ("pass", "cut", "freeze", "slow")
_CHUNK_BYTES = 65536


class Forwarder:
    """Listens on a free loopback port and forwards to `host:port`.

    Modes: `pass`; `cut` ends every connection and refuses new ones; `freeze` accepts, but moves no byte;
    `slow` holds each piece of data for `delay_seconds`.
    """

    def __init__(self, port: int, host: str = LOOPBACK, *, delay_seconds: float = 0.05) -> None:
        self.delay_seconds = delay_seconds
        self._target = (host, port)
        self._mode = "pass"
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = self._listen(0)

    @property
    def mode(self) -> str:
        """The mode in force."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Change how the network behaves from now on, also for open connections."""
        if mode not in MODES:
            raise ValueError(f"unknown mode {mode!r}")
        self._mode = mode
        if mode == "cut":
            self._close_listener()
            self.drop_connections()
        elif self._listener is None:
            self._listen(self.port)
        if mode == "freeze":
            self._flowing.clear()
        else:
            self._flowing.set()

    def drop_connections(self) -> None:
        """End every open connection, as a router that restarts does; new ones are still accepted."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            _shut_down(one)

    def close(self) -> None:
        """End everything."""
        self._closing.set()
        self._flowing.set()
        self._close_listener()
        self.drop_connections()

    def __enter__(self) -> Forwarder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self, port: int) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _shut_down(listener)

    # Only the thread that reads a socket closes it: a number closed under a reader is soon another file's.
    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while listener is self._listener:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._flowing.wait()
        with near:
            try:
                far = socket.create_connection(self._target, timeout=10)
            except OSError:
                return
            with far:
                far.settimeout(None)
                with self._lock:
                    self._sockets |= {near, far}
                if self._mode == "cut" or self._closing.is_set():
                    self.drop_connections()
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                with self._lock:
                    self._sockets -= {near, far}

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        # When one side is gone, the other one is told, and both pumps end.
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                self._flowing.wait()
                if self._mode == "slow":
                    self._closing.wait(self.delay_seconds)
                sink.sendall(data)
        _shut_down(source)
        _shut_down(sink)


def _shut_down(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
