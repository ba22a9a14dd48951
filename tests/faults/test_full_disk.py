"""A disk that fills up under the database: people are told to come again, and nothing answered is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import suite_settings
from tests.faults.place import Place
from tests.faults.trade import Trade
from tests.support.postgres import DatabaseServer, OwnPostgres
from tests.support.suites import embedded_suite
from tests.support.wait import wait_until

_DISK_MEGABYTES = 400
_AT_ONCE = 250
_BATCHES_MAX = 200
_MEGABYTE = b"0" * 1_048_576


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of our own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m,mode=0777", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NO SMALL DISK: mounting one needs root, so a full disk was not tried")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def place(disk: Path, tmp_path: Path) -> Iterator[Place]:
    """The embedded suite over a database on that disk."""
    with ExitStack() as stack:
        server = OwnPostgres(disk)
        server.start()
        stack.callback(server.stop, "immediate")
        databases = DatabaseServer(server.url)
        prefix = stack.enter_context(databases.databases())
        suite = stack.enter_context(embedded_suite(suite_settings(databases, prefix, tmp_path)))
        yield Place(suite, server)


def test_a_full_disk_loses_nothing_that_was_answered_and_ends_with_the_cause(
    disk: Path, place: Place
) -> None:
    trade = place.trade("DISK", "49000.00")
    answered = _order(trade, 0)
    _fill(disk / "ballast")
    refusal = None
    for number in range(1, _BATCHES_MAX):
        try:
            answered |= _order(trade, number)
        except requests.HTTPError as problem:
            refusal = problem.response
            break
    assert refusal is not None, "the disk never got full"
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert refusal.headers["Content-Type"].startswith("application/problem+json")
    (disk / "ballast").unlink()
    if not place.server.is_running():
        # PostgreSQL ends itself where it cannot write its log; whoever runs it starts it again.
        place.server.start()

    def works() -> set[str]:
        return _order(trade, _BATCHES_MAX)

    answered |= wait_until(works, 60, what="orders to be taken again", ignoring=(requests.RequestException,))
    assert answered <= set(place.orders_of(trade))
    place.agrees()


def _order(trade: Trade, number: int) -> set[str]:
    """The numbers of a batch of orders that were answered."""
    items: list[dict[str, Any]] = [
        {
            "order_no": f"DISK-{number}-{line}",
            "customer_id": trade.customer_id,
            "amount": "1.00",
            "currency": "CNY",
            "order_date": "2026-01-05",
        }
        for line in range(_AT_ONCE)
    ]
    headers = {"Authorization": f"Bearer {trade.token}", "Idempotency-Key": f"disk-{number}"}
    url = f"{trade.suite.url}/api/v1/orders:batch"
    response = requests.post(url, json={"items": items}, headers=headers, timeout=60)
    response.raise_for_status()
    results = response.json()["results"]
    assert {result["status"] for result in results} == {"reserved"}
    return {item["order_no"] for item in items}


def _fill(ballast: Path) -> None:
    """Leave no room on a disk."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(_MEGABYTE) == len(_MEGABYTE):
                continue
        except OSError:
            return
