"""Building a service's projections again from the event logs of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from credit.suite import database_of, service_class
from credit.up import in_background, is_running
from services.common import events, positions
from services.common.caller import service_caller
from services.common.config import Settings

_STANDSTILL_SECONDS_MAX = 120
_POLL_SECONDS = 0.2


class CannotRebuild(Exception):
    """The rebuild cannot start or does not end; the text says why."""


def rebuild(settings: Settings, name: str, progress: Callable[[int, int], None]) -> int:
    """Empty a service's projections and wait until it has read everything again; returns the events read.

    A running suite does the reading, else it is started here for as long as that takes. `progress` gets how
    many events have been read and how many there are.
    """
    kind = service_class(name)
    if not kind.projections:
        raise CannotRebuild(f"服务 {name} 没有可以重建的投影 / nothing to rebuild")
    sources = sorted(kind.subscriptions)
    with ExitStack() as stack:
        if settings.embedded_broker and not is_running(settings.data_dir):
            stack.enter_context(in_background(replace(settings, http_port=0)))
        with database_of(settings, name) as database:
            with database.begin(service_caller(name)) as work:
                for table in kind.projections:
                    work.execute(kind.metadata.tables[table].delete())
                positions.forget_positions(work, sources)
            return _wait(settings, name, sources, progress)


def _wait(settings: Settings, name: str, sources: list[str], progress: Callable[[int, int], None]) -> int:
    heads = sum(_head(settings, source) for source in sources)
    last, moved_at = -1, time.monotonic()
    while True:
        with database_of(settings, name) as database, database.read(service_caller(name)) as work:
            reached = [positions.position_of(work, source) for source in sources]
        stopped = [source for source, at in zip(sources, reached, strict=True) if at[2] != "running"]
        if stopped:
            raise CannotRebuild(f"{name} 读取 {', '.join(stopped)} 的事件时停止, 请查看待处理事件")
        done = sum(at[0] for at in reached)
        progress(done, heads)
        if done >= heads:
            return done
        if done != last:
            last, moved_at = done, time.monotonic()
        elif time.monotonic() - moved_at > _STANDSTILL_SECONDS_MAX:
            raise CannotRebuild(
                f"{name} 没有进展: 请确认所有服务正在运行 / no progress: are all services up?"
            )
        time.sleep(_POLL_SECONDS)


def _head(settings: Settings, source: str) -> int:
    with database_of(settings, source) as database, database.read(service_caller(source)) as work:
        return events.head_sequence(work)
