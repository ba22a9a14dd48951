"""Timers that fire once however many replicas run: each run is claimed in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.caller import service_caller
from services.common.db import Database
from services.common.messaging.loops import Bell, Stopping, keep_going

_Method = TypeVar("_Method", bound=Callable[..., Any])
_MARK = "__credit_timer__"


@dataclass(frozen=True)
class Schedule:
    """How often a method is to run, and the name under which its runs are claimed."""

    name: str
    seconds: float
    method: str


def every(*, seconds: float, name: str) -> Callable[[_Method], _Method]:
    """Run this method (without arguments) every so many seconds, in one replica at a time."""

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, Schedule(name, seconds, method.__name__))
        return method

    return mark


def timers_of(service: object) -> list[Schedule]:
    """The schedules declared on a service's methods."""
    members = (getattr(type(service), name, None) for name in dir(type(service)))
    return [getattr(member, _MARK) for member in members if hasattr(member, _MARK)]


class Timer:
    """One schedule's loop in one replica."""

    def __init__(self, database: Database, service: str, instance: object, schedule: Schedule) -> None:
        self.bell = Bell()
        self._database = database
        self._service = service
        self._schedule = schedule
        self._method: Callable[[], Any] = getattr(instance, schedule.method)

    def run(self, stopping: Stopping) -> None:
        """Claim and run whenever due, until `stopping`."""
        keep_going(f"timer {self._schedule.name} of {self._service}", self._step, self.bell, stopping)

    def _step(self) -> float:
        if self.claim():
            self._method()
        return self._schedule.seconds

    def claim(self) -> bool:
        """Whether this replica may run now; the last start is kept in `scheduled_runs`."""
        with self._database.begin(service_caller(self._service)) as work:
            runs = work.table("scheduled_runs")
            name = self._schedule.name
            first = upsert(runs).values(name=name, started_at=work.now).on_conflict_do_nothing()
            if work.execute(first.returning(runs.c.name)).first():
                return True
            # A little less than the period, else two clocks a hair apart would skip every other run.
            due = work.now - timedelta(seconds=self._schedule.seconds * 0.9)
            claimed = update(runs).where(runs.c.name == name, runs.c.started_at <= due)
            return bool(work.execute(claimed.values(started_at=work.now)).rowcount)
