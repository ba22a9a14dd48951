"""What every test can ask for: databases, a broker, settings; see CONTRIBUTING.md."""

from __future__ import annotations

from services.common.green import make_green

make_green()

import os  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import ExitStack, contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck  # noqa: E402
from hypothesis import settings as hypothesis_settings  # noqa: E402

from services.common.config import Settings  # noqa: E402
from tests.support.ports import free_port  # noqa: E402
from tests.support.postgres import DatabaseServer  # noqa: E402
from tests.support.rabbitmq import Broker, find_broker, start_broker  # noqa: E402
from tests.support.smtp_sink import SmtpSink  # noqa: E402

_missing: list[str] = []
# How long an example takes says more of a shared machine than of the code.
hypothesis_settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("suite")


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """The PostgreSQL of this run: DATABASE_URL's, else an embedded one in a temporary folder."""
    server = DatabaseServer.find()
    yield server
    server.close()


@pytest.fixture
def new_database(database_server: DatabaseServer) -> Iterator[Callable[[str], str]]:
    """Call it with a service's name: the URL of a fresh, migrated database, dropped after the test."""
    with ExitStack() as stack:

        def make(service: str) -> str:
            prefix = stack.enter_context(database_server.databases([service]))
            return Settings(database_url=database_server.url, database_prefix=prefix).database(service)

        yield make


@pytest.fixture
def settings(database_server: DatabaseServer, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a whole suite for one test: in-memory broker, fresh databases, empty data folder."""
    with database_server.databases() as prefix:
        yield suite_settings(database_server, prefix, tmp_path)


@pytest.fixture(scope="module")
def module_settings(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The same, shared by all tests of a module (a journey)."""
    with database_server.databases() as prefix:
        yield suite_settings(database_server, prefix, tmp_path_factory.mktemp("suite"))


def suite_settings(server: DatabaseServer, prefix: str, folder: Path) -> Settings:
    """Settings over databases with this prefix, with a free HTTP port."""
    return Settings(
        http_port=free_port(),
        data_dir=folder,
        keys_dir=folder / "keys",
        admin_password="correct horse battery staple",
        database_url=server.url,
        database_prefix=prefix,
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The RabbitMQ of this run; see `find_broker`. Skips loudly without one; fails with CI=true."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    found, why = find_broker(folder)
    if found is not None and not os.environ.get("AMQP_URI") and not _can_make_virtual_hosts(found):
        found.close()
        found, why = start_broker(folder)
    if found is None:
        _missing.append(why)
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"RabbitMQ is missing: {why}")
        pytest.skip(f"NO RABBITMQ: {why}")
    yield found
    found.close()


@contextmanager
def own_virtual_host(broker: Broker) -> Iterator[str]:
    """The AMQP URI of a virtual host that nobody else uses, dropped afterwards."""
    uri = broker.new_virtual_host()
    if uri is None:
        # Somebody gave us a broker on which we may not make one: theirs is the one that they meant.
        yield os.environ["AMQP_URI"]
        return
    yield uri
    broker.drop_virtual_host(uri)


@pytest.fixture(scope="module")
def amqp_uri(broker: Broker) -> Iterator[str]:
    """The AMQP URI of a virtual host of this module's own."""
    with own_virtual_host(broker) as uri:
        yield uri


@pytest.fixture
def smtp_sink(tmp_path: Path) -> Iterator[SmtpSink]:
    """A local mail server that keeps what it gets."""
    with SmtpSink(tmp_path) as sink:
        yield sink


def _can_make_virtual_hosts(broker: Broker) -> bool:
    uri = broker.new_virtual_host()
    if uri is None:
        return False
    broker.drop_virtual_host(uri)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the broker is marked `rabbitmq`: `-m "not rabbitmq"` leaves all of them out."""
    for item in items:
        if {"broker", "amqp_uri"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.rabbitmq)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly when the broker's tests did not run."""
    if _missing:
        terminalreporter.section("RABBITMQ WAS MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(f"The tests over a real broker did not run: {_missing[0]}")
