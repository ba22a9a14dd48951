"""Connections to one service's database, and what their failures mean."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import monotonic
from typing import Any, TypeVar

from psycopg2 import Error as DriverError
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.common import strict_json
from services.common.errors import Unavailable

_log = logging.getLogger(__name__)
# One pool per service; seven services share one embedded server of 200 connections.
_POOL_SIZE = 6
_POOL_OVERFLOW = 14
_POOL_WAIT_SECONDS = 10
_STATEMENT_TIMEOUT_MS = 15_000
_LOCK_TIMEOUT_MS = 10_000
_IDLE_TRANSACTION_TIMEOUT_MS = 30_000
_CONNECT_TIMEOUT_SECONDS = 5
_REST_SECONDS = 1.0

_Answer = TypeVar("_Answer")


def is_transient(problem: BaseException) -> bool:
    """Whether the same work may succeed later by itself: the database or another service was away."""
    if isinstance(problem, (Unavailable, PoolTimeoutError)):
        return True
    return isinstance(problem, (OperationalError, InterfaceError)) or (
        isinstance(problem, DBAPIError) and problem.connection_invalidated
    )


def is_deadlock(problem: Unavailable) -> bool:
    """Whether PostgreSQL rolled a transaction back for the sake of another one: it can simply run again."""
    cause = problem.__cause__
    original = cause.orig if isinstance(cause, DBAPIError) else None
    return getattr(original, "pgcode", None) in ("40P01", "40001")


def again_after_deadlocks(tries: int, do: Callable[[], _Answer]) -> _Answer:
    """What `do` answers, run up to `tries` times as long as PostgreSQL gives it up for another's sake.

    `do` is a whole transaction: nothing of one that was given up has happened.
    """
    for _ in range(tries - 1):
        try:
            return do()
        except Unavailable as problem:
            if not is_deadlock(problem):
                raise
    return do()


@contextmanager
def translated(engine: Engine) -> Iterator[Connection]:
    """A connection whose failures are `Unavailable`, as nobody can tell how far it came."""
    try:
        with engine.connect() as connection:
            yield connection
    except (OperationalError, InterfaceError, PoolTimeoutError) as problem:
        _log.warning("database problem: %s", problem)
        raise Unavailable(
            "数据库暂时不可用, 请稍后用同一个 Idempotency-Key 重试",
            code="database_unavailable",
            ambiguous=True,
        ) from problem


def _ping_when_rested(engine: Engine) -> None:
    """Try a connection before its use when it has rested: a restarted server is then noticed in time.

    A ping before every use would cost as much as a statement; a connection used a moment ago is alive, or
    its failure is told as `Unavailable` and empties the whole pool.
    """

    @sqlalchemy_event.listens_for(engine, "checkin")
    def note(_dbapi_connection: Any, record: Any) -> None:
        record.info["rests_since"] = monotonic()

    @sqlalchemy_event.listens_for(engine, "checkout")
    def ping(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("rests_since", 0.0) < _REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(dbapi_connection)
        except DriverError as problem:
            raise DisconnectionError from problem


def make_engine(url: str, name: str, pool_size: int = _POOL_SIZE, **more: Any) -> Engine:
    """The connections of one service, `name`, that no statement and no lock can hold up for long."""
    options = (
        f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_LOCK_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={_IDLE_TRANSACTION_TIMEOUT_MS} -c timezone=UTC"
    )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=_POOL_OVERFLOW,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_use_lifo=True,
        json_serializer=strict_json.dumps,
        json_deserializer=_loads,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "application_name": f"credit-{name}",
            "options": options,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
        **more,
    )
    _ping_when_rested(engine)
    return engine


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
