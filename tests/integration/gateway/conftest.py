"""A running gateway without the other services, and its data."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.identity import model
from gateway.identity.seed import seed
from gateway.service import GatewayService
from services.common import keys
from services.common.caller import Caller, service_caller
from services.common.clock import FixedClock
from services.common.config import Settings
from services.common.db import Database, UnitOfWork
from services.common.messaging import Runner, memory_transport
from tests.conftest import suite_settings
from tests.support.postgres import DatabaseServer

Begin = Callable[..., AbstractContextManager[UnitOfWork]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC))


@pytest.fixture
def database(new_database: Callable[[str], str], clock: FixedClock) -> Iterator[Database]:
    made = Database(new_database("gateway"), model.metadata, name="gateway", clock=clock)
    with made.begin(service_caller("gateway")) as work:
        seed(work, Settings(admin_password="first password"))
    yield made
    made.dispose()


@pytest.fixture
def begin(database: Database) -> Begin:
    """Call it for a unit of work that commits, of the gateway itself unless a caller is given."""

    def unit(caller: Caller | None = None) -> AbstractContextManager[UnitOfWork]:
        return database.begin(caller or service_caller("gateway"), "trace")

    return unit


@dataclass
class Api:
    """The HTTP API as one person, or nobody, uses it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, **options)

    def json(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        response = self.send(method, f"/api/v1{path}", **options)
        assert response.status_code == status, response.text
        return response.json()

    def refused(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        response = self.send(method, f"/api/v1{path}", **options)
        assert response.status_code == status, response.text
        return problem_of(response)

    def sign_in(self, username: str, password: str) -> Api:
        answer = self.json("POST", "/auth/login", json={"username": username, "password": password})
        return Api(self.url, {"Authorization": f"Bearer {answer['access_token']}"})


def problem_of(response: requests.Response) -> dict[str, Any]:
    """The problem document of a refusal, checked for what every one of them has."""
    assert response.headers["Content-Type"].startswith("application/problem+json"), response.text
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert {"type", "title", "status", "detail", "errors", "trace_id"} <= problem.keys()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in problem["detail"]), "people read the detail"
    assert "Traceback" not in response.text
    return problem


@dataclass
class Gateway:
    """A running gateway; `api` is nobody, `admin` the first administrator."""

    settings: Settings
    runner: Runner
    port: int

    @property
    def api(self) -> Api:
        return Api(f"http://127.0.0.1:{self.port}")

    def raw(self, request: bytes) -> bytes:
        """What the server sends back to these very bytes until it closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            got = b""
            while piece := connection.recv(65_536):
                got += piece
            return got


@contextmanager
def running_gateway(
    database_server: DatabaseServer, folder: Path, change: Callable[[Settings], Settings] = lambda made: made
) -> Iterator[Gateway]:
    """A gateway of its own for the block; `change` says how its settings differ from a suite's."""
    with database_server.databases(["gateway"]) as prefix:
        settings = change(suite_settings(database_server, prefix, folder))
        keys.make_missing_keys(settings.keys_dir)
        database = Database(settings.database("gateway"), model.metadata, name="gateway")
        with database.begin(service_caller("gateway")) as work:
            seed(work, settings)
        database.dispose()
        runner = Runner(settings, [GatewayService])
        runner.start()
        yield Gateway(settings, runner, settings.http_port)
        runner.stop()
        memory_transport.reset()


@pytest.fixture(scope="module")
def gateway(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(database_server, tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="module")
def api(gateway: Gateway) -> Api:
    return gateway.api


@pytest.fixture(scope="module")
def admin(gateway: Gateway) -> Api:
    return gateway.api.sign_in(gateway.settings.admin_username, gateway.settings.admin_password)
