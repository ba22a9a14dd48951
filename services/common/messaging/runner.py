"""Starting and stopping service classes in one process, embedded or over RabbitMQ."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.runners import ServiceRunner

from services.common.config import Settings
from services.common.messaging import wire
from services.common.messaging.service import Service

_log = logging.getLogger(__name__)
_WORKERS_MAX = 64
_HEARTBEAT_SECONDS = 20
_STOP_SECONDS_MAX = 25
_KILL_SECONDS_MAX = 3
_GC_THRESHOLDS = (5_000, 10, 10)


class Runner:
    """The services of one process."""

    def __init__(self, settings: Settings, kinds: Sequence[type[Service]], **extra: Any) -> None:
        wire.register()
        config = {
            "AMQP_URI": settings.amqp_uri,
            "WEB_SERVER_ADDRESS": f"{settings.http_host}:{settings.http_port}",
            "serializer": wire.SERIALIZER,
            "ACCEPT": [wire.SERIALIZER],
            "max_workers": _WORKERS_MAX,
            "HEARTBEAT": _HEARTBEAT_SECONDS,
            "settings": settings,
            **extra,
        }
        self._runner = ServiceRunner(config)
        for kind in kinds:
            self._runner.add_service(kind)

    def start(self) -> None:
        """Start them all; returns when every one is consuming."""
        self._runner.start()
        # What has been imported stays: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)

    def stop(self) -> None:
        """Let work in hand end, then stop; never takes longer than half a minute."""
        try:
            with eventlet.Timeout(_STOP_SECONDS_MAX):
                self._runner.stop()
        except eventlet.Timeout:
            _log.warning("some work did not end in time; it will be delivered again")
            with eventlet.Timeout(_KILL_SECONDS_MAX, False):
                self._runner.kill()

    def container(self, name: str) -> Any:
        """The nameko container of one service (for the gateway's start-up and for tests)."""
        return self._runner.service_map[name]


def run_until_stopped(runner: Runner, on_ready: Callable[[], None] | None = None) -> None:
    """Start, call `on_ready`, then wait for SIGINT or SIGTERM and stop cleanly."""
    asked = Event()

    def ask(signum: int, frame: Any) -> None:
        if not asked.ready():
            # The handler runs inside whatever greenthread is current: only a fresh one may send.
            eventlet.spawn_n(lambda: asked.ready() or asked.send(signum))

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    runner.start()
    try:
        if on_ready is not None:
            on_ready()
        asked.wait()
    finally:
        runner.stop()
