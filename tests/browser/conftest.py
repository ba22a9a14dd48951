"""A suite with people, and the browser in which they are played."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from credit.node import find_node
from credit.web_app import build
from tests.conftest import suite_settings
from tests.journeys.conftest import PASSWORD, Company, hire
from tests.support.chromium import PICTURES, find_chromium, play
from tests.support.ports import free_port
from tests.support.postgres import DatabaseServer
from tests.support.smtp_sink import SmtpSink
from tests.support.suites import embedded_suite


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program. Skips loudly without one; fails with CI=true."""
    found, why = find_chromium()
    if found is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"Chromium is missing: {why}")
        pytest.skip(f"NO CHROMIUM: {why}")
    return found


@pytest.fixture(scope="package")
def web_app() -> None:
    """The web application, built of the sources as they are, and what checks it."""
    node = find_node()
    node.install()
    build(node)


@pytest.fixture(scope="package")
def company(
    web_app: None, database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """One suite with its people for all that is played."""
    folder = tmp_path_factory.mktemp("browser")
    with ExitStack() as stack:
        prefix = stack.enter_context(database_server.databases())
        mails = stack.enter_context(SmtpSink(folder))
        settings = suite_settings(database_server, prefix, folder)
        settings = replace(settings, http_port=free_port(), smtp_url=mails.url)
        yield hire(stack.enter_context(embedded_suite(settings)), mails)


@pytest.fixture
def stage(company: Company, chromium: str) -> Any:
    """Call it with a scenario's name to play it: `stage("daily_work.approve", width=390, …)`."""

    def played(scenario: str, **given: Any) -> dict[str, Any]:
        company.settle()
        known = {"url": company.suite.url, "password": PASSWORD, "chromium": chromium}
        return play(scenario, **known, pictures=str(PICTURES), **given)

    return played
