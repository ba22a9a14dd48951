"""Tests of `credit serve`: one service in a process of its own, over a real broker."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from services.common.config import Settings
from services.common.keys import make_missing_keys
from tests.support.processes import ServiceProcess
from tests.support.wait import wait_until


@pytest.fixture
def over_broker(settings: Settings, amqp_uri: str) -> Settings:
    """A suite's settings over the module's virtual host, its keys made."""
    make_missing_keys(settings.keys_dir)
    return replace(settings, amqp_uri=amqp_uri)


def test_a_service_gets_ready_tells_its_figures_and_stops_in_time(over_broker: Settings) -> None:
    with ServiceProcess(over_broker, "customer") as service:
        service.wait_until_ready()
        assert service.get("/healthz").json() == {"status": "ok", "services": ["customer"]}
        assert service.get("/readyz").json() == {"broker": "ok", "customer": "ok"}
        assert "credit_rpc_seconds" in service.get("/metrics").text
        assert service.get("/elsewhere").status_code == 404
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 30
        assert "stopped: customer" in service.output()


def test_it_says_when_its_broker_or_database_is_away(over_broker: Settings) -> None:
    elsewhere = replace(over_broker, amqp_uri="amqp://guest:guest@127.0.0.1:1/")
    with ServiceProcess(elsewhere, "customer") as service:
        wait_until(lambda: _readiness(service), 60, what="an answer")
        answer = service.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"broker": "away", "customer": "ok"})


def test_a_service_waits_for_its_keys(over_broker: Settings, tmp_path: Path) -> None:
    late = replace(over_broker, keys_dir=tmp_path / "late")
    with ServiceProcess(late, "customer") as service:
        wait_until(lambda: "credit keys" in service.output(), 60, what="it to ask for keys")
        make_missing_keys(late.keys_dir)
        service.wait_until_ready()


def test_without_a_broker_it_says_what_to_set(settings: Settings) -> None:
    with ServiceProcess(settings, "customer") as service:
        assert service.wait_until_ended() == 1
        assert "AMQP_URI" in service.output()
        assert "Traceback" not in service.output()


def test_ctrl_c_ends_it_like_a_request_to_stop(over_broker: Settings) -> None:
    with ServiceProcess(over_broker, "customer") as service:
        service.wait_until_ready()
        service.interrupt()
        assert service.wait_until_ended() == 0


def _readiness(service: ServiceProcess) -> bool:
    try:
        return bool(service.get("/readyz").json())
    except OSError:
        return False
