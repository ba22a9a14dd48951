"""Toy services on fresh databases, over the in-memory broker or over RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.config import Settings
from services.common.messaging import memory_transport
from tests.support.postgres import DatabaseServer
from tests.support.toys import Toys, running, toy_settings


@pytest.fixture
def toys_settings(database_server: DatabaseServer, tmp_path: Path) -> Iterator[Settings]:
    """Settings over the in-memory broker; the databases are dropped afterwards."""
    with toy_settings(database_server, tmp_path) as settings:
        yield settings
    memory_transport.reset()


@pytest.fixture
def toys(toys_settings: Settings) -> Iterator[Toys]:
    """Both toy services, running."""
    with running(toys_settings) as started:
        yield started
