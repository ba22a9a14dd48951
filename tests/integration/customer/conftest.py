"""A customer service's database, and ways to work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from services.common.caller import Caller
from services.common.clock import FixedClock
from services.common.db import Database, UnitOfWork
from services.customer.model import metadata

CLERK = Caller(
    kind="user", id="1", username="wang", name="王芳", department="sales-1", roles=("salesperson",)
)
MANAGER = Caller(kind="user", id="2", username="li", name="李强", roles=("department_manager",))
Begin = Callable[..., AbstractContextManager[UnitOfWork]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC))


@pytest.fixture
def database(new_database: Callable[[str], str], clock: FixedClock) -> Iterator[Database]:
    made = Database(new_database("customer"), metadata, name="customer", clock=clock)
    yield made
    made.dispose()


@pytest.fixture
def begin(database: Database) -> Begin:
    """Call it for a unit of work that commits, of the salesperson unless another caller is given."""

    def unit(caller: Caller = CLERK) -> AbstractContextManager[UnitOfWork]:
        return database.begin(caller, "trace")

    return unit
