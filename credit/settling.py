"""Waiting until every service has read all that the others have written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from credit.suite import database_of, service_class
from credit.up import alone, in_background, is_running
from services.common import events, positions
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, Settings

_STANDSTILL_SECONDS_MAX = 60
_POLL_SECONDS = 0.2

Progress = Callable[[int, int], None]


class StandsStill(Exception):
    """A service no longer reads the events of others; the text says which and what to do."""


def settle(settings: Settings) -> None:
    """Let every service read all that the others have written, in the running suite or one started for it."""
    if not settings.embedded_broker or is_running(settings.data_dir):
        wait_until_read(settings)
        return
    for name in ALL_SERVICES:
        # A killed process may have left events that nobody could read yet, as they had no number.
        with database_of(settings, name) as database, database.begin(service_caller(name)) as work:
            events.number_events(work)
    read, written = _distance(settings, ALL_SERVICES)
    if read < written:
        with alone(settings.data_dir), in_background(replace(settings, http_port=0)):
            wait_until_read(settings)


def wait_until_read(
    settings: Settings, names: Sequence[str] = ALL_SERVICES, progress: Progress | None = None
) -> int:
    """Wait until these services have read every source to its end; returns the events they have read.

    `progress` gets how many have been read and how many there are. Raises `StandsStill` when a stream has
    stopped, or when nothing moves for a minute.
    """
    last, moved_at = -1, time.monotonic()
    while True:
        read, written = _distance(settings, names)
        if progress is not None:
            progress(read, written)
        if read >= written:
            return read
        if read != last:
            last, moved_at = read, time.monotonic()
        elif time.monotonic() - moved_at > _STANDSTILL_SECONDS_MAX:
            raise StandsStill(
                f"还有 {written - read} 个事件未处理且没有进展, 请确认所有服务正在运行 / are all services up?"
            )
        time.sleep(_POLL_SECONDS)


def _distance(settings: Settings, names: Sequence[str]) -> tuple[int, int]:
    """How many events these services have read, and how many they have to."""
    read = written = 0
    heads: dict[str, int] = {}
    for name in names:
        sources = sorted(service_class(name).subscriptions)
        for source in sources:
            if source not in heads:
                with database_of(settings, source) as database, database.read(service_caller(source)) as work:
                    heads[source], _ = events.head_of_log(work)
        with database_of(settings, name) as database, database.read(service_caller(name)) as work:
            for source in sources:
                sequence, _, state = positions.position_of(work, source)
                if state != "running":
                    raise StandsStill(
                        f"{name} 已停止读取 {source} 的事件 ({state}): 修复原因后恢复该事件流, "
                        f"来源曾从备份恢复时请运行 credit rebuild {name}"
                    )
                read += min(sequence, heads[source])
                written += heads[source]
    return read, written
