"""A suite to be measured: each service a process, over RabbitMQ and a PostgreSQL that writes durably."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from credit.demo.client import Client
from credit.suite import prepare, with_server
from services.common.config import Settings
from tests.bench.company import ADMIN_PASSWORD
from tests.support.ports import LOOPBACK, free_port
from tests.support.processes import ServiceProcess, services_apart
from tests.support.rabbitmq import find_broker
from tests.support.wait import wait_until

TOPOLOGY = "every service its own process, over RabbitMQ"
START_SECONDS_MAX = 120


@dataclass
class Suite:
    """A running suite; its PostgreSQL goes on after `stop_services`."""

    settings: Settings
    _services: ExitStack

    @property
    def url(self) -> str:
        """Where its gateway answers."""
        return url_of(self.settings)

    def stop_services(self) -> None:
        """End every service, so that nobody but the caller asks the database."""
        self._services.close()

    def another(self, name: str) -> ServiceProcess:
        """One more replica of a service, ready; it ends with the others."""
        return self._services.enter_context(ServiceProcess(self.settings, name)).wait_until_ready()


def settings_in(folder: Path) -> Settings:
    """The settings of a suite that keeps everything in a folder, on a free port."""
    return Settings(
        data_dir=folder / "var",
        keys_dir=folder / "var" / "keys",
        http_port=free_port(),
        admin_password=ADMIN_PASSWORD,
    )


def url_of(settings: Settings) -> str:
    """Where the gateway of these settings answers."""
    return f"http://{LOOPBACK}:{settings.http_port}"


@contextmanager
def suite_apart(folder: Path, fill: Callable[[Settings], None] | None = None) -> Iterator[Suite]:
    """A suite that keeps everything in a folder; `fill` may fill its databases before anybody reads them.

    RabbitMQ is that of AMQP_URI, else localhost's, else one that is started.
    """
    settings = settings_in(folder)
    broker, why = find_broker(settings.data_dir / "rabbitmq")
    if broker is None:
        raise SystemExit(why)
    uri = str(broker.new_virtual_host())
    try:
        with with_server(replace(settings, amqp_uri=uri)) as reached:
            prepare(reached, print)
            if fill is not None:
                fill(reached)
            with ExitStack() as services:
                services.enter_context(services_apart(reached))
                wait_until(Client(url_of(settings)).is_up, START_SECONDS_MAX, what="the suite")
                yield Suite(reached, services)
    finally:
        broker.drop_virtual_host(uri)
        broker.close()
