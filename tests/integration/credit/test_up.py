"""Tests of `credit up`: the whole suite in one process, as a first user starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from credit.demo.client import Client
from credit.postgres_server import PostgresServer
from credit.suite import environment_of
from services.common.config import Settings
from tests.support.ports import LOOPBACK, free_port
from tests.support.wait import wait_until

FIRST_START_SECONDS_MAX = 60
SECOND_START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 30
IDLE_WINDOW_SECONDS = 10
IDLE_CPU_SHARE_MAX = 0.05
# Every hash of a password takes 19 MB for a moment: they must not stay.
SIGN_INS = 30
MEMORY_BYTES_MAX = 300 * 1024 * 1024


@dataclass
class Running:
    """One `credit up`, and what it has said so far."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, seconds_max: float) -> float:
        began = time.monotonic()
        wait_until(self._is_ready, seconds_max, what="credit up to be ready")
        return time.monotonic() - began

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return requests.get(f"http://{LOOPBACK}:{self.port}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@contextmanager
def _up(data_dir: Path, **changes: str) -> Iterator[Running]:
    port = free_port()
    settings = Settings(data_dir=data_dir, keys_dir=data_dir / "keys", http_port=port)
    log = data_dir.with_name(f"up-{port}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "credit.cli", "up"],
            env=environment_of(settings) | changes,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Running(process, log, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS_MAX)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder on which the suite has been started and stopped once."""
    folder = tmp_path_factory.mktemp("up") / "var"
    with _up(folder) as suite:
        suite.wait_until_ready(FIRST_START_SECONDS_MAX)
        found = re.search(r"初始密码 / password: +(\S+)", suite.said())
        assert found, suite.said()
        Client(f"http://{LOOPBACK}:{suite.port}").sign_in("admin", found[1])
        (folder / "password").write_text(found[1])
        suite.process.send_signal(signal.SIGINT)
        assert suite.process.wait(STOP_SECONDS_MAX) == 0, suite.said()
        assert "stopped" in suite.said()
    return folder


def test_the_second_start_is_quick_and_tells_no_password(data_dir: Path) -> None:
    with _up(data_dir) as suite:
        assert suite.wait_until_ready(FIRST_START_SECONDS_MAX) < SECOND_START_SECONDS_MAX
        assert "/api/docs" in suite.said()
        assert "password" not in suite.said()


def test_it_idles_and_takes_little_memory_also_after_people_signed_in(data_dir: Path) -> None:
    with _up(data_dir) as suite:
        suite.wait_until_ready(FIRST_START_SECONDS_MAX)
        client = Client(f"http://{LOOPBACK}:{suite.port}")
        for _ in range(SIGN_INS):
            client.sign_in("admin", (data_dir / "password").read_text())
        process = psutil.Process(suite.process.pid)
        share = _cpu_share(process, IDLE_WINDOW_SECONDS)
        family = [process, *process.children(recursive=True)]
        memory = sum(one.memory_info().rss for one in family if "postgres" not in one.name())
        assert memory <= MEMORY_BYTES_MAX
        assert share <= IDLE_CPU_SHARE_MAX


def test_a_second_one_on_the_same_data_is_told_so(data_dir: Path) -> None:
    with _up(data_dir) as first:
        first.wait_until_ready(FIRST_START_SECONDS_MAX)
        with _up(data_dir) as second:
            assert second.process.wait(STOP_SECONDS_MAX) == 1
            assert "already runs" in second.said()
            assert "Traceback" not in second.said()


def test_a_busy_port_is_told_with_a_way_out(data_dir: Path) -> None:
    with _up(data_dir) as first:
        first.wait_until_ready(FIRST_START_SECONDS_MAX)
        with _up(data_dir.with_name("other"), CREDIT_HTTP_PORT=str(first.port)) as second:
            assert second.process.wait(STOP_SECONDS_MAX) == 1
            assert "CREDIT_HTTP_PORT=8001" in second.said()


def test_after_a_kill_the_next_start_works_and_the_last_stop_leaves_no_server(data_dir: Path) -> None:
    with _up(data_dir) as killed:
        killed.wait_until_ready(FIRST_START_SECONDS_MAX)
        killed.process.kill()
    with _up(data_dir) as suite:
        suite.wait_until_ready(FIRST_START_SECONDS_MAX)
    assert not PostgresServer(data_dir / "postgres").is_running()


def test_a_wrong_setting_is_told_before_anything_starts(tmp_path: Path) -> None:
    with _up(tmp_path / "var", CREDIT_TIMEZONE="Mars/Olympus") as suite:
        assert suite.process.wait(STOP_SECONDS_MAX) == 1
        assert "CREDIT_TIMEZONE" in suite.said()
    assert not (tmp_path / "var").exists()


def _cpu_share(process: psutil.Process, seconds: float) -> float:
    """The share of one core that a process took in a window of time."""
    first, began = process.cpu_times(), time.monotonic()
    wait_until(lambda: time.monotonic() - began > seconds, seconds + 10, what="the window to end")
    last = process.cpu_times()
    used = last.user + last.system - first.user - first.system
    return used / (time.monotonic() - began)
