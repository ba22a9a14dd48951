"""A broker of our own behind a network that can fail, and toy services over it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.common.config import Settings
from tests.conftest import suite_settings
from tests.faults.place import Place
from tests.support.forwarder import Forwarder
from tests.support.postgres import DatabaseServer, OwnPostgres
from tests.support.rabbitmq import RabbitNode, program
from tests.support.suites import distributed_suite
from tests.support.toys import Toys, running, toy_settings


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitNode]:
    """A RabbitMQ node that tests may kill and wipe; the next test finds it running again."""
    if program("rabbitmq-server") is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("rabbitmq-server is missing: the fault tests need a node of their own")
        pytest.skip("NO rabbitmq-server: the fault tests need a node of their own")
    started = RabbitNode(tmp_path_factory.mktemp("node")).start()
    yield started
    started.stop()


@pytest.fixture
def network(node: RabbitNode) -> Iterator[Forwarder]:
    """The network between the services and the broker."""
    with Forwarder(node.port) as forwarder:
        yield forwarder


@pytest.fixture
def toys_settings(
    database_server: DatabaseServer, network: Forwarder, node: RabbitNode, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of toy services over the failing network, in a virtual host of their own."""
    host = f"toys-{secrets.token_hex(4)}"
    node.control("add_vhost", host)
    node.control("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
    uri = f"amqp://guest:guest@127.0.0.1:{network.port}/{host}"
    with toy_settings(database_server, tmp_path, uri) as settings:
        yield settings


@pytest.fixture
def toys(toys_settings: Settings) -> Iterator[Toys]:
    """Both toy services, running over the failing network."""
    with running(toys_settings) as started:
        yield started


@pytest.fixture(scope="session")
def place(node: RabbitNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Every service as its own process, two of limits and of workflow, over a broker and a server that tests
    may end.
    """
    folder: Path = tmp_path_factory.mktemp("place")
    with ExitStack() as stack:
        server = OwnPostgres(folder)
        server.start()
        stack.callback(server.stop, "immediate")
        databases = DatabaseServer(server.url)
        prefix = stack.enter_context(databases.databases())
        settings = suite_settings(databases, prefix, folder)
        node.control("add_vhost", "place")
        node.control("set_permissions", "-p", "place", "guest", ".*", ".*", ".*")
        replicas = {"limits": 2, "workflow": 2}
        suite = stack.enter_context(distributed_suite(settings, node.uri_of("place"), replicas))
        yield Place(suite, server)
