"""The whole suite for a test: in this process, or every service apart over a real broker."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import requests

from credit.demo.client import Client
from credit.sample_data import SampleMaker
from credit.suite import prepare
from credit.up import in_background
from services.common.config import MEMORY_BROKER, Settings
from services.common.messaging import Runner
from tests.support.processes import READY_SECONDS_MAX, ServiceProcess, services_apart
from tests.support.wait import wait_until


class Suite:
    """A running suite: its settings, its API, and its processes, or its runner in this one."""

    def __init__(
        self,
        settings: Settings,
        processes: Mapping[str, list[ServiceProcess]],
        runner: Runner | None = None,
    ) -> None:
        self.settings = settings
        self.processes = processes
        self.runner = runner
        self.url = f"http://{settings.http_host}:{settings.http_port}"

    @property
    def is_embedded(self) -> bool:
        """Whether all of it runs in this process."""
        return not self.processes

    def client(self) -> Client:
        """The API, signed in as nobody."""
        return Client(self.url)

    def administrator(self) -> Client:
        """The API, signed in as the first administrator."""
        return self.client().sign_in(self.settings.admin_username, self.settings.admin_password)


@contextmanager
def embedded_suite(settings: Settings, maker: SampleMaker | None = None) -> Iterator[Suite]:
    """Prepare and run everything in this process, over an in-memory broker of its own."""
    settings = replace(settings, amqp_uri=f"{MEMORY_BROKER}-{secrets.token_hex(4)}")
    prepare(settings, print)
    with in_background(settings, maker) as runner:
        yield _ready(Suite(settings, {}, runner))


@contextmanager
def distributed_suite(
    settings: Settings, amqp_uri: str, replicas: Mapping[str, int] | None = None
) -> Iterator[Suite]:
    """Prepare, and run every service as its own process over RabbitMQ."""
    settings = replace(settings, amqp_uri=amqp_uri)
    prepare(settings, print)
    with services_apart(settings, replicas) as processes:
        yield _ready(Suite(settings, processes))


def _ready(suite: Suite) -> Suite:
    def is_ready() -> bool:
        return requests.get(f"{suite.url}/readyz", timeout=5).status_code == 200

    wait_until(is_ready, READY_SECONDS_MAX, what="the suite", ignoring=(requests.RequestException,))
    return suite
