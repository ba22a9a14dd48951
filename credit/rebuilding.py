"""Building a service's projections again from the event logs of the others."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from credit.settling import Progress, wait_until_read
from credit.suite import database_of, service_class
from credit.up import alone, in_background, is_running
from services.common import positions
from services.common.caller import service_caller
from services.common.config import Settings


class CannotRebuild(Exception):
    """The service reads nothing of the others."""


def rebuild(settings: Settings, name: str, progress: Progress) -> int:
    """Empty a service's projections and wait until it has read everything again; returns the events read.

    A running suite does the reading, else it is started here for as long as that takes. `progress` gets how
    many events have been read and how many there are.
    """
    kind = service_class(name)
    if not kind.subscriptions:
        raise CannotRebuild(f"服务 {name} 不读取其他服务的事件 / {name} reads no events")
    with ExitStack() as stack:
        with database_of(settings, name) as database, database.begin(service_caller(name)) as work:
            positions.read_again(work, kind.projections, sorted(kind.subscriptions))
        if settings.embedded_broker and not is_running(settings.data_dir):
            stack.enter_context(alone(settings.data_dir))
            stack.enter_context(in_background(replace(settings, http_port=0)))
        return wait_until_read(settings, [name], progress)
