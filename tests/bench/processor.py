"""What a request costs the processor, by who spends it: steadier on a shared machine than how many pass."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from services.common.config import ALL_SERVICES, Settings

_BROKER = "beam.smp"
_DATABASE = "postgres"


class Spent:
    """Seconds of processor time between two moments, by service, `postgres` and `rabbitmq`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def per_request(self, name: str, requests: int) -> dict[str, float]:
        """As figures: milliseconds for each request, in all as `name`, and by who spent a hundredth."""
        each = {who: seconds / requests * 1000 for who, seconds in self.seconds.items()}
        parts = {f"{name}_{who}": round(spent, 2) for who, spent in sorted(each.items()) if spent >= 0.01}
        return {name: round(sum(each.values()), 2), **parts}


@contextmanager
def spending(settings: Settings) -> Iterator[Spent]:
    """Count what a suite's processes, its database and the brokers of this machine spend in the block."""
    spent = Spent()
    before = _by_process(settings)
    yield spent
    for process, (who, seconds) in _by_process(settings).items():
        spent.seconds[who] += seconds - before.get(process, (who, 0.0))[1]


def _by_process(settings: Settings) -> dict[int, tuple[str, float]]:
    """Whose each process is, and what it has spent since it began."""
    folder = str(settings.data_dir)
    services = {child.pid: child for child in psutil.Process(os.getpid()).children(recursive=True)}
    found: dict[int, tuple[str, float]] = {}
    for process in psutil.process_iter():
        try:
            who = _owner(process, folder, process.pid in services)
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        if who is not None:
            found[process.pid] = who, times.user + times.system
    return found


def _owner(process: psutil.Process, folder: str, is_ours: bool) -> str | None:
    if process.name() == _BROKER:
        return "rabbitmq"
    if process.name() == _DATABASE:
        whole = [process, *process.parents()]
        return "postgres" if any(folder in " ".join(each.cmdline()) for each in whole) else None
    if is_ours:
        return next((word for word in process.cmdline() if word in ALL_SERVICES), None)
    return None
