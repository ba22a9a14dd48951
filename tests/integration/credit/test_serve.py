"""Tests of `credit serve`: one service in a process of its own, over a real broker."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests

from credit.suite import environment_of
from services.common.config import Settings
from services.common.keys import make_missing_keys
from tests.support.ports import LOOPBACK, free_port
from tests.support.wait import wait_until

Serving = tuple[subprocess.Popen[str], int]


@contextmanager
def _serving(settings: Settings, *names: str) -> Iterator[Serving]:
    port = free_port()
    command = [sys.executable, "-m", "credit.cli", "serve", *names, "--metrics-port", str(port)]
    process = subprocess.Popen(
        command, env=environment_of(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.communicate()


def _get(port: int, path: str) -> requests.Response:
    return requests.get(f"http://{LOOPBACK}:{port}{path}", timeout=10)


def _is_ready(port: int) -> Callable[[], bool]:
    return lambda: _get(port, "/readyz").status_code == 200


@pytest.fixture
def over_broker(settings: Settings, amqp_uri: str) -> Settings:
    """A suite's settings over the module's virtual host, its keys made."""
    make_missing_keys(settings.keys_dir)
    return replace(settings, amqp_uri=amqp_uri)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_service_gets_ready_tells_its_figures_and_stops_in_time(
    over_broker: Settings, how: signal.Signals
) -> None:
    with _serving(over_broker, "customer") as (process, port):
        wait_until(_is_ready(port), 60, what="the service", ignoring=(requests.RequestException,))
        assert _get(port, "/healthz").json() == {"status": "ok", "services": ["customer"]}
        assert _get(port, "/readyz").json() == {"broker": "ok", "customer": "ok"}
        assert "credit_rpc_seconds" in _get(port, "/metrics").text
        assert _get(port, "/elsewhere").status_code == 404
        wait_until(lambda: len(psutil.Process(process.pid).net_connections()) > 1, what="its connections")
        began = time.monotonic()
        process.send_signal(how)
        output, _ = process.communicate(timeout=30)
        assert time.monotonic() - began < 30
    assert process.returncode == 0, output
    assert "stopped: customer" in output


def test_a_service_waits_for_its_keys(over_broker: Settings, tmp_path: Path) -> None:
    late = replace(over_broker, keys_dir=tmp_path / "late")
    with _serving(late, "customer") as (process, port):
        assert process.stdout is not None
        assert "credit keys" in process.stdout.readline()
        make_missing_keys(late.keys_dir)
        wait_until(_is_ready(port), 60, what="the service", ignoring=(requests.RequestException,))


def test_without_a_broker_it_says_what_to_set(settings: Settings) -> None:
    with _serving(settings, "customer") as (process, _):
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "AMQP_URI" in output
    assert "Traceback" not in output
