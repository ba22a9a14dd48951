"""One service's database: the engine, and the unit of work in which every change is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Executable, MetaData, Table

from services.common import strict_json
from services.common.bulk import RowWriter
from services.common.caller import Caller
from services.common.clock import Clock, SystemClock, business_date
from services.common.engines import make_engine, translated
from services.common.ids import new_id
from services.common.strict_json import Plain
from services.common.tables import MONEY, service_metadata

__all__ = [
    "MONEY",
    "Database",
    "UnitOfWork",
    "service_metadata",
]

_GLANCE_POOL_SIZE = 2


class Part(Protocol):
    """Changes of a unit of work that are kept in memory until it commits."""

    def mark(self) -> int:
        """Where the changes stand now."""

    def undo(self, mark: int) -> None:
        """Take back what was changed since a mark."""

    def forget(self) -> None:
        """Drop what was read: a part of the transaction was rolled back, and locks with it."""

    def flush(self) -> None:
        """Write the changes."""


_SomePart = TypeVar("_SomePart", bound=Part)


class UnitOfWork:
    """One transaction: what an operation reads, changes, tells (events) and asks of others (commands)."""

    def __init__(
        self,
        connection: Connection,
        metadata: MetaData,
        *,
        now: datetime,
        caller: Caller,
        trace_id: str,
        timezone: str,
        base_currency: str,
        reads_only: bool = False,
        right: str = "",
    ) -> None:
        self.connection = connection
        self.rows = RowWriter(connection)
        # Under which right the caller works here: how far it reaches, see `services.common.scopes`.
        self.right = right
        self.reads_only = reads_only
        self.base_currency = base_currency
        self.timezone = timezone
        self.now = now
        self.caller = caller
        self.trace_id = trace_id
        self.metadata = metadata
        self._remembered: dict[Hashable, Any] = {}
        self._parts: dict[Any, Part] = {}
        self._attempts = 0
        # The ordering keys of the events that this unit of work applies: what the first of them asks the
        # database for, the others will ask for as well.
        self.foreseen: Sequence[str] = ()
        self._events: list[dict[str, Any]] = []
        self._commands: list[dict[str, Any]] = []
        self._has_told = False

    def remembered(self, name: Hashable, find: Callable[[], Any]) -> Any:
        """What `find` answered first in this unit of work; for what cannot change within it."""
        if name not in self._remembered:
            self._remembered[name] = find()
        return self._remembered[name]

    def remember(self, name: Hashable, value: Any) -> None:
        """Answer this from now on: this unit of work has made it so."""
        self._remembered[name] = value

    def forget(self, name: Hashable) -> None:
        """Look it up anew next time: this unit of work has changed it."""
        self._remembered.pop(name, None)

    def part(self, kind: Callable[[UnitOfWork], _SomePart]) -> _SomePart:
        """The part of this kind, made at first use; it is written before the commit."""
        made: Any = self._parts.get(kind)
        if made is None:
            made = self._parts[kind] = kind(self)
        part: _SomePart = made
        return part

    @property
    def local_date(self) -> date:
        """The calendar day of `now` in the company's time zone."""
        return business_date(self.now, self.timezone)

    def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement in this transaction, after what was written by `rows` before."""
        self.rows.send()
        return self.connection.execute(statement, parameters)

    def execute_driver_sql(self, statement: str, parameters: Mapping[str, Any]) -> CursorResult[Any]:
        """The same for a statement as the driver takes it, with parameters that it knows how to write."""
        self.rows.send()
        return self.connection.exec_driver_sql(statement, dict(parameters))

    def table(self, name: str) -> Table:
        """One of the service's tables, the common ones included."""
        return self.metadata.tables[name]

    def add_event(
        self,
        type: str,
        *,
        subject: str | UUID,
        data: Mapping[str, Any],
        ordering_key: str | UUID | None = None,
        dataversion: int = 1,
    ) -> None:
        """Tell the others, in this transaction, that something happened.

        `type` is the bare name in the past tense; `ordering_key` is the customer's id where there is one:
        events of one key are applied in their order.
        """
        self._events.append(
            {
                "id": new_id(),
                "type": type,
                "subject": str(subject),
                "ordering_key": str(ordering_key if ordering_key is not None else subject),
                "time": self.now,
                "actor": self.caller.actor,
                "trace_id": self.trace_id,
                "data": Plain.of(data),
                "dataversion": dataversion,
            }
        )

    @property
    def has_told(self) -> bool:
        """Whether this unit of work has told of anything until now."""
        return bool(self._events) or self._has_told

    def write_out(self) -> None:
        """Write what is kept in memory until now: a unit of work of a hundred thousand rows stays small.

        Nothing of it can be taken back alone from here on, so there is no `attempt` around this.
        """
        self._has_told |= self._flush()[0]
        self.rows.send()
        self._events.clear()
        self._commands.clear()

    def add_command(
        self,
        key: str,
        service: str,
        method: str,
        payload: Mapping[str, Any],
        *,
        on_answer: str,
        on_behalf_of: str | None = None,
    ) -> None:
        """Ask another service for something once this transaction has committed.

        It is sent until there is a definite answer, with `key` as its idempotency key; the service's
        `answers[on_answer]` then runs in one transaction. The same key twice is one command.
        """
        self._commands.append(
            {
                "key": key,
                "service": service,
                "method": method,
                "payload": strict_json.to_plain(dict(payload)),
                "on_answer": on_answer,
                "on_behalf_of": on_behalf_of or self.caller.actor,
                "trace_id": self.trace_id,
                "state": "pending",
                "attempts": 0,
                "next_attempt_at": self.now,
                "created_at": self.now,
            }
        )

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A stretch of this unit of work that fails alone, where all its changes are kept in parts.

        It costs no trip to the database; its events, commands and changes go, what was read stays.
        """
        self._attempts += 1
        try:
            with self._taken_back():
                yield
        finally:
            self._attempts -= 1

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """The same for a stretch that writes at once: its rows go as well. Not inside an `attempt`."""
        if self._attempts:
            raise RuntimeError("a savepoint inside an attempt would write what the attempt may take back")
        self._flush_parts()
        self.rows.send()
        with self._taken_back():
            try:
                with self.connection.begin_nested():
                    yield
                    self.rows.send()
            except BaseException:
                self.rows.forget()
                # What was looked up or locked inside may be undone with it.
                self._remembered.clear()
                for part in self._parts.values():
                    part.forget()
                raise

    @contextmanager
    def _taken_back(self) -> Iterator[None]:
        """Take back what is in memory when the block fails."""
        events, commands = len(self._events), len(self._commands)
        marks = {kind: part.mark() for kind, part in self._parts.items()}
        try:
            yield
        except BaseException:
            for kind, part in self._parts.items():
                part.undo(marks.get(kind, 0))
            del self._events[events:]
            del self._commands[commands:]
            raise

    def _flush_parts(self) -> None:
        for part in self._parts.values():
            part.flush()

    def _flush(self) -> tuple[bool, bool]:
        self._flush_parts()
        self.rows.insert(self.table("events"), self._events)
        self.rows.insert_missing(self.table("commands"), self._commands)
        self.rows.send()
        return self.has_told, bool(self._commands)


class Database:
    """The engine of one service's database, and the source of its units of work."""

    def __init__(
        self,
        url: str,
        metadata: MetaData,
        *,
        name: str,
        clock: Clock | None = None,
        timezone: str = "Asia/Shanghai",
        base_currency: str = "CNY",
    ) -> None:
        self._timezone = timezone
        self._base_currency = base_currency
        self.metadata = metadata
        self.name = name
        self.clock = clock or SystemClock()
        self.engine = make_engine(url, name)
        # Connections that stay as they are: to switch one there and back costs half a statement.
        self._glancing = make_engine(url, name, _GLANCE_POOL_SIZE, isolation_level="AUTOCOMMIT")
        self.on_events: Callable[[], None] | None = None
        self.on_commands: Callable[[], None] | None = None

    @contextmanager
    def begin(self, caller: Caller, trace_id: str = "", right: str = "") -> Iterator[UnitOfWork]:
        """A unit of work that commits when the block ends and rolls back when it raises.

        Raises `Unavailable` when the database is away; with `ambiguous=True` when the COMMIT itself was
        lost, so that nobody can tell whether it happened.
        """
        work: UnitOfWork
        with translated(self.engine) as connection:
            work = self._unit(connection, caller, trace_id, right)
            with connection.begin():
                yield work
                events, commands = work._flush()
        if events and self.on_events:
            self.on_events()
        if commands and self.on_commands:
            self.on_commands()

    @contextmanager
    def read(self, caller: Caller, trace_id: str = "", right: str = "") -> Iterator[UnitOfWork]:
        """A unit of work that sees one moment and changes nothing."""
        with translated(self.engine) as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield self._unit(connection, caller, trace_id, right, reads_only=True)

    @contextmanager
    def glance(self, caller: Caller, trace_id: str = "") -> Iterator[UnitOfWork]:
        """A unit of work for single statements that change nothing: each sees its own moment.

        Without a transaction around, which would cost two trips more than the statement.
        """
        with translated(self._glancing) as connection:
            yield self._unit(connection, caller, trace_id, reads_only=True)

    @contextmanager
    def maintenance(self) -> Iterator[Connection]:
        """A connection without transaction and time limit, for making indexes beside the work."""
        with translated(self.engine) as connection:
            made = connection.execution_options(isolation_level="AUTOCOMMIT")
            made.exec_driver_sql("SET statement_timeout = 0")
            try:
                yield made
            finally:
                # It goes back to the others, which have a limit.
                made.invalidate()

    def _unit(
        self,
        connection: Connection,
        caller: Caller,
        trace_id: str,
        right: str = "",
        *,
        reads_only: bool = False,
    ) -> UnitOfWork:
        return UnitOfWork(
            connection,
            self.metadata,
            now=self.clock.now(),
            caller=caller,
            trace_id=trace_id,
            timezone=self._timezone,
            base_currency=self._base_currency,
            reads_only=reads_only,
            right=right,
        )

    def later(self, seconds: float) -> datetime:
        """The moment so many seconds from now."""
        return self.clock.now() + timedelta(seconds=seconds)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._glancing.dispose()
